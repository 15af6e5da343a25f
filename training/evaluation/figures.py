"""All figures of an evaluation, as one value that is written to and read from JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from taktsight.card import OperatingPoint, Task
from taktsight.datasets.samples import GOOD, Split
from taktsight.recipe import Limit
from taktsight.records import Outcome
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.classes import ClassFigures
from taktsight.training.evaluation.curves import CurvePoint
from taktsight.training.evaluation.estimates import Estimate, Share
from taktsight.training.evaluation.found_regions import RegionCounts, RegionFigures
from taktsight.training.evaluation.sizes import SizeFigures
from taktsight.training.evaluation.timelines import Timeline


class SplitFigures(StrictModel):
    """What lay in a split."""

    split: Split
    parts: dict[str, int]
    """Label → parts. Exposures of one physical part count one by one."""
    physical_parts: int
    """Different physical parts; those whose number is not known count one by one."""


class OutcomeCounts(StrictModel):
    """The verdicts that a group of parts got."""

    passed: int
    reviewed: int
    rejected: int


class LabelFigures(StrictModel):
    """One defect label."""

    label: str
    escape: Share
    """Parts of this label that passed ÷ parts of this label, whatever label held the others up."""
    outcomes: OutcomeCounts
    """Of the parts of this label."""
    physical_parts: int
    overkill: Share
    """Good parts that this label's limit alone would hold up ÷ good parts."""
    auroc: Estimate | None
    """This label's own score: its parts against the good parts."""


class LotFigures(StrictModel):
    """One production lot."""

    lot: str
    escape: Share
    overkill: Share


class PartFigures(StrictModel):
    """One part and its verdict."""

    name: str
    label: str
    part: str
    lot: str
    score: float
    """The highest of ``scores``."""
    scores: tuple[float, ...]
    """In the order of the labels."""
    outcome: Outcome
    reasons: tuple[str, ...]
    pixel_f1: float | None
    regions: RegionCounts | None = None
    """Its found and drawn regions; None where nobody drew."""
    view: str = ""
    """Of several views the one with the highest score."""

    @property
    def is_defective(self) -> bool:
        """Whether the part must not pass."""
        return self.label != GOOD


class Figures(StrictModel):
    """What a model and its limits did to the parts of one split. What is undefined is None, never 0."""

    model_config = ConfigDict(use_attribute_docstrings=True)  # the JSON schema explains every figure

    task: Task
    """What the network does."""
    labels: tuple[str, ...]
    """K defect labels, in the order of scores."""
    limits: tuple[Limit, ...]
    """One per label, in the order of ``labels``."""
    limits_reason: str
    """Where the limits come from."""
    operating_point: OperatingPoint
    """The same escapes and overkills in the form of the bundle's card."""
    escape: Share
    """Defective parts that passed ÷ defective parts."""
    overkill: Share
    """Good parts that did not pass ÷ good parts."""
    escape_physical: Share | None
    """Defective physical parts of which any exposure passed ÷ defective physical parts. None where no
    physical part has two exposures: it would say the same as ``escape``."""
    overkill_physical: Share | None
    """Good physical parts of which any exposure was held up ÷ good physical parts; None as above."""
    defective_outcomes: OutcomeCounts
    """Verdicts of all defective parts."""
    good_outcomes: OutcomeCounts
    """Verdicts of all good parts."""
    auroc: Estimate | None
    """Chance that a defective part scores higher than a good one; interval of DeLong, clustered by
    physical part. None without defective or without good parts."""
    average_precision: Estimate | None
    """Interval bootstrapped over physical parts. None without defective or without good parts."""
    pixel_f1: Estimate | None
    """Mean over the defective parts whose defect pixels are known; interval bootstrapped over
    physical parts. None where there are none."""
    pixel_f1_parts: int
    """Parts in that mean."""
    regions: RegionFigures | None = None
    """Found regions against the drawn ones, box by box. None where no defect was drawn."""
    classification: ClassFigures | None
    """None for a segmentation."""
    per_label: tuple[LabelFigures, ...]
    """In the order of ``labels``."""
    by_size: tuple[SizeFigures, ...]
    """True defects by diameter: all labels together, then each label. Empty for a classifier, and where
    no defect has pixels."""
    size_unit: Literal["mm", "px"]
    """Of the diameters in ``by_size``."""
    unsized_parts: int
    """Defective parts that are left out there, because their defect pixels are not known."""
    per_lot: tuple[LotFigures, ...]
    """Sorted by name; empty where no lot is known."""
    timelines: tuple[Timeline, ...] = ()
    """Sorted by lot; empty where nothing says when parts were looked at."""
    splits: tuple[SplitFigures, ...]
    """The splits that were handed in."""
    curve: tuple[CurvePoint, ...]
    """ROC and precision–recall in one, from the highest score down."""
    parts: tuple[PartFigures, ...]
    """Every part that was measured."""
    bootstrap_seed: int
    """The same seed gives the same intervals."""
    bootstrap_resamples: int
    """Draws of each bootstrap."""
