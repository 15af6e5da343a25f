"""Settings of a line-scan camera, beside those of its wire. Strict; the unit is in every name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field, model_validator

from taktsight.strict_model import StrictModel

CHUNKS = {"encoder": "EncoderValue", "counter": "CounterValue"}
"""Where a block carries its count → the chunk's name in the Standard Features Naming Convention."""


class LineScanSettings(StrictModel):
    """How the blocks of lines that the camera sends become images of parts."""

    lines: int = Field(ge=1, le=65_536)
    """Of a part, or of a tile of an endless web; the images' height, px."""
    overlap: int | None = Field(default=None, ge=0)
    """Of an endless web, where the camera is the station's trigger: lines that a tile shares with the one
    before it. A defect that is not longer than this is whole in one of them."""
    lead_lines: int = Field(default=0, ge=-65_536, le=65_536)
    """Of parts that something else triggers: the line under the sensor at the trigger → the part's first
    line. Below 0 the part's lines were exposed before."""
    count: Literal["encoder", "counter", "frame_number"]
    """What says where a block lies: the encoder's or a counter's value in its chunk data; or the number of
    the frame, for cameras that give none: then lost blocks are known, and lost lines are not."""
    count_selector: str | None = None
    """Which encoder or counter of the camera: Encoder0, Counter1, … Absent: as the camera has it."""
    counts_per_line: int = Field(default=1, ge=1, le=65_536)
    """By how much the count goes on from one line to the next."""
    counter_bits: int = Field(default=32, ge=16, le=64)
    """After so many bits the count begins again."""
    direction: Literal["up", "down"] = "up"
    """Whether it counts up or down while the belt runs forward."""
    line_source: str | None = None
    """What starts each line: Encoder0, Line2, …"""
    lines_per_s: float | None = Field(default=None, gt=0, le=1_000_000)
    """Instead: so many lines a second. They are as long as the belt is fast."""

    @property
    def stride(self) -> int:
        """From the first line of a tile to that of the next."""
        return self.lines - (self.overlap or 0)

    @property
    def chunk(self) -> str | None:
        """The chunk that carries the count."""
        return CHUNKS.get(self.count)

    @model_validator(mode="after")
    def _contradictions(self) -> LineScanSettings:
        if self.overlap is not None and self.overlap >= self.lines:
            raise ValueError(
                f"overlap {self.overlap} is not below lines {self.lines}: tiles would not go on"
            )
        if (self.line_source is None) == (self.lines_per_s is None):
            raise ValueError("a line is started by line_source, as Encoder0, or so often: lines_per_s; one")
        if self.lines_per_s is not None and self.count != "frame_number":
            raise ValueError(
                f"lines_per_s with count: {self.count}: lines that a clock starts are not those that are "
                "counted; take line_source, or count: frame_number"
            )
        if self.count == "frame_number":
            idle = ("count_selector", "counts_per_line", "counter_bits", "direction")
            if given := changed(self, idle):
                raise ValueError(f"{', '.join(given)}: count: frame_number has no such thing; leave it out")
        return self


def changed(model: BaseModel, names: Sequence[str]) -> list[str]:
    """Those of a model's fields that are not as they are when left out."""
    fields = type(model).model_fields
    return [name for name in names if getattr(model, name) != fields[name].default]
