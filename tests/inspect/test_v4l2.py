"""A camera behind Linux' video driver. The kernel's own test driver will do: modprobe vivid."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import V4l2Settings

from .grabbing import closing, frames_of, grab, grab_until, is_frame

DEVICE = Path("/dev/video0")
needs_camera = pytest.mark.skipif(
    not DEVICE.exists(), reason=f"there is no {DEVICE}; 'modprobe vivid' makes one"
)


def settings(**values: object) -> V4l2Settings:
    asked: dict[str, object] = {"kind": "v4l2", "name": "top", "device": DEVICE, "fourcc": "YUYV"}
    return V4l2Settings.model_validate(asked | {"width_px": 640, "height_px": 360, "fps": 25} | values)


def test_device_that_is_not_there_is_named() -> None:
    with pytest.raises(CameraError, match=r"^top: /dev/video-none cannot be opened"):
        open_camera(settings(device=Path("/dev/video-none")), 1)


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
    [({"width_px": 641}, "width_px"), ({"fps": 999}, "fps"), ({"fourcc": "MJPG"}, "fourcc 'YUYV'")],
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
