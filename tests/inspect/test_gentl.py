"""harvesters with genicam's own GenTL producer: three virtual cameras that run freely, without a clock."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.gentl import from_gentl
from taktsight.inspect.cameras.live_settings import GentlSettings

from .grabbing import closing, frames_of, grab, grab_until, is_frame

genicam = pytest.importorskip("genicam", reason="genicam is not installed")
pytest.importorskip("harvesters.core", reason="harvesters is not installed")
PRODUCER = Path(genicam.__file__).with_name("viky.cti")
pytestmark = pytest.mark.skipif(not PRODUCER.is_file(), reason="this genicam has no producer of its own")


def settings(**values: object) -> GentlSettings:
    return GentlSettings.model_validate(
        {
            "kind": "gentl",
            "name": "top",
            "producer": PRODUCER,
            "serial": "0",
            "pixel_format": "Mono8",
            "width_px": 400,
            "height_px": 200,
            "fps": 50,
            "trigger": "free",
        }
        | values
    )


@pytest.mark.parametrize(
    ("pixel_format", "channels"), [("Mono8", 1), ("Mono8", 3), ("RGBa8", 3), ("RGBa8", 1)]
)
def test_parts_get_younger_and_younger_frames(pixel_format: str, channels: int) -> None:
    with closing(open_camera(settings(pixel_format=pixel_format), channels)) as camera:
        grabbed = grab_until(camera, is_frame) + [grab(camera, trigger) for trigger in range(1, 16)]
    frames = frames_of(grabbed)
    assert {frame.image.shape for frame in frames} == {(200, 400, channels)}
    counters = [frame.counter or 0 for frame in frames]
    assert counters == sorted(set(counters))


def test_two_cameras_share_a_producer_and_one_may_come_and_go() -> None:
    before = threading.active_count()
    with closing(open_camera(settings(serial="0"), 1)) as first:
        for _ in range(3):
            with closing(open_camera(settings(serial="1"), 1)) as second:
                grab_until(second, is_frame)
            grab_until(first, is_frame)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width_px": 9999}, "node Width does not take 9999"),
        ({"pixel_format": "Mono12"}, "node PixelFormat does not take 'Mono12'"),
        ({"exposure_us": 100}, "exposure_us: the camera has no node ExposureTime or ExposureTimeAbs"),
        ({"trigger": "software"}, "trigger: the camera has no node TriggerMode"),
        ({"nodes": {"BouncingBallSize": 1.5}}, "node BouncingBallSize does not take 1.5"),
    ],
    ids=["size", "pixels", "exposure", "trigger", "type"],
)
def test_what_the_camera_does_not_do_is_said(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=f"^top: {said}"):
        open_camera(settings(**values), 1)
    with closing(open_camera(settings(), 1)) as camera:  # the refused camera was let go of
        grab_until(camera, is_frame)


def test_camera_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(CameraError, match="finds 0 cameras of serial 77; there are: 0, 1, 2"):
        open_camera(settings(serial="77"), 1)
    with pytest.raises(CameraError, match="finds 3 cameras; there are: 0, 1, 2"):
        open_camera(settings(serial=None), 1)


def test_producer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"none\.cti: there is no such producer"):
        open_camera(settings(producer=tmp_path / "none.cti"), 1)
    (tmp_path / "text.cti").write_text("no library")
    with pytest.raises(CameraError, match=r"text\.cti finds 0 cameras of serial 0"):
        open_camera(settings(producer=tmp_path / "text.cti"), 1)


class Component:
    """A component of a buffer, as harvesters gives it."""

    def __init__(self, data_format: str, data: np.ndarray) -> None:
        self.data_format = data_format
        self.height, self.width = 4, 4
        self.data = data


@pytest.mark.parametrize("data_format", ["RGB8", "BGR8", "RGBa8", "BGRa8"])
def test_colours_come_in_their_order(data_format: str) -> None:
    order = {"R": 10, "G": 20, "B": 30, "a": 255}
    pixel = [order[letter] for letter in data_format[:-1]]
    image = from_gentl(Component(data_format, np.tile(np.array(pixel, np.uint8), 16)), 3)
    assert image.reshape(-1, 3).tolist() == [[10, 20, 30]] * 16


@pytest.mark.parametrize("data_format", ["BayerRG8", "BayerGR8", "BayerGB8", "BayerBG8"])
def test_bayer_patterns_begin_with_the_colours_of_their_name(data_format: str) -> None:
    """A red surface: only the red pixels of the pattern are lit."""
    first = data_format[5:7]
    lit = {"RG": (0, 0), "GR": (0, 1), "GB": (1, 0), "BG": (1, 1)}[first]
    mosaic = np.zeros((4, 4), np.uint8)
    mosaic[lit[0] :: 2, lit[1] :: 2] = 200
    image = from_gentl(Component(data_format, mosaic.reshape(-1)), 3)
    assert image[1:3, 1:3].max(axis=(0, 1)).tolist() == [200, 0, 0]


@pytest.mark.parametrize("data_format", ["Mono10", "Mono12", "Mono16"])
def test_of_more_than_eight_bits_the_upper_eight_are_kept(data_format: str) -> None:
    depth = int(data_format[4:])
    grey = np.arange(16, dtype=np.uint16) * 16 + 15
    image = from_gentl(Component(data_format, grey << (depth - 8)), 1)
    assert image.reshape(-1).tolist() == grey.tolist()


def test_frame_that_is_cut_short_is_none() -> None:
    for data_format, size in (("Mono8", 15), ("RGBa8", 63)):
        with pytest.raises(CameraError, match="bytes"):
            from_gentl(Component(data_format, np.zeros(size, np.uint8)), 1)


def test_frame_shares_no_memory_with_the_buffer_that_is_filled_again() -> None:
    data = np.zeros(16, np.uint8)
    image = from_gentl(Component("Mono8", data), 1)
    data[:] = 9
    assert not image.any()
