"""The golden-part check of a station: real parts with a known verdict, shown to the real camera."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from taktsight.records import Outcome
from taktsight.strict_model import StrictModel


class GoldenPart(StrictModel):
    """A part that the plant keeps, and what the line must say of it."""

    name: str = Field(min_length=1, max_length=100)
    """What stands on it."""
    must_be: Literal[Outcome.PASS, Outcome.REJECT]
    """PASS of a known-good part, REJECT of a known-bad one."""
    serial: str | None = Field(default=None, min_length=1)
    """What the line reads of it, by which it is known whenever it comes. Absent: 'taktsight golden'
    announces it."""
    what: str = ""
    """What is wrong with it, or where it lies: for the person who fetches it."""

    def __str__(self) -> str:
        return f"{self.name} ({self.what})" if self.what else self.name


class GoldenCheck(StrictModel):
    """When it is asked for, and with which parts. Whenever the line starts, it is due."""

    parts: tuple[GoldenPart, ...] = Field(min_length=2)
    every_h: float | None = Field(default=None, gt=0, le=8760)
    """It is due again so long after it was passed, h. Absent: at the start alone."""
    within_min: float = Field(default=30, gt=0, le=1440)
    """All parts are to be shown within this time, min; one that was shown earlier is shown again."""

    @model_validator(mode="after")
    def _contradictions(self) -> GoldenCheck:
        for kind, values in (
            ("name", [part.name for part in self.parts]),
            ("serial", [part.serial for part in self.parts if part.serial is not None]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"golden part: {kind} {', '.join(twice)} stands twice")
        missing = {Outcome.PASS, Outcome.REJECT} - {part.must_be for part in self.parts}
        if missing:
            wanted = "known-good" if Outcome.PASS in missing else "known-bad"
            raise ValueError(f"golden parts: none is {wanted}; a check needs one of each kind")
        return self
