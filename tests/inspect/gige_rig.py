"""Simulated GigE Vision cameras for a test, each on an address of its own, and what their frames say."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from taktsight.errors import CameraError
from taktsight.image_files import encode_png
from taktsight.inspect.cameras.aravis_library import load_aravis
from taktsight.inspect.cameras.camera import Camera, Exposure, open_camera
from taktsight.inspect.cameras.gige_settings import AravisSettings, VivaSettings
from taktsight.inspect.messages import Expose
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.inspect.simulation.gige_server import STAMP
from taktsight.inspect.simulation.loopback import FIRST, bring_up, take_down
from taktsight.records import Image

SECOND_NS = 1_000_000_000
_numbers = itertools.count(1)

StartGige = Callable[..., GigeProcess]
"""Starts a simulated camera with these arguments; see the fixture ``start_gige``."""


def needs_aravis() -> None:
    try:
        load_aravis()
    except CameraError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def own_address() -> Iterator[str]:
    """An address that no other test has, whichever process it runs in."""
    process = os.getpid()
    address = f"127.{1 + process // 250 % 250}.{process % 250}.{next(_numbers)}"
    try:
        bring_up(address)
    except CameraError:  # without root there is one address: one camera after the other
        with (Path(tempfile.gettempdir()) / "taktsight-gige.lock").open("w") as lock:
            _lock(lock)
            yield FIRST
        return
    try:
        yield address
    finally:
        take_down(address)


def _lock(lock: IO[str]) -> None:
    until_s = time.monotonic() + 120
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until_s:
                pytest.skip("another test has the one address that needs no root")
            time.sleep(0.2)
        else:
            return


@contextlib.contextmanager
def gige_processes() -> Iterator[StartGige]:
    """Starts simulated cameras, and ends those that a test left behind."""
    needs_aravis()
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> GigeProcess:
            process = GigeProcess(stack.enter_context(own_address()), *arguments)
            stack.callback(process.close)
            return process

        yield start


def aravis(camera: GigeProcess | str, **values: Any) -> AravisSettings:
    device = camera if isinstance(camera, str) else camera.address
    return AravisSettings(**{"kind": "aravis", "device": device, "exposure_us": 1000, **values})


def viva(camera: GigeProcess | str, **values: Any) -> VivaSettings:
    device = camera if isinstance(camera, str) else camera.address
    return VivaSettings(**{"kind": "viva", "device": device, "exposure_us": 1000, **values})


KINDS: dict[str, Callable[..., AravisSettings | VivaSettings]] = {"aravis": aravis, "viva": viva}


@contextlib.contextmanager
def opened(settings: AravisSettings | VivaSettings, channels: int = 1) -> Iterator[Camera]:
    """The camera, open as the line has it."""
    camera = open_camera(settings, channels)
    try:
        yield camera
    finally:
        camera.close()


def part(trigger: int = 1, wait_ns: int = 5 * SECOND_NS) -> Expose:
    """A part that is there now; 5 s are more than anything here takes."""
    now_ns = time.monotonic_ns()
    return Expose(trigger, now_ns, now_ns + wait_ns)


def grab(camera: Camera, timeout_s: float = 60) -> Exposure:
    """A whole frame, sooner or later: on a busy machine the one or other part gets none."""
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            return camera.grab(part())
        except CameraError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.02)


def stamp(image: Image) -> tuple[int, int]:
    """Number and exposure time, monotonic ns, that the camera wrote into the image."""
    number, exposed_ns = STAMP.unpack(image.reshape(-1)[: STAMP.size].tobytes())
    return number, exposed_ns


def until(true: Callable[[], object], timeout_s: float = 30) -> None:
    """Waits for something to become true."""
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.01)


def write_images(folder: Path, images: Sequence[Image]) -> Path:
    """A folder for the simulated camera to show, in this order."""
    folder.mkdir()
    for number, image in enumerate(images, start=1):
        (folder / f"image_{number}.png").write_bytes(encode_png(image))
    return folder
