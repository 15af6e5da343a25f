"""How a station file names the encoder of its belt."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taktsight.inspect.gpio.settings import GpioInput
from taktsight.strict_model import StrictModel

MmPerCount = Annotated[float, Field(gt=0, le=1000)]
"""Way of the belt for one count, mm."""


class PlcEncoderSettings(StrictModel):
    """The PLC has the count in its part block."""

    kind: Literal["plc"]
    mm_per_count: MmPerCount
    max_mm_per_s: float = Field(default=5000, gt=0, le=100_000)
    """The belt is never faster, mm/s: a step of the count beyond it is no way, but a count set anew."""


class GpioEncoderSettings(GpioInput):
    """One channel of an encoder on an input: its rising edges, so it counts forward only."""

    kind: Literal["gpio"]
    mm_per_count: MmPerCount


EncoderSettings = Annotated[PlcEncoderSettings | GpioEncoderSettings, Field(discriminator="kind")]
