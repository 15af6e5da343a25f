"""Everything that was read for a report, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from taktsight.bundle import Bundle
from taktsight.defect_book import Described
from taktsight.export.acceptance.criteria import Criteria
from taktsight.export.acceptance.document import (
    AgreementSection,
    AuditSection,
    GageSection,
    PodSection,
    Standing,
)
from taktsight.export.acceptance.ledger_figures import (
    Recorded,
)
from taktsight.export.acceptance.measured_parts import Limits, Measured
from taktsight.export.acceptance.sources import Sources
from taktsight.quality.audit_estimate import AuditFigures
from taktsight.quality.parts import Floats
from taktsight.quality.spc_limits import FrozenLimits
from taktsight.recipe import Recipe

CONFIDENCE = 0.95
"""Two-sided, of every interval that is shown; what decides is one-sided, as agreed."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """What charts draw beyond the report's own figures."""

    targets: tuple[Floats, Floats] | None = None
    """Sizes, and 1 where found."""
    gage: tuple[Floats, tuple[str, ...], tuple[str, ...]] | None = None
    """Values (A, N, T), names of appraisers and of parts."""


@dataclass(slots=True)
class Given:
    """Everything that was read."""

    file: Path
    bundle: Bundle
    source: str
    """Marker of the bundle."""
    recipe: Recipe
    limits: Limits
    limits_from: str
    measured: Measured
    sources: Sources
    criteria: Criteria = field(default_factory=Criteria)
    date: str = ""
    population: str = ""
    catalogue: tuple[Described, ...] = ()
    catalogue_source: str | None = None
    station: tuple[str, str] | None = None
    """Name, and SHA-256 of the settings of its cameras."""
    standing: Standing | None = None
    pod: PodSection | None = None
    agreement: AgreementSection | None = None
    gage: GageSection | None = None
    audit: tuple[AuditSection, AuditFigures] | None = None
    recorded: Recorded | None = None
    per: int = 50
    frozen: FrozenLimits | None = None
    drift: tuple[str, ...] = ()
    drift_source: str | None = None
    pictured: Pictured = field(default_factory=Pictured)
    not_shown: dict[str, str] = field(default_factory=dict)
    """Section → why it is not there."""
