"""Live cameras that a station file can name, and video files. Strict; the unit is in every name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.inspect.cameras.pipeline_settings import PipelineSource, RtspUrl
from taktsight.strict_model import StrictModel

NodeValue = bool | int | float | str
Pixels = Annotated[int, Field(ge=1, le=65_536)]


class VideoSettings(StrictModel):
    """A video file in the place of a camera, frame by frame: part n is frame n."""

    kind: Literal["video"]
    name: str = Field(default="camera", min_length=1)
    """The recipe's views call the camera by this name."""
    file: Path
    repeat: bool = False
    """Begin again after the last frame; else the run ends with it."""


class LiveSettings(StrictModel):
    """What every camera that is really there is asked for."""

    name: str = Field(default="camera", min_length=1)
    """The recipe's views call the camera by this name."""
    expose_within_ms: float = Field(default=100.0, gt=0, le=60_000)
    """Trigger → start of the exposure at the latest, ms: what is exposed later may show the next part. Keep
    it below the takt."""
    expose_before_ms: float = Field(default=0.0, ge=0, le=60_000)
    """How long before the line hears of the trigger an exposure may have begun, ms: for a camera that hears
    of it on a wire of its own."""
    delay_ms: float = Field(default=0.0, ge=0, le=60_000)
    """Start of the exposure → frame here, at the least, ms. It is taken off wherever a frame has no time of
    this computer's clock. Too small, and a frame counts as younger than it is: it may show another part."""


class V4l2Settings(LiveSettings):
    """A USB or other camera behind Linux' video driver, by OpenCV."""

    kind: Literal["v4l2"]
    device: Path | int
    """/dev/v4l/by-id/… stays the same camera when others are plugged in; /dev/video0 or 0 may not."""
    fourcc: Literal["GREY", "YUYV", "UYVY", "NV12", "RGB3", "BGR3", "MJPG"]
    """What the camera sends. MJPG is JPEG: its artefacts are what a small defect looks like."""
    width_px: Pixels
    height_px: Pixels
    fps: int = Field(ge=1, le=10_000)
    exposure_us: int | None = Field(default=None, ge=100, multiple_of=100)
    """In steps of 100 µs, as the driver has them. Absent: as the camera is set, which may be automatic."""
    gain: int | None = None
    """In the driver's own steps. Absent: as the camera is set."""
    clock: Literal["driver", "arrival"] = "driver"
    """Whose time a frame has: the driver's, or when it came less ``delay_ms``."""


class RtspSettings(LiveSettings):
    """A network camera's stream, by PyAV."""

    kind: Literal["rtsp"]
    url: RtspUrl
    transport: Literal["tcp", "udp"] = "tcp"
    width_px: Pixels | None = None
    """With it a stream of another size is refused. Absent: as it comes."""
    height_px: Pixels | None = None
    clock: Literal["stream", "arrival"] = "stream"
    """Whose time a frame has: the stream's, or when it came; ``delay_ms`` is taken off either."""
    delay_ms: float = Field(ge=0, le=60_000)
    """Start of the exposure → frame here, at the least, ms. Nothing in a stream says it: measure it."""


class GstreamerSettings(LiveSettings):
    """A GStreamer pipeline, by an OpenCV that was built with GStreamer."""

    kind: Literal["gstreamer"]
    source: PipelineSource
    clock: Literal["stream", "arrival"] = "stream"
    """Whose time a frame has: the pipeline's, or when it came; ``delay_ms`` is taken off either."""
    delay_ms: float = Field(ge=0, le=60_000)
    """Start of the exposure → frame here, at the least, ms. Nothing in a pipeline says it: measure it."""


class GenicamSettings(LiveSettings):
    """What a camera with GenICam nodes is asked for. Each is read back: what runs is what stands here."""

    serial: str | None = Field(default=None, min_length=1)
    """The camera's serial number. Absent: the only one that is there."""
    pixel_format: str = Field(min_length=1)
    """As the camera calls it: Mono8, BayerRG8, …"""
    width_px: Pixels
    height_px: Pixels
    x_px: int | None = Field(default=None, ge=0)
    """Left edge of the region on the sensor. Absent: as the camera is set."""
    y_px: int | None = Field(default=None, ge=0)
    fps: float | None = Field(default=None, gt=0, le=100_000)
    exposure_us: float | None = Field(default=None, gt=0)
    gain_db: float | None = None
    """The node Gain; a few cameras have another unit."""
    trigger: Literal["free", "software", "hardware"] = "software"
    """free: the camera runs, and the first frame after the trigger is the part's; software: the line
    triggers the camera; hardware: a wire does."""
    trigger_source: str | None = None
    """Of a hardware trigger: Line1, …"""
    nodes: dict[str, NodeValue] = Field(default_factory=dict)
    """Further nodes by name, set before the others, in this order."""
    buffers: int = Field(default=8, ge=3, le=256)
    """Frames on their way from the camera."""

    @model_validator(mode="after")
    def _contradictions(self) -> GenicamSettings:
        if (self.trigger == "hardware") != (self.trigger_source is not None):
            raise ValueError("trigger: hardware needs its trigger_source, as Line1; the others have none")
        return self


class GentlSettings(GenicamSettings):
    """A camera behind its vendor's GenTL producer, by harvesters."""

    kind: Literal["gentl"]
    producer: Path
    """The vendor's .cti file."""


class PylonSettings(GenicamSettings):
    """A Basler camera, by pypylon."""

    kind: Literal["pylon"]


LiveCameraSettings = V4l2Settings | RtspSettings | GstreamerSettings | GentlSettings | PylonSettings
