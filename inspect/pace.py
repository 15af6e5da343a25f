"""How fast a station's inspection is on this machine, without a line around it."""

from __future__ import annotations

import os
import time
from collections.abc import Set
from datetime import date
from itertools import count

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Camera, SelfTriggered
from taktsight.inspect.config import Station
from taktsight.inspect.messages import Expose
from taktsight.inspect.ring import Ring, size_ring
from taktsight.inspect.vision import Vision
from taktsight.records import Frame, Image, Part

MEASURED_S = 2.0
MAX_PARTS = 50
MAX_MEASURED = 500
MAX_WAIT_NS = 1_000_000_000
"""For a frame."""


def measure_cycles_ms(station: Station, today: date) -> list[float]:
    """Inspects the first parts again and again, for two seconds at most; the time of each, ms, sorted.

    Args:
        station: what stands on the line.
        today: in UTC; a bundle may have a last day.

    Raises:
        TaktsightError: If the station cannot take up service.
    """
    ring = os.memfd_create("taktsight-ring")
    size_ring(ring, 1)
    vision = Vision(station, Ring(ring), today)
    try:
        return sorted(_cycles_ms(station, vision))
    finally:
        vision.close()


def wait_for_a_wire(station: Station) -> frozenset[str]:
    """Cameras that a sensor triggers: without a part they have no frame."""
    return frozenset(
        camera.name
        for camera in station.cameras
        if getattr(camera, "trigger", None) in ("hardware", "lines")
    )


def _cycles_ms(station: Station, vision: Vision) -> list[float]:
    last = min(vision.parts or MAX_PARTS, MAX_PARTS)
    wired = wait_for_a_wire(station)
    until_s = time.monotonic() + MEASURED_S
    times_ms: list[float] = []
    for trigger in count():
        if len(times_ms) == MAX_MEASURED or (times_ms and time.monotonic() > until_s):
            break
        part = _look(vision, trigger % last + 1, wired)
        if part is not None:
            started_s = time.monotonic()
            for frame in part.frames:
                vision.outlook.checks[frame.camera].measure(frame)
            vision.outlook.inspector.inspect(part)
            times_ms.append((time.monotonic() - started_s) * 1e3)
        elif trigger > last and not times_ms:
            raise CameraError(f"station {station.name!r}: none of the first {last} parts has a whole frame")
    return times_ms


def _look(vision: Vision, trigger: int, wired: Set[str]) -> Part | None:
    now_ns = time.monotonic_ns()
    expose = Expose(trigger, now_ns, now_ns + MAX_WAIT_NS)
    try:
        images = {
            camera.name: _image(camera, expose, is_wired=camera.name in wired) for camera in vision.cameras
        }
    except CameraError:
        return None  # a damaged image among the first: the line will say so, part by part
    return Part(trigger, tuple(Frame(image, trigger, 0, name) for name, image in images.items()))


def _image(camera: Camera, expose: Expose, *, is_wired: bool) -> Image:
    """Of a camera that waits for its sensor: no part comes while the line does not run."""
    waits = is_wired or isinstance(camera, SelfTriggered)
    return camera.rehearsal() if waits else camera.grab(expose).image
