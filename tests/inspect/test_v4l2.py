"""A camera behind Linux' video driver. The kernel's own test driver will do: modprobe vivid."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import V4l2Settings

from .grabbing import closing, frames_of, grab, grab_until, is_frame
from .vivid import is_vivid, set_control

DEVICE = Path("/dev/video0")
needs_camera = pytest.mark.skipif(
    not DEVICE.exists(), reason=f"there is no {DEVICE}; 'modprobe vivid' makes one"
)


def settings(**values: object) -> V4l2Settings:
    asked: dict[str, object] = {"kind": "v4l2", "name": "top", "device": DEVICE, "fourcc": "YUYV"}
    return V4l2Settings.model_validate(
        asked | {"width_px": 640, "height_px": 360, "fps": 25, "expose_within_ms": 1000} | values
    )


def test_device_that_is_not_there_is_named() -> None:
    with pytest.raises(CameraError, match=r"^top: /dev/video-none cannot be opened"):
        open_camera(settings(device=Path("/dev/video-none")), 1)


@pytest.fixture(autouse=True)
def honest_clock() -> None:
    """The test driver by itself dates frames at their end, which lies in the future of their arrival."""
    if DEVICE.exists() and is_vivid(DEVICE):
        set_control(DEVICE, "Timestamp Source", 1)


@needs_camera
@pytest.mark.parametrize("channels", [1, 3])
def test_parts_get_younger_and_younger_frames_by_the_drivers_clock(channels: int) -> None:
    with closing(open_camera(settings(), channels)) as camera:
        assert camera.rehearsal().shape == (360, 640, channels)
        grabbed = grab_until(camera, is_frame) + [grab(camera, trigger) for trigger in range(1, 21)]
    captured_ns = [frame.captured_ns for frame in frames_of(grabbed)]
    assert len(captured_ns) > 5
    assert captured_ns == sorted(set(captured_ns))


@needs_camera
@pytest.mark.parametrize(
    ("values", "said"),
    [({"width_px": 641}, "width_px"), ({"fps": 999}, "fps"), ({"fourcc": "MJPG"}, "fourcc")],
    ids=["size", "rate", "pixels"],
)
def test_what_the_camera_does_not_do_is_said(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=f"does not run as asked: .*{said}.*, asked for"):
        open_camera(settings(**values), 1)


@needs_camera
def test_closed_camera_can_be_opened_again_and_leaves_no_thread() -> None:
    before = threading.active_count()
    for _ in range(3):
        with closing(open_camera(settings(), 1)) as camera:
            grab_until(camera, is_frame)
    assert threading.active_count() == before


@needs_camera
def test_camera_that_is_pulled_out_comes_back() -> None:
    if not is_vivid(DEVICE):
        pytest.skip("only the test driver can be pulled out by a program")
    with closing(open_camera(settings(), 1)) as camera:
        for _ in range(3):
            grab_until(camera, is_frame)
            set_control(DEVICE, "Disconnect", 1)
            grab_until(camera, lambda grabbed: "is gone or hangs" in str(grabbed))
        grab_until(camera, is_frame)


@needs_camera
def test_driver_that_dates_frames_by_another_clock_is_not_believed() -> None:
    if not is_vivid(DEVICE):
        pytest.skip("only the test driver can be told to")
    set_control(DEVICE, "Timestamp Source", 0)
    with closing(open_camera(settings(), 1)) as camera:
        grab_until(camera, lambda grabbed: "its driver keeps another clock" in str(grabbed))
    with closing(open_camera(settings(clock="arrival", delay_ms=5), 1)) as camera:
        grab_until(camera, is_frame)
