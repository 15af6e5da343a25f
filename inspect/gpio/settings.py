"""How a station file names inputs and outputs of this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from taktsight.strict_model import StrictModel

Chip = Path
"""A character device, /dev/gpiochip0; ``gpiodetect`` lists them."""
LineName = Annotated[int, Field(ge=0, le=65_535)] | Annotated[str, Field(min_length=1)]
"""A line's offset on its chip, or its name; ``gpioinfo`` lists both."""


class GpioInput(StrictModel):
    """One input."""

    chip: Chip = Path("/dev/gpiochip0")
    line: LineName
    active_low: bool = False
    bias: Literal["as_is", "pull_up", "pull_down", "disabled"] = "as_is"
    """What holds the input where nothing drives it."""
    debounce_ms: float = Field(default=0, ge=0, le=1000)
    """A level counts once it has held so long, ms; done in the kernel or by the chip. 0: off."""
