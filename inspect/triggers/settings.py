"""The triggers that a station file can name. Strict; the unit is in every name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taktsight.inspect.gpio.settings import GpioInput
from taktsight.strict_model import StrictModel

Parts = Annotated[int, Field(ge=1)] | None
"""Stop after so many parts. Absent: run until stopped."""
MinTaktMs = Annotated[float, Field(ge=0, le=3_600_000)]
"""Two edges closer than this are one part, ms; the second is counted as bounce."""


class TimerSettings(StrictModel):
    """A part at every takt of the clock."""

    kind: Literal["timer"]
    takt_ms: float = Field(ge=1, le=3_600_000)
    """Time between two parts, ms."""
    parts: Parts = None


class PlcTriggerSettings(StrictModel):
    """The station's PLC counts the parts; it debounces its sensor itself."""

    kind: Literal["plc"]
    quiet_after_s: float | None = Field(default=None, gt=0)
    """A counter that stands so long while the PLC's program runs is said, s. Absent: belts may be empty."""
    parts: Parts = None


class CameraTriggerSettings(StrictModel):
    """A sensor triggers the camera, and its frame says that a part is there."""

    kind: Literal["camera"]
    camera: str = Field(min_length=1)
    """Which one, by its name; the station's other cameras follow it."""
    takt_ms: float | None = Field(default=None, ge=1, le=3_600_000)
    """Time between two parts, ms, where the belt never runs empty: three without a frame, and 250 ms, are a
    camera that is lost. Absent: belts may be empty, and the camera's signs of life must say it."""
    max_outage_s: float | None = Field(default=None, ge=0, le=86_400)
    """A camera that is lost for longer stops the line, s; 0: at once. Absent: the line holds until it is
    back. In either case nothing passes meanwhile."""
    min_takt_ms: MinTaktMs = 0
    parts: Parts = None


class GpioTriggerSettings(GpioInput):
    """An edge on an input of this computer."""

    kind: Literal["gpio"]
    edge: Literal["rising", "falling"] = "rising"
    min_takt_ms: MinTaktMs = 0
    parts: Parts = None


class EncoderTriggerSettings(StrictModel):
    """A part at every so many mm of the belt, as the station's encoder counts them."""

    kind: Literal["encoder"]
    every_mm: float = Field(gt=0, le=100_000)
    parts: Parts = None


TriggerSettings = Annotated[
    TimerSettings
    | PlcTriggerSettings
    | CameraTriggerSettings
    | GpioTriggerSettings
    | EncoderTriggerSettings,
    Field(discriminator="kind"),
]
