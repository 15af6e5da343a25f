"""What ``taktsight check`` says of a station's cameras before it opens them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from taktsight.errors import TaktsightError
from taktsight.inspect.cameras.addresses import without_password
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.live_settings import (
    GenicamSettings,
    GstreamerSettings,
    LiveCameraSettings,
    LiveSettings,
    RtspSettings,
    V4l2Settings,
)
from taktsight.inspect.cameras.pipelines import pipeline_text
from taktsight.inspect.cameras.settings import CameraSettings
from taktsight.inspect.config import Station
from taktsight.inspect.machine.finding import Finding

NEEDED = {"rtsp": ("av",), "gentl": ("harvesters", "genicam"), "pylon": ("pypylon",)}
"""Kind of camera → modules of the extra of that name."""


def camera_findings(station: Station, channels: int) -> Iterator[Finding]:
    """Packages that are missing, pipelines as they will run, and what may go wrong unseen.

    Args:
        station: what stands on the line.
        channels: 1 or 3, as the bundle wants frames.
    """
    for camera in station.cameras:
        yield from _of_one(camera, channels)
        if isinstance(camera, GigeSettings):
            yield from _of_lines(camera)
    yield from _of_several(station.cameras, station.max_skew_ms)
    yield from _of_trigger(station)
    if station.code is not None and find_spec("zxingcpp") is None:
        text = "reading the code on the part needs zxing-cpp"
        yield Finding("fix", "code", text, "pip install 'taktsight[codes]'")


def tried_cameras(cameras: Sequence[CameraSettings], channels: int) -> Iterator[Finding]:
    """Each camera opened and closed again, where vision cannot: a bundle that is wrong hides no camera.

    Args:
        cameras: of the station.
        channels: 1 or 3, as the bundle wants frames.
    """
    for camera in cameras:
        try:
            opened = open_camera(camera, channels)
        except TaktsightError as error:
            yield Finding("fix", "camera", str(error))
        else:
            opened.close()
            yield Finding("ok", "camera", f"{camera.name}: answers, and is as asked for")


def _of_one(camera: CameraSettings, channels: int) -> Iterator[Finding]:
    missing = [module for module in NEEDED.get(camera.kind, ()) if find_spec(module) is None]
    if missing:
        text = f"{camera.name}: kind: {camera.kind} needs {', '.join(missing)}"
        yield Finding("fix", "camera", text, f"pip install 'taktsight[{camera.kind}]'")
    if isinstance(camera, GstreamerSettings):
        text = without_password(pipeline_text(camera.source, channels))
        yield Finding("ok", "camera", f"{camera.name}: {text}")
    if isinstance(camera, V4l2Settings) and camera.fourcc == "MJPG":
        text = f"{camera.name}: MJPG is JPEG, whose artefacts are what a small defect looks like"
        yield Finding("note", "camera", f"{text}; choose a fourcc without")
    if isinstance(camera, GenicamSettings) and camera.trigger == "hardware" and not camera.expose_before_ms:
        text = (
            f"{camera.name}: expose_before_ms is 0, so a frame that the wire exposed before the line heard "
        )
        yield Finding("note", "camera", f"{text}of the part is not the part's")
    if isinstance(camera, LiveSettings) and (doubt := _doubtful_clock(camera)):
        yield Finding("note", "camera", f"{camera.name}: {doubt}")


def _of_lines(camera: GigeSettings) -> Iterator[Finding]:
    line_scan, height = camera.line_scan, camera.height_px
    if line_scan is None or height is None:
        return
    if line_scan.overlap is not None and line_scan.stride % height:
        text = (
            f"{camera.name}: line_scan: height_px {height} does not divide the stride of "
            f"{line_scan.stride} lines (lines less overlap): tiles wait for the rest of a block"
        )
        yield Finding("note", "camera", text)
    if line_scan.count == "frame_number":
        text = f"{camera.name}: line_scan.count: frame_number knows of lost blocks, not of lost lines"
        yield Finding("note", "camera", f"{text}, nor of a belt that runs back; an encoder's count does")
    if line_scan.lead_lines < 0:
        text = f"{camera.name}: line_scan.lead_lines {line_scan.lead_lines}: lines before the trigger"
        yield Finding("note", "camera", f"{text} must not be older than max_frame_age_ms")


def _doubtful_clock(camera: LiveCameraSettings) -> str:
    if isinstance(camera, V4l2Settings | RtspSettings | GstreamerSettings) and camera.clock == "arrival":
        return (
            "clock: arrival dates a frame that was held up on its way too late: it may show the part before"
        )
    if isinstance(camera, RtspSettings | GstreamerSettings) and camera.delay_ms == 0:
        return (
            "delay_ms: 0 takes a frame for exposed when it comes: it may show the part before; measure it"
        )
    return ""


def _of_trigger(station: Station) -> Iterator[Finding]:
    """Where only a driver says that the camera is lost, it may say so late."""
    trigger = station.trigger
    if trigger.kind != "camera" or trigger.takt_ms is not None:
        return
    camera = next(camera for camera in station.cameras if camera.name == trigger.camera)
    if isinstance(camera, GenicamSettings):
        text = f"{camera.name}: only its driver says when this trigger is lost, which may take seconds"
        yield Finding("note", "trigger", f"{text}; give trigger.takt_ms where the belt never runs empty")


def _of_several(cameras: Sequence[CameraSettings], max_skew_ms: float | None) -> Iterator[Finding]:
    live = [camera.name for camera in cameras if isinstance(camera, LiveSettings)]
    if len(live) > 1 and max_skew_ms is None:
        text = (
            f"{', '.join(live)}: nobody looks how far apart they expose; max_skew_ms says how far they may"
        )
        yield Finding("note", "cameras", text)
