"""A GigE Vision camera is killed, held up or cut off, and comes back: parts in the gap say so."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Camera
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.simulation.gige_process import GigeProcess

from .gige_rig import StartGige, aravis, grab, opened, part, stamp, until, viva

CYCLES = 3
AWAY_S = 2.0
TAKT_S = 0.05
FREE = {"trigger": "free", "fps": 30, "expose_within_ms": 200}


def whole(camera: Camera) -> bool:
    try:
        camera.grab(part(wait_ns=500_000_000))
    except CameraError:
        return False
    return True


def parts_in_the_gap(camera: Camera) -> list[str]:
    """What parts hear until the first one that hears of the loss, and some behind it."""
    heard: list[str] = []
    until_s = time.monotonic() + 20
    while len(heard) < 3 or not all("is lost" in text for text in heard[-3:]):
        assert time.monotonic() < until_s, heard
        time.sleep(TAKT_S)
        try:
            camera.grab(part())
        except CameraError as error:
            heard.append(str(error))
    return heard


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))


KINDS: dict[str, Callable[..., GigeSettings]] = {"aravis": aravis, "viva": viva}


@pytest.mark.parametrize("end", ["killed", "held up"])
@pytest.mark.parametrize("mode", ["software", "free"])
@pytest.mark.parametrize("kind", KINDS)
def test_camera_that_was_away_is_back_again_and_again(
    kind: str, mode: str, end: str, start_gige: StartGige
) -> None:
    if kind == "viva":
        pytest.importorskip("viva_genicam")
    gige = start_gige("--stamped")
    settings = KINDS[kind](gige, **(FREE if mode == "free" else {}))
    counts = []
    with opened(settings) as camera:  # type: ignore[arg-type]  # both kinds are cameras
        last = stamp(grab(camera).image)[1]
        for _ in range(CYCLES):
            (gige.kill if end == "killed" else gige.hold)()
            heard = parts_in_the_gap(camera)
            assert len(heard) < 60  # 3 s of parts; a busy machine hears later than after 250 ms
            time.sleep(AWAY_S)
            (gige.restart if end == "killed" else gige.go_on)()
            until(lambda: whole(camera))
            exposed_ns = stamp(grab(camera).image)[1]
            assert exposed_ns > last
            last = exposed_ns
            gc.collect()
            until(lambda: not any(thread.name.startswith("close-") for thread in threading.enumerate()))
            counts.append(held())
    assert counts[0] == counts[-1], counts
    assert not any(thread.name.endswith(f"-{settings.name}") for thread in threading.enumerate())


def test_part_that_waits_hears_of_the_loss_before_its_own_time_is_over(start_gige: StartGige) -> None:
    gige = start_gige()
    with opened(aravis(gige, expose_within_ms=30_000, frame_timeout_ms=60_000)) as camera:
        grab(camera)
        gige.hold()
        with pytest.raises(CameraError, match="the camera is lost: no sign of life for"):
            camera.grab(part(wait_ns=60_000_000_000))  # with a minute to go
        gige.go_on()
        until(lambda: whole(camera))


def test_camera_that_only_paused_goes_on_without_being_opened_anew(
    start_gige: StartGige, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    gige = start_gige("--stamped")
    with opened(aravis(gige)) as camera:
        before = grab(camera)
        gige.hold()
        parts_in_the_gap(camera)
        gige.go_on()
        until(lambda: whole(camera))
        after = grab(camera)
        assert after.counter is not None
        assert before.counter is not None
    said = [record.getMessage() for record in caplog.records]
    assert any("lost: no sign of life" in text for text in said)
    assert any("back after" in text for text in said)


def test_camera_that_came_back_as_another_one_is_not_taken(start_gige: StartGige) -> None:
    """What was asked for is what runs: after the return too."""
    gige = start_gige("--width", "640")
    with opened(aravis(gige, width_px=640)) as camera:
        grab(camera)
        gige.kill()
        smaller = GigeProcess(gige.address, "--width", "320")
        try:
            parts_in_the_gap(camera)
            time.sleep(AWAY_S)
            assert not whole(camera)
        finally:
            smaller.close()
            gige.restart()
        until(lambda: whole(camera))
