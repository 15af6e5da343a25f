"""A thread per camera: grabs the frame of each part, and looks whether it is one to judge a part on."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Camera
from taktsight.inspect.frame_check import Checked, FrameCheck
from taktsight.inspect.inspector import NetworkInput
from taktsight.inspect.messages import Expose
from taktsight.inspect.ring import Ring, Slot
from taktsight.inspect.vision_port import MAX_ASKED
from taktsight.records import Frame, Image, check_image

CheckOf = Callable[[Expose, str], FrameCheck]
"""Part and camera → what its frame is held against."""
PrepareFor = Callable[[Expose, Frame], NetworkInput | None]
"""A frame as the input of the network that judges the part."""


@dataclass(frozen=True, slots=True)
class Grab:
    """What a camera gave for a part: a frame to judge it on, or why there is none."""

    expose: Expose
    camera: str
    frame: Frame | None = None
    prepared: NetworkInput | None = None
    """The frame as the network's input, so that the engine need not wait for it."""
    serial: str | None = None
    slot: Slot | None = None
    missing: str = ""
    """Why there is no frame."""
    checked: Checked = field(default_factory=Checked)
    lost_frames: int = 0
    """By the camera's count, before this one."""
    grab_ns: int = 0
    check_ns: int = 0
    done_ns: int = 0
    """Monotonic: from then on the part can be inspected."""

    @property
    def fault(self) -> str:
        """Why the part is not to be judged; empty where it is."""
        return self.missing or self.checked.fault


@dataclass(slots=True)
class Look:
    """A part as far as its views have come in."""

    expose: Expose
    grabs: dict[str, Grab] = field(default_factory=dict)


class CameraThread:
    """Grabs from one camera, part after part, and hands the frames to the inspection."""

    def __init__(
        self,
        camera: Camera,
        check_of: CheckOf,
        prepare_for: PrepareFor,
        ring: Ring,
        grabbed: queue.Queue[Grab | None],
    ) -> None:
        self.exposes: queue.Queue[Expose | None] = queue.Queue(MAX_ASKED + 1)
        self._camera = camera
        self._check_of, self._prepare_for = check_of, prepare_for
        self._ring = ring
        self._grabbed = grabbed
        self._thread = threading.Thread(target=self._run, name=f"grab-{camera.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (expose := self.exposes.get()) is not None:
            grab = self._grab(expose)
            self._grabbed.put(replace(grab, done_ns=time.monotonic_ns()))
        self._grabbed.put(None)

    def _grab(self, expose: Expose) -> Grab:
        name = self._camera.name
        check = self._check_of(expose, name)
        started_ns = time.monotonic_ns()
        try:
            exposure = self._camera.grab(expose)
            fault = check.fault(expose, exposure)
            slot = self._keep(exposure.image)
        except CameraError as error:
            return Grab(expose, name, missing=str(error), grab_ns=time.monotonic_ns() - started_ns)
        grab = Grab(expose, name, serial=exposure.serial, slot=slot, lost_frames=exposure.lost_frames)
        grab = replace(grab, grab_ns=time.monotonic_ns() - started_ns)
        if fault:
            return replace(grab, checked=Checked(fault=fault, counts={"frame_faults": 1}))
        frame = Frame(exposure.image, expose.trigger, exposure.captured_ns, name)
        started_ns = time.monotonic_ns()
        checked = check.measure(frame)
        grab = replace(grab, frame=frame, checked=checked, check_ns=time.monotonic_ns() - started_ns)
        return grab if checked.fault else replace(grab, prepared=self._prepare(expose, frame))

    def _prepare(self, expose: Expose, frame: Frame) -> NetworkInput | None:
        """A frame that does not fit is told of by the inspection, whose part it spoils."""
        try:
            return self._prepare_for(expose, frame)
        except ValueError:
            return None

    def _keep(self, image: Image) -> Slot | None:
        """A frame with a fault is evidence too, unless it is no image at all."""
        try:
            check_image(image)
        except ValueError:
            return None
        return self._ring.write(image, self._camera.name)


def counts(grabs: Sequence[Grab]) -> dict[str, int]:
    """By how much the grabs of a part raise which meter."""
    raised = Counter({"lost_frames": sum(grab.lost_frames for grab in grabs)})
    raised["missing_frames"] = sum(bool(grab.missing) for grab in grabs)
    for grab in grabs:
        raised.update(grab.checked.counts)
    return {name: count for name, count in raised.items() if count}
