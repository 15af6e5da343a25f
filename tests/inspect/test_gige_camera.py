"""A GigE Vision camera through libaravis, against a real server: what is asked for is what runs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.aravis_session import open_aravis
from taktsight.inspect.cameras.pixel_formats import decode, format_of
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.inspect.simulation.pixel_encoding import encode
from taktsight.records import Image

from .gige_rig import StartGige, aravis, gige_processes, grab, opened, part, stamp, write_images


def scene(height: int = 64, width: int = 96, channels: int = 1) -> Image:
    return np.random.default_rng(5).integers(0, 200, (height, width, channels), np.uint8)


@pytest.fixture(scope="module")
def plain() -> Iterator[GigeProcess]:
    """A camera of 640 x 480 px for tests that only look at it."""
    with gige_processes() as start:
        yield start()


def test_each_part_gets_the_frame_that_was_exposed_for_it(start_gige: StartGige) -> None:
    camera = start_gige("--stamped")
    numbers, counters = [], []
    with opened(aravis(camera)) as top:
        for trigger in range(1, 21):
            expose = part(trigger)
            try:
                exposure = top.grab(expose)
            except CameraError:  # on a busy machine it may be exposed too late
                continue
            number, exposed_ns = stamp(exposure.image)
            assert exposed_ns > expose.captured_ns
            assert exposed_ns - 1_000_000 <= exposure.captured_ns <= time.monotonic_ns()
            numbers.append(number)
            counters.append(exposure.counter or 0)
    assert len(numbers) > 10
    assert numbers == sorted(set(numbers))  # never two parts from one exposure
    assert np.array_equal(np.diff(counters), np.diff(numbers))


def test_camera_that_runs_free_gives_the_first_frame_after_the_trigger(start_gige: StartGige) -> None:
    camera = start_gige("--stamped")
    numbers = []
    with opened(aravis(camera, trigger="free", fps=100, expose_within_ms=500)) as top:
        for _ in range(10):
            time.sleep(0.05)  # frames that nobody wants come in
            expose = part()
            number, exposed_ns = stamp(top.grab(expose).image)
            # Late by the quickest way of a first packet; the part before is older by 50 ms.
            assert exposed_ns >= expose.captured_ns - 20_000_000
            numbers.append(number)
    assert numbers == sorted(set(numbers))
    assert camera.tell()["triggered"] is False
    assert numbers[-1] - numbers[0] > 9  # it did run on its own


def test_camera_that_waits_for_a_wire_is_not_fired_by_the_line(start_gige: StartGige) -> None:
    camera = start_gige("--stamped")
    settings = aravis(
        camera, trigger="hardware", trigger_source="Line1", expose_before_ms=500, expose_within_ms=500
    )
    with opened(settings) as top:
        with pytest.raises(CameraError, match="no frame came in time"):
            top.grab(part(wait_ns=200_000_000))
        assert camera.tell()["exposures"] == 0
        for _ in range(5):  # the first frame after a start may be incomplete
            wire = threading.Timer(0.1, camera.tell, kwargs={"fire": 1})
            wire.start()
            with contextlib.suppress(CameraError):
                assert top.grab(part()).image.shape == (480, 640, 1)
                break
            wire.join()
        else:
            pytest.fail("the wire fired it five times, and no frame came")
        wire.join()
        state = camera.tell()
        assert state["triggered"] is True
        assert 1 <= state["exposures"] <= 5


def test_region_is_the_one_that_was_asked_for(start_gige: StartGige, tmp_path: Path) -> None:
    whole = scene()
    camera = start_gige("--images", str(write_images(tmp_path / "images", [whole])))
    with opened(aravis(camera, x_px=16, y_px=8, width_px=32, height_px=24)) as top:
        assert np.array_equal(grab(top).image, whole[8:32, 16:48])
        assert top.rehearsal().shape == (24, 32, 1)
    state = camera.tell()
    assert (state["x"], state["y"], state["width"], state["height"]) == (16, 8, 32, 24)
    with opened(aravis(camera)) as top:  # nothing of it is left
        assert np.array_equal(grab(top).image, whole)


def test_exposure_and_gain_reach_the_camera_and_are_seen(start_gige: StartGige, tmp_path: Path) -> None:
    grey = np.full((64, 96, 1), 40, np.uint8)
    camera = start_gige("--images", str(write_images(tmp_path / "images", [grey])))
    with opened(aravis(camera, exposure_us=3000)) as top:
        assert grab(top).image.max() == 120
    with opened(aravis(camera, exposure_us=2000, gain_db=6)) as top:
        assert abs(int(grab(top).image.max()) - 160) <= 1  # 6 dB are twice as much, within 0.3 %
    state = camera.tell()
    assert (state["exposure_us"], state["gain_db"]) == (2000, 6)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("Mono8", 1),
        ("Mono10", 1),
        ("Mono10Packed", 1),
        ("Mono12p", 1),
        ("BayerRG8", 3),
        ("BayerGB12Packed", 3),
        ("RGB8", 3),
        ("BGR8", 3),
        ("YUV422_8", 3),
    ],
)
def test_frame_of_every_format_is_the_image_that_was_sent(
    name: str, channels: int, start_gige: StartGige, tmp_path: Path
) -> None:
    image = scene(channels=channels)
    camera = start_gige("--images", str(write_images(tmp_path / "images", [image])))
    with opened(aravis(camera, pixel_format=name), channels) as top:
        seen = grab(top).image
    sent = encode(image, format_of(name))
    assert np.array_equal(seen, decode(sent, image.shape[1], image.shape[0], format_of(name), channels))
    if name.startswith(("Mono", "RGB", "BGR")):
        assert np.array_equal(seen, image)
    assert camera.tell()["pixel_format"] == name


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"exposure_us": 15}, "exposure_us 15 was asked for, the camera runs with 10"),
        ({"pixel_format": "Mono16"}, "pixel_format Mono16: this camera offers Mono8, Mono10"),
        ({"width_px": 4096}, "width_px 4096: this camera goes to 640"),
        ({"x_px": 600, "width_px": 64}, "x_px 600: this camera goes to 576"),
        ({"trigger": "hardware", "trigger_source": "Line9"}, "trigger_source Line9: this camera offers"),
        ({"chunks": ("FrameID",)}, "chunks: this camera's frames carry none"),
    ],
)
def test_what_the_camera_cannot_do_is_refused_with_what_it_does(
    asked: dict[str, object], said: str, plain: GigeProcess
) -> None:
    with pytest.raises(ConfigError, match=said):
        open_aravis(aravis(plain, **asked))
    with opened(aravis(plain)) as top:  # and it has been let go of
        assert grab(top).image.shape == (480, 640, 1)


def test_camera_is_found_by_its_serial_number_and_by_the_name_it_was_given(start_gige: StartGige) -> None:
    serial, name = f"S{time.monotonic_ns() % 10**9}", f"n{time.monotonic_ns() % 10**9}"
    start_gige("--serial", serial, "--user-name", name, "--width", "320")
    for device in (serial, name):
        with opened(aravis(device)) as top:
            assert grab(top).image.shape == (480, 320, 1)


def test_camera_that_is_not_there_is_named_at_once() -> None:
    with pytest.raises(CameraError, match=r"no camera answers at 127\.0\.0\.99; 'taktsight cameras' lists"):
        open_aravis(aravis("127.0.0.99"))
    with pytest.raises(CameraError, match="nobody"):
        open_aravis(aravis("nobody"))


def test_camera_that_another_application_controls_is_refused(plain: GigeProcess) -> None:
    with opened(aravis(plain)), pytest.raises(CameraError, match="another application controls it"):
        open_aravis(aravis(plain))


def test_image_is_not_written_to_as_long_as_somebody_holds_it(start_gige: StartGige) -> None:
    camera = start_gige("--stamped")
    with opened(aravis(camera, buffers=8)) as top:
        held = [grab(top).image for _ in range(4)]
        before = [image.copy() for image in held]
        for _ in range(30):
            with contextlib.suppress(CameraError):
                top.grab(part(wait_ns=300_000_000))
        assert all(np.array_equal(image, copy) for image, copy in zip(held, before, strict=True))
    assert all(np.array_equal(image, copy) for image, copy in zip(held, before, strict=True))


def test_buffers_that_are_all_held_cost_parts_and_come_back(plain: GigeProcess) -> None:
    with opened(aravis(plain, buffers=4)) as top:
        held = []
        for _ in range(12):
            with contextlib.suppress(CameraError):
                held.append(top.grab(part(wait_ns=400_000_000)).image)
        assert 1 <= len(held) <= 4
        held.clear()
        assert grab(top).image.shape == (480, 640, 1)


def test_camera_with_another_clock_gives_times_of_ours(start_gige: StartGige) -> None:
    camera = start_gige("--stamped", "--ahead-ns", str(3_600 * 10**9), "--drift-ppm", "100")
    with opened(aravis(camera)) as top:
        for _ in range(10):
            exposure = grab(top)
            _, exposed_ns = stamp(exposure.image)
            assert exposed_ns - 1_000_000 <= exposure.captured_ns <= time.monotonic_ns()
