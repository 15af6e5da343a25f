"""GStreamer pipelines as text, for OpenCV. Nothing here runs GStreamer."""

from __future__ import annotations

from taktsight.inspect.cameras.pipeline_settings import (
    ArgusSource,
    PipelineSource,
    RtspSource,
    TegraV4l2Source,
    WrittenSource,
)

SINK = "appsink drop=true max-buffers=1 sync=false"
"""The newest frame, at once; an older one that nobody took is dropped."""
CONVERTED = "videoconvert ! video/x-raw,format=BGR"
"""In grey, 16 would stay black and 235 white; BGR reaches from 0 to 255, and OpenCV makes grey of it."""
WHITE_BALANCE = {
    "off": 0,
    "incandescent": 2,
    "fluorescent": 3,
    "warm_fluorescent": 4,
    "daylight": 5,
    "cloudy_daylight": 6,
}
"""nvarguscamerasrc's wbmode; 1 adjusts itself."""


def pipeline_text(source: PipelineSource, channels: int) -> str:
    """The whole pipeline, to frames in BGR or grey.

    Args:
        source: as the station file has it.
        channels: 1 or 3, as the bundle wants frames.
    """
    if isinstance(source, ArgusSource):
        return f"{argus_text(source)} ! {_from_jetson(channels)} ! {SINK}"
    if isinstance(source, TegraV4l2Source):
        return f"{tegra_v4l2_text(source)} ! {_from_jetson(channels)} ! {SINK}"
    if isinstance(source, RtspSource):
        converted = _from_jetson(channels) if source.decoder == "jetson" else CONVERTED
        return f"{rtsp_text(source)} ! {converted} ! {SINK}"
    return f"{source.pipeline.strip()} ! {CONVERTED} ! {SINK}"


def argus_text(source: ArgusSource) -> str:
    """A CSI camera with all that adjusts itself switched off.

    So are noise reduction and sharpening: the former mixes a frame with those before it, which show other
    parts, and the latter draws edges where there are none.
    """
    exposure_ns = round(source.exposure_us * 1000)
    mode = "" if source.sensor_mode is None else f" sensor-mode={source.sensor_mode}"
    return (
        f"nvarguscamerasrc sensor-id={source.sensor_id}{mode} aelock=true awblock=true "
        f"wbmode={WHITE_BALANCE[source.white_balance]} tnr-mode=0 ee-mode=0 "
        f'exposuretimerange="{exposure_ns} {exposure_ns}" gainrange="{source.gain:g} {source.gain:g}" '
        f'ispdigitalgainrange="1 1" ! {_jetson_memory(source, "NV12")}'
    )


def tegra_v4l2_text(source: TegraV4l2Source) -> str:
    """A camera with its own image processor."""
    return f"nvv4l2camerasrc device={source.device} ! {_jetson_memory(source, 'UYVY')}"


def rtsp_text(source: RtspSource) -> str:
    """A network stream, decoded. Its times are those that the camera sent: buffer-mode=none."""
    decoder = "nvv4l2decoder" if source.decoder == "jetson" else f"avdec_{source.codec} max-threads=1"
    return (
        f'rtspsrc location="{source.url}" latency=0 buffer-mode=none protocols={source.transport} '
        f"! rtp{source.codec}depay ! {source.codec}parse ! {decoder}"
    )


def size_asked(source: PipelineSource) -> tuple[int, int] | None:
    """Width and height in pixels; None where the stream decides."""
    if isinstance(source, ArgusSource | TegraV4l2Source | WrittenSource):
        return source.width_px, source.height_px
    return None


def is_uncompressed(source: PipelineSource) -> bool:
    """Whether a sensor's noise surely comes through; of what somebody wrote nobody knows."""
    return isinstance(source, ArgusSource | TegraV4l2Source)


def _jetson_memory(source: ArgusSource | TegraV4l2Source, pixels: str) -> str:
    return (
        f"video/x-raw(memory:NVMM),format={pixels},width={source.width_px},height={source.height_px},"
        f"framerate={source.fps}/1"
    )


def _from_jetson(channels: int) -> str:
    """Out of the memory of NVIDIA's hardware, which has grey as it was taken, and no packed BGR."""
    if channels == 1:
        return "nvvidconv ! video/x-raw,format=GRAY8"
    return "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR"
