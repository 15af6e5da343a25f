"""What a GStreamer pipeline begins with. Strict; the unit is in every name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taktsight.strict_model import StrictModel

RtspUrl = Annotated[str, Field(pattern=r"^rtsps?://[^\s\"'!\\]+$")]
"""rtsp://user:password@host/path. What lies before the host is shown to nobody."""
Pixels = Annotated[int, Field(ge=1, le=65_536)]
Fps = Annotated[int, Field(ge=1, le=1_000)]


class ArgusSource(StrictModel):
    """A CSI camera of a Jetson, through NVIDIA's image processor."""

    element: Literal["nvarguscamerasrc"]
    sensor_id: int = Field(ge=0, le=31)
    sensor_mode: int | None = Field(default=None, ge=0)
    """Absent: the one that fits the size best."""
    width_px: Pixels
    height_px: Pixels
    fps: Fps
    exposure_us: float = Field(gt=0)
    """Fixed: what the sensor adjusts by itself, the model takes for a defect."""
    gain: float = Field(default=1.0, ge=1)
    """Analogue, as a factor; fixed. The digital gain is 1."""
    white_balance: Literal[
        "off", "incandescent", "fluorescent", "warm_fluorescent", "daylight", "cloudy_daylight"
    ] = "off"


class TegraV4l2Source(StrictModel):
    """A camera of a Jetson with an image processor of its own, as GMSL cameras are; it sends UYVY."""

    element: Literal["nvv4l2camerasrc"]
    device: str = Field(pattern=r"^/dev/[\w/.:-]+$")
    width_px: Pixels
    height_px: Pixels
    fps: Fps


class RtspSource(StrictModel):
    """A network camera's stream."""

    element: Literal["rtspsrc"]
    url: RtspUrl
    codec: Literal["h264", "h265"] = "h264"
    decoder: Literal["jetson", "software"]
    """A Jetson's own decoder, or the processor."""
    transport: Literal["tcp", "udp"] = "tcp"


class WrittenSource(StrictModel):
    """A pipeline that somebody wrote, up to raw video; conversion and sink are put behind it."""

    element: Literal["written"]
    pipeline: str = Field(min_length=1, pattern=r"^[^\n]*[^\s!]\s*$")
    """As for gst-launch-1.0, on one line: v4l2src device=/dev/video0 ! video/x-raw,width=640,height=480."""
    width_px: Pixels
    height_px: Pixels


PipelineSource = Annotated[
    ArgusSource | TegraV4l2Source | RtspSource | WrittenSource, Field(discriminator="element")
]
