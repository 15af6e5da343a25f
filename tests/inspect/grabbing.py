"""A live camera as the line asks it: part after part, with what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Camera, Exposure
from taktsight.inspect.messages import Expose

WITHIN_NS = 1_000_000_000
AnyCamera = TypeVar("AnyCamera", bound=Camera)
Grabbed = Exposure | str
"""The frame of a part, or why it has none."""


@contextmanager
def closing(camera: AnyCamera) -> Iterator[AnyCamera]:
    """Closes the camera, whatever the test says of it."""
    try:
        yield camera
    finally:
        camera.close()


def grab(camera: Camera, trigger: int = 1, within_ns: int = WITHIN_NS) -> Grabbed:
    """A part that is there now."""
    now_ns = time.monotonic_ns()
    try:
        return camera.grab(Expose(trigger, now_ns, now_ns + within_ns))
    except CameraError as error:
        return str(error)


def grab_until(camera: Camera, done: Callable[[Grabbed], bool], timeout_s: float = 30) -> list[Grabbed]:
    """Parts, one after the other, until one is as wanted."""
    until_s = time.monotonic() + timeout_s
    grabbed: list[Grabbed] = []
    for trigger in count(1):
        grabbed.append(grab(camera, trigger))
        if done(grabbed[-1]):
            return grabbed
        assert time.monotonic() < until_s, grabbed[-1]
        time.sleep(0.01)
    raise AssertionError("unreachable")


def is_frame(grabbed: Grabbed) -> bool:
    """Whether the part has its frame."""
    return isinstance(grabbed, Exposure)


def frames_of(grabbed: list[Grabbed]) -> list[Exposure]:
    """Those that the camera gave."""
    return [each for each in grabbed if isinstance(each, Exposure)]


def reasons_of(grabbed: list[Grabbed]) -> list[str]:
    """Why the others have none."""
    return [each for each in grabbed if isinstance(each, str)]
