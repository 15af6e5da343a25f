"""A GigE Vision camera is killed, held up or cut off, and comes back: parts in the gap say so."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Camera
from taktsight.inspect.cameras.gige_camera import GigeCamera
from taktsight.inspect.simulation.gige_process import GigeProcess

from .gige_rig import KINDS, StartGige, aravis, grab, needs_aravis, opened, part, stamp, until

CYCLES = 3
AWAY_S = 2.0
TAKT_S = 0.05
SETTLED_S = 0.5
"""Nothing is on its way from the camera any more."""
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
    others = set(threading.enumerate())
    counts = []
    with opened(settings) as camera:
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
    # What leaks, leaks each time; a thread may just be ending.
    assert all(last - first < CYCLES - 1 for first, last in zip(counts[0], counts[-1], strict=True)), counts
    left = set(threading.enumerate()) - others
    assert not any(thread.name.endswith(f"-{settings.name}") for thread in left)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_only_try_a_camera_that_is_opened_again_are_for_no_part(
    kind: str, start_gige: StartGige
) -> None:
    """Its clock is not known by them yet, and while it is tried nobody looks whether it is lost again."""
    if kind == "viva":
        pytest.importorskip("viva_genicam")
    gige = start_gige()
    with opened(KINDS[kind](gige)) as camera:
        grab(camera)
        for _ in range(CYCLES):
            assert isinstance(camera, GigeCamera)
            losses = camera.losses
            gige.kill()
            parts_in_the_gap(camera)
            assert camera.losses == losses + 1
            gige.restart()
            until(lambda: whole(camera))
            assert camera.lost == ""
            gige.hold()  # at once: it is found though the camera has only just come back
            parts_in_the_gap(camera)
            gige.go_on()
            until(lambda: whole(camera))


def test_part_that_waits_hears_of_the_loss_before_its_own_time_is_over(start_gige: StartGige) -> None:
    gige = start_gige()
    with opened(aravis(gige, expose_within_ms=30_000, frame_timeout_ms=60_000)) as camera:
        grab(camera)
        time.sleep(SETTLED_S)
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


AWAY = """
import contextlib, json, subprocess, sys, time
from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.gige_settings import AravisSettings
from taktsight.inspect.messages import Expose
from taktsight.inspect.simulation.gige_process import GigeProcess

link, space, address = sys.argv[1:]
camera = GigeProcess(address, before=["ip", "netns", "exec", space])
top = open_camera(AravisSettings(kind="aravis", device=address, exposure_us=1000), 1)

def whole():
    now_ns = time.monotonic_ns()
    with contextlib.suppress(CameraError):
        return top.grab(Expose(1, now_ns, now_ns + 500_000_000)) is not None
    return False

def wait(state):
    until_s = time.monotonic() + 60
    while whole() is not state:
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True

came = [wait(True)]
for away_s in (1.0, 4.0):
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    came.append(wait(False))
    time.sleep(away_s)
    subprocess.run(["ip", "link", "set", link, "up"], check=True)
    came.append(wait(True))
print(json.dumps({"came": came, "losses": top.losses}))
top.close()
camera.close()
"""


@pytest.fixture
def cable() -> Iterator[tuple[str, str, str]]:
    """A network of its own behind a virtual cable: link, name space, and the address at its far end."""
    needs_aravis()
    number = os.getpid() % 200 + 20
    space, near, far = f"tkt{number}", f"tkn{number}", f"tkf{number}"
    net = f"198.18.{number}"
    try:
        for command in (
            f"ip netns add {space}",
            f"ip link add {near} type veth peer name {far} netns {space}",
            f"ip address add {net}.1/30 dev {near}",
            f"ip link set {near} mtu 9000 up",
            f"ip -n {space} address add {net}.2/30 dev {far}",
            f"ip -n {space} link set {far} mtu 9000 up",
            f"ip -n {space} link set lo up",
        ):
            done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"no virtual network here: {command}: {done.stderr.strip()}")
        yield near, space, f"{net}.2"
    finally:
        subprocess.run(["ip", "link", "del", near], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def test_camera_behind_a_cable_that_was_pulled_is_back_when_it_is_plugged_in(
    cable: tuple[str, str, str],
) -> None:
    """In a process of its own, which may speak to an address that is not this computer's."""
    command = [sys.executable, "-c", AWAY, *cable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["came"] == [True] * 5
    assert said["losses"] >= 2
