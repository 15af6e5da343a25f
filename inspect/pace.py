"""How fast a station's inspection is on this machine, without a line around it."""

from __future__ import annotations

import os
import time
from datetime import date
from itertools import count

from taktsight.errors import CameraError
from taktsight.inspect.config import Station
from taktsight.inspect.messages import Expose
from taktsight.inspect.ring import Ring, size_ring
from taktsight.inspect.vision import Vision
from taktsight.records import Frame, Part

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
    last = min(vision.parts or MAX_PARTS, MAX_PARTS)
    until_s = time.monotonic() + MEASURED_S
    times_ms: list[float] = []
    for trigger in count():
        if len(times_ms) == MAX_MEASURED or (times_ms and time.monotonic() > until_s):
            break
        part = _look(vision, trigger % last + 1)
        if part is not None:
            started_s = time.monotonic()
            for frame in part.frames:
                vision.checks[frame.camera].measure(frame)
            vision.inspector.inspect(part)
            times_ms.append((time.monotonic() - started_s) * 1e3)
        elif trigger > last and not times_ms:
            raise CameraError(f"station {station.name!r}: none of the first {last} parts has a whole frame")
    vision.close()
    return sorted(times_ms)


def _look(vision: Vision, trigger: int) -> Part | None:
    now_ns = time.monotonic_ns()
    expose = Expose(trigger, now_ns, now_ns + MAX_WAIT_NS)
    try:
        frames = tuple(
            Frame(camera.grab(expose).image, trigger, 0, camera.name) for camera in vision.cameras
        )
    except CameraError:
        return None  # a damaged image among the first: the line will say so, part by part
    return Part(trigger, frames)
