"""The code on a part that a station may read as its serial number. Strict; the unit is in every name."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from taktsight.strict_model import StrictModel

Symbology = Literal[
    "qr",
    "micro_qr",
    "datamatrix",
    "aztec",
    "pdf417",
    "code128",
    "code39",
    "code93",
    "codabar",
    "ean13",
    "ean8",
    "upca",
    "upce",
    "itf",
]


class CodeSettings(StrictModel):
    """A code in one camera's frames; what it says is the part's serial."""

    camera: str = Field(min_length=1)
    symbologies: tuple[Symbology, ...] = Field(min_length=1)
    """Those that the part may carry. Each one more takes time, and may be seen where there is none."""
    region_px: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1 in frame pixels, x1, y1 exclusive. Absent: the whole frame, which takes far longer."""
    pattern: str | None = None
    """Regular expression of a whole serial: another code in the region is then none."""
    within_ms: float = Field(default=50.0, gt=0, le=10_000)
    """Longest time for reading, beside the inspection, ms."""
    required: bool = False
    """A part whose code is not read does not pass, it is UNINSPECTED. Else it is only said and counted."""

    @field_validator("pattern")
    @classmethod
    def _is_regular_expression(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _contradictions(self) -> CodeSettings:
        if self.region_px is not None:
            x0, y0, x1, y1 = self.region_px
            if not (0 <= x0 < x1 and 0 <= y0 < y1):
                raise ValueError(f"region_px {list(self.region_px)} is empty; it is x0, y0, x1, y1")
        return self
