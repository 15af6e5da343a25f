"""What plant and supplier agreed on before anything was measured: a YAML file of criteria."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from taktsight.strict_model import StrictModel
from taktsight.strict_yaml import read_yaml

Chance = Annotated[float, Field(gt=0, lt=1)]
Above0 = Annotated[float, Field(gt=0)]
SIGNATORIES = ("Supplier", "Production", "Quality")


class Criteria(StrictModel):
    """The pass criteria. What is absent was not agreed."""

    agreed: str = ""
    """By whom and when, in words."""
    task: str = ""
    """What is to be inspected, in words."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided, of each bound that decides."""
    escape_rate: Chance | None = None
    """At most this share of the defective parts passes."""
    escape_rate_of: Mapping[str, Chance] = {}
    """At most this share of the parts that have a label passes."""
    overkill_rate: Chance | None = None
    """At most this share of the good parts does not pass."""
    review_load: Chance | None = None
    """At most this share of all parts goes to a person."""
    a90_95_mm: Above0 | None = None
    """Nine in ten defects of this size are found, at the curve's confidence."""
    kappa: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """Agreement with the reference, at least."""
    gage_rr: Chance | None = None
    """R&R of the tolerance, where one is given, else of the study, at most."""
    cycle_p99_ms: Above0 | None = None
    """99 of 100 verdicts come within this time, trigger to gate."""
    uninspected_rate: Chance | None = None
    """At most this share of the triggers ends UNINSPECTED: late, lost or broken."""
    passed_defective_ppm: Above0 | None = None
    """At most so many of a million passed parts are defective, by audits."""
    signatories: tuple[str, ...] = SIGNATORIES
    """Roles that sign."""

    @model_validator(mode="after")
    def _somebody_signs(self) -> Criteria:
        if not self.signatories or not all(role.strip() for role in self.signatories):
            raise ValueError("signatories: name the roles that sign, one at least")
        return self


def read_criteria(path: Path) -> Criteria:
    """The criteria in a file.

    Raises:
        ConfigError: Listing every mistake in it.
    """
    return read_yaml(path, Criteria)
