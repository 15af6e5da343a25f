"""Settings of GigE Vision cameras, and of USB3 Vision ones. Strict; the unit is in every name.

Each is written to the camera and read back: what was asked for is what runs, or the line does not start.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from taktsight.errors import CameraError
from taktsight.inspect.cameras.line_scan_settings import LineScanSettings, changed
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.strict_model import StrictModel

Pixels = Annotated[int, Field(ge=1, le=65_536)]
Chunk = Literal["Timestamp", "FrameID", "ExposureTime"]
MAX_BLOCKS = 256
"""Of a part of a line-scan camera."""
BLOCKS_PER_ROUND = 16
"""A count that begins again sooner says nothing about a gap."""
FREE_PERIODS = 1.5
"""Of a camera that runs free: the first frame after the trigger begins within one period."""


class GigeSettings(StrictModel):
    """What such a camera is told, whichever library opens it."""

    name: str = Field(default="camera", min_length=1)
    """The recipe's views call the camera by this name."""
    device: str = Field(min_length=1)
    """IP address, serial number, or the name it was given; 'taktsight cameras' lists them."""
    pixel_format: str = "Mono8"
    """By its PFNC name. Of 10 and 12 bits the upper eight are kept."""
    width_px: Pixels | None = None
    """Absent: what the sensor has."""
    height_px: Pixels | None = None
    x_px: int = Field(default=0, ge=0)
    """Left edge of the region on the sensor."""
    y_px: int = Field(default=0, ge=0)
    exposure_us: float | None = Field(default=None, gt=0)
    """Absent: as the camera has it; it is never left to an automatic of the camera's."""
    gain_db: float | None = None
    """Absent: as the camera has it, without an automatic."""
    trigger: Literal["software", "hardware", "free", "lines"] = "software"
    """software: the line triggers the camera; hardware: a wire does; free: the camera runs, and the first
    frame after the trigger is the part's; lines: a line-scan camera, whose lines are joined."""
    trigger_source: str | None = None
    """Of a hardware trigger: Line1, …"""
    trigger_edge: Literal["rising", "falling"] = "rising"
    fps: float | None = Field(default=None, gt=0, le=100_000)
    """Of a camera that runs free."""
    expose_within_ms: float | None = Field(default=None, gt=0, le=60_000)
    """Trigger → start of the exposure at the latest, ms: what is exposed later may show the next part.
    Absent: 20, or one and a half periods of a camera that runs free."""
    expose_before_ms: float = Field(default=0.0, ge=0, le=60_000)
    """How long before the line hears of the trigger an exposure may have begun, ms: for a camera that hears
    of it on a wire of its own."""
    frame_timeout_ms: float | None = Field(default=None, gt=0, le=600_000)
    """Trigger → the whole frame is here, ms. Absent: what expose_within_ms, exposure and transfer take."""
    packet_size: int | None = Field(default=None, ge=576, le=16_384, multiple_of=4)
    """Of GigE Vision, bytes. Absent: the largest that the network carries, 9000 at most."""
    buffers: int = Field(default=16, ge=4, le=256)
    """Frames that may be on their way at once: received, waiting, inspected, recorded."""
    chunks: tuple[Chunk, ...] = ()
    """What each frame shall carry: its own time, number and exposure; a wrong exposure is a fault."""
    line_scan: LineScanSettings | None = None
    """Of a line-scan camera: it sends blocks of height_px lines, which are joined to images of parts."""

    @property
    def within_ms(self) -> float:
        """Trigger → start of the exposure at the latest, ms."""
        if self.expose_within_ms is not None:
            return self.expose_within_ms
        return 20.0 if self.fps is None else FREE_PERIODS * 1000 / self.fps

    @field_validator("pixel_format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        try:
            return format_of(name).name
        except CameraError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _contradictions(self) -> GigeSettings:
        if (self.trigger == "hardware") != (self.trigger_source is not None):
            raise ValueError("trigger: hardware needs its trigger_source, as Line1; the others have none")
        if (self.trigger == "free") != (self.fps is not None):
            raise ValueError("trigger: free needs its fps; the others have none")
        if self.fps is not None and (self.exposure_us or 0) > 1e6 / self.fps:
            raise ValueError(f"exposure_us {self.exposure_us:g} is longer than a frame at {self.fps:g} fps")
        if (self.trigger == "lines") != (self.line_scan is not None):
            raise ValueError("line_scan needs trigger: lines, and trigger: lines its line_scan")
        if self.line_scan is not None and (wrong := self._line_contradiction(self.line_scan)):
            raise ValueError(f"line_scan: {wrong}")
        return self

    def _line_contradiction(self, line_scan: LineScanSettings) -> str:
        idle = ("expose_within_ms", "expose_before_ms", "frame_timeout_ms", "buffers")
        if given := changed(self, idle):
            return f"{', '.join(given)}: the count says which lines are a part's; leave it out"
        if self.height_px is None:
            return "needs height_px, the lines of a block"
        if line_scan.lines > MAX_BLOCKS * self.height_px:
            return f"lines {line_scan.lines} are more than {MAX_BLOCKS} blocks of {self.height_px} lines"
        if self.exposure_us and line_scan.lines_per_s and self.exposure_us > 1e6 / line_scan.lines_per_s:
            return (
                f"exposure_us {self.exposure_us:g}: a line is shorter at {line_scan.lines_per_s:g} a second"
            )
        counts = BLOCKS_PER_ROUND * self.height_px * line_scan.counts_per_line
        if line_scan.count != "frame_number" and counts >= 1 << line_scan.counter_bits:
            return f"counter_bits {line_scan.counter_bits}: the count begins again too soon to tell a gap"
        return ""


class AravisSettings(GigeSettings):
    """Through libaravis, a library of the system."""

    kind: Literal["aravis"]


class VivaSettings(GigeSettings):
    """Through viva-genicam, a Python package that needs no library of the system."""

    kind: Literal["viva"]
