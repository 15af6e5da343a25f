"""Whether a part may be judged on a frame: the frame is a new one, and within the bands of the recipe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from taktsight.image_health import Reference, measure
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.config import Station
from taktsight.inspect.fit import Setup
from taktsight.inspect.frame_watch import FrameWatch
from taktsight.inspect.messages import Expose
from taktsight.inspect.references import health_reference
from taktsight.recipe import View
from taktsight.records import Frame, Image

TORN = "seam"
"""The measure that finds torn frames: they are faults, whatever the recipe says of bands."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was measured of a frame, and what of it is out of band."""

    health: Mapping[str, float] = field(default_factory=dict)
    """Measure → value; empty where the recipe asks for nothing."""
    fault: str = ""
    """Why the part is not to be judged."""
    alarms: tuple[str, ...] = ()
    """What is out of band and keeps nobody from judging the part."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """By how much this raises which meter."""


class FrameCheck:
    """The frames of one view."""

    def __init__(self, watch: FrameWatch, view: View, reference: Reference | None = None) -> None:
        self._watch = watch
        self._view = view
        self._reference = reference

    def expect(self, image: Image) -> None:
        """An image of the rehearsal: frames are like it, and none of them is it."""
        self._watch.expect(image)

    @property
    def watch(self) -> FrameWatch:
        """What the camera showed before."""
        return self._watch

    def rehearse(self, image: Image) -> None:
        """Measures an image for nothing.

        Raises:
            ValueError: If it does not fit the view's region or reference.
        """
        self._measure(image)

    def fault(self, expose: Expose, exposure: Exposure) -> str:
        """Why this is no frame of this part; empty where it is one."""
        health = self._view.health
        # Each time: the watch goes on over a changeover, and this frame may be for a part before it.
        self._watch.wanted_px = health.frame_px if health else None
        return self._watch.fault(expose, exposure, time.monotonic_ns())

    def measure(self, frame: Frame) -> Checked:
        """What is measured of the frame, against the view's bands."""
        health = self._view.health
        if health is None:
            return Checked()
        try:
            values = self._measure(frame.image)
        except ValueError as error:
            return Checked(fault=f"{frame.camera}: {error}", counts={"frame_faults": 1})
        left = {name: f"{frame.camera}: {fault}" for name, fault in health.faults(values).items()}
        if TORN in left:
            return Checked(values, f"torn: {left[TORN]}", counts={"frame_faults": 1})
        if not left:
            return Checked(values)
        said = tuple(left.values())
        if health.when_out == "alarm":
            return Checked(values, alarms=said, counts={"health_alarms": len(said)})
        return Checked(values, f"out of band: {', '.join(said)}", counts={"out_of_band": 1})

    def _measure(self, image: Image) -> dict[str, float]:
        if self._view.health is None:
            return {}
        view = self._view
        return measure(image, view.roi_px, mm_per_px=view.mm_per_px, reference=self._reference)


def open_checks(
    station: Station, setup: Setup, watches: Mapping[str, FrameWatch] | None = None
) -> dict[str, FrameCheck]:
    """Of each camera.

    Args:
        station: says what a camera may show.
        setup: has the bands.
        watches: what each camera showed before; None at a start.

    Raises:
        ConfigError: If the reference of a view cannot be read, or does not fit it.
    """
    channels = setup.bundle.card.canvas.channels
    checks = {}
    for view in setup.recipe.views:
        watch = watches[view.camera] if watches is not None else _new_watch(station, view, channels)
        reference = health_reference(view, setup.references.get(view.camera), channels)
        checks[view.camera] = FrameCheck(watch, view, reference)
    return checks


def _new_watch(station: Station, view: View, channels: int) -> FrameWatch:
    return FrameWatch(
        view.camera,
        channels,
        max_age_ns=round(station.max_frame_age_ms * 1e6),
        repeats="frames" if view.camera in station.repeats_allowed else None,
    )
