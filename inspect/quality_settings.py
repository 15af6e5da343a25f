"""How a station file says what is watched beside its line, out of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from taktsight.strict_model import StrictModel


class QualitySettings(StrictModel):
    """A process of its own watches the ledger for drift and for a process that shifted. docs/drift.md and
    docs/spc.md say how.
    """

    drift: Path | None = None
    """The frozen reference of ``taktsight drift learn``. Absent: drift is not watched."""
    spc: tuple[Path, ...] = ()
    """Files of limits that ``taktsight spc … --records … --freeze`` wrote."""
    on_alarm: Literal["show", "hold"] = "show"
    """show: an alarm is seen and nothing else. hold: no part passes until somebody has cleared it."""
    silent_s: float = Field(default=300, ge=5, le=86_400)
    """Who watches has said nothing for so long, s: nobody watches. It runs when nobody else wants the
    core."""

    @model_validator(mode="after")
    def _watches_something(self) -> QualitySettings:
        if self.drift is None and not self.spc:
            raise ValueError("nothing is watched: name a reference (drift) or files of limits (spc)")
        return self
