"""The acceptance report as values: what is written as JSON, and what the page is made of."""

from __future__ import annotations

from typing import Literal

from taktsight.card import Parity, Task
from taktsight.defect_book import Described
from taktsight.export.acceptance.decisions import Criterion
from taktsight.export.acceptance.ledger_figures import Timing
from taktsight.export.acceptance.sources import Source
from taktsight.export.acceptance.trade_off import LabelScores, TradePoint
from taktsight.quality.agreement import Agreement, Share
from taktsight.quality.certificate import Certificate
from taktsight.quality.control_chart import ControlChart
from taktsight.quality.gage import Gage
from taktsight.quality.pareto import ParetoRow
from taktsight.quality.pod import Pod
from taktsight.quality.repeats import Repeats
from taktsight.recipe import Limit
from taktsight.strict_model import StrictModel


class NotShown(StrictModel):
    """Something that belongs into such a report and is not in this one."""

    what: str
    why: str


class Subject(StrictModel):
    """What was accepted, or not."""

    product: str
    version: int
    task: Task
    bundle: str
    """SHA-256 of the file."""
    file: str
    signed_by: str | None
    """Fingerprint of the allowed key; None where none was asked for."""
    expires: str | None
    labels: tuple[str, ...]
    views: tuple[str, ...]
    mm_per_px: float | None
    canvas: str
    parity: tuple[Parity, ...]
    flip_limit: float
    weights: str | None
    """SHA-256 of the trained weights; None of an imported network."""
    code: str
    taktsight: str
    """Version that exported it."""
    station: str | None
    cameras: str | None
    """SHA-256 of the settings of the station's cameras."""
    recipe: str
    """SHA-256 of the recipe with the limits below."""
    limits: tuple[Limit, ...]
    limits_from: str
    source: str


class Standing(StrictModel):
    """Whether the bundle's certificate holds for what is here."""

    certificate: Certificate
    sha256: str
    """Of the certificate."""
    state: Literal["VALID", "TIGHTENED", "VOID", "INVALID", "SUSPENDED"]
    reasons: tuple[str, ...]
    same_parts: bool
    """Whether it was issued on the parts of this report."""
    source: str


class Population(StrictModel):
    """The parts that the rates are of."""

    described: str
    """What they are a sample of, in words; "" where nobody said."""
    parts: int
    looks: int
    """Rows: more than parts where several cameras looked, or a part came more than once."""
    defective: int
    good: int
    by_truth: dict[str, int]
    lots: int | None
    stations: tuple[str, ...]
    cameras: tuple[str, ...]
    first_day: str
    last_day: str
    verdicts_from: str
    verdicts: dict[str, dict[str, int]]
    """Truth → verdict → parts."""
    warnings: tuple[str, ...]
    source: str


class Group(StrictModel):
    """Rates of some of the parts."""

    by: str
    name: str
    escape: Share
    overkill: Share | None
    review: Share


class InLots(StrictModel):
    """A rate that knows the lots."""

    name: Literal["escape", "overkill"]
    share: Share
    low: float
    high: float
    lots: int
    design_effect: float | None
    effective_parts: float | None
    said: str


class Rates(StrictModel):
    """What became of the parts."""

    confidence: float
    groups: tuple[Group, ...]
    in_lots: tuple[InLots, ...]
    histograms: tuple[LabelScores, ...]
    """Empty where the parts have no scores."""
    trade_off: tuple[TradePoint, ...]
    source: str


class PodSection(StrictModel):
    """The curve of detection."""

    figures: Pod
    source: str


class AgreementSection(StrictModel):
    """The study of people and machine."""

    figures: Agreement
    sources: tuple[str, ...]


class GageSection(StrictModel):
    """The study of a measure."""

    figures: Gage
    sources: tuple[str, ...]


class Interval(StrictModel):
    """An estimate between its ends."""

    value: float
    low: float
    high: float


class AuditSection(StrictModel):
    """Passed parts that were looked at again."""

    passed: int
    audited: int
    defective: int
    strata: int
    confidence: float
    escaped: Interval
    """Defective parts among these passed ones."""
    ppm: Interval
    ppm_upper: float
    """One-sided, for an audit whose size was fixed beforehand."""
    ppm_upper_any_time: float
    recall: Interval | None
    recall_naive: float | None
    sources: tuple[str, ...]


class Production(StrictModel):
    """What the ledger says."""

    timing: Timing
    chart: ControlChart | None
    per: int
    """Inspected parts to a point of the chart."""
    pareto: tuple[ParetoRow, ...]
    repeats: Repeats | None
    source: str


class Acceptance(StrictModel):
    """``acceptance.json``."""

    format: Literal[1] = 1
    taktsight: str
    """Version that wrote it."""
    date: str
    """ISO 8601; from an argument or the data, never from the clock."""
    title: str
    verdict: str
    """Of all criteria, in a sentence."""
    confidence: float
    task: str
    agreed: str
    subject: Subject
    catalogue: tuple[Described, ...]
    catalogue_source: str | None
    standing: Standing | None
    population: Population
    criteria: tuple[Criterion, ...]
    rates: Rates
    pod: PodSection | None
    agreement: AgreementSection | None
    gage: GageSection | None
    audit: AuditSection | None
    production: Production | None
    drift: tuple[str, ...]
    """Alarms that nobody has cleared, in sentences."""
    drift_source: str | None
    not_shown: tuple[NotShown, ...]
    signatories: tuple[str, ...]
    sources: tuple[Source, ...]
