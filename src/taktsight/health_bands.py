"""What the frames of a view must be like for its parts to be judged on them: a band for each measure.

The measures themselves are in :mod:`taktsight.image_health`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.strict_model import StrictModel

Finite = Annotated[float, Field(allow_inf_nan=False)]
MEASURES = ("focus", "mean_level", "dark_share", "bright_share", "seam", "shift_mm", "likeness")
"""What may have a band, in the order in which it is said."""
NEED_REFERENCE = ("shift_mm", "likeness")
"""Measures that hold the frame against an image of a good part."""


class Band(StrictModel):
    """From where to where a measure is as it should be; both ends belong to it."""

    min: Finite | None = None
    max: Finite | None = None

    @model_validator(mode="after")
    def _holds_something(self) -> Band:
        if self.min is None and self.max is None:
            raise ValueError("a band has a min, a max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} lies above max {self.max:g}")
        return self

    def fault(self, value: float) -> str:
        """How a value leaves the band, "0.012 < 0.020"; empty where it does not."""
        if self.min is not None and not value >= self.min:  # NaN is in no band
            return f"{value:.4g} < {self.min:.4g}"
        if self.max is not None and not value <= self.max:
            return f"{value:.4g} > {self.max:.4g}"
        return ""


class Health(StrictModel):
    """Bands of one view. A measure without a band is recorded and judged by nobody."""

    when_out: Literal["uninspected", "alarm"] = "uninspected"
    """What a part becomes whose frame is out of a band: UNINSPECTED, or judged all the same, with an alarm
    that is counted and shown. A torn frame is always UNINSPECTED: it shows two parts."""
    frame_px: tuple[int, int] | None = None
    """Width and height of the frames that the bands were learned from; a frame of another size is a fault.
    Absent: the size of the first frame."""
    focus: Band | None = None
    """Standard deviation of the Laplacian at half size ÷ mean level: lower is blurred."""
    mean_level: Band | None = None
    """Mean grey level of the judged region, 0–255."""
    dark_share: Band | None = None
    """Share of its values that are 0, 0–1."""
    bright_share: Band | None = None
    """Share of its values that are 255, 0–1."""
    seam: Band | None = None
    """Largest step between two rows of the whole frame ÷ the steps above and below it: a torn frame has a
    high one."""
    shift_mm: Band | None = None
    """How far the region has moved against the reference, mm."""
    likeness: Band | None = None
    """How far the region is the reference, moved: correlation, 0–1. Below 0.5 a shift says nothing."""
    reference: Path | None = Field(default=None, exclude=True)
    """Image of a good part in its place, for shift_mm and likeness; relative to the recipe. Absent: the
    view's golden template. Its content is part of the recipe's digest, its place is not."""
    reference_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of that file. Given, another file is refused; absent, it is filled in when it is read."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Health:
        if self.frame_px is not None and min(self.frame_px) < 1:
            raise ValueError(f"frame_px {self.frame_px} is no size: width and height are at least 1")
        if self.reference_sha256 is not None and self.reference is None:
            raise ValueError("reference_sha256 is that of a reference, and there is none")
        return self

    @property
    def bands(self) -> dict[str, Band]:
        """The bands by the name of their measure."""
        found = {name: getattr(self, name) for name in MEASURES}
        return {name: band for name, band in found.items() if band is not None}

    @property
    def needs_reference(self) -> bool:
        """Whether a band is about what only a reference can tell."""
        return any(name in self.bands for name in NEED_REFERENCE)

    def faults(self, values: Mapping[str, float]) -> dict[str, str]:
        """Measure → how it leaves its band, "focus 0.012 < 0.020"; empty where all is in band.

        Args:
            values: measure → value; a band whose measure is absent counts as left.
        """
        left = {name: band.fault(values.get(name, float("nan"))) for name, band in self.bands.items()}
        return {name: f"{name} {fault}" for name, fault in left.items() if fault}
