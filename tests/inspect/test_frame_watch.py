"""Which frames show no part, or another one: the watch alone, with a clock of its own."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from taktsight.errors import CameraError
from taktsight.health_bands import Health
from taktsight.inspect.cameras.camera import Exposure, Repeats
from taktsight.inspect.cameras.stream import Broken, FrameStream
from taktsight.inspect.frame_check import FrameCheck
from taktsight.inspect.frame_watch import REMEMBERED, FrameWatch, digest_rows
from taktsight.inspect.messages import Expose
from taktsight.recipe import View
from taktsight.records import Image

MS = 1_000_000
TAKT = 200 * MS
START = 10_000 * MS


def noise(seed: int, *, height: int = 200, width: int = 300, level: int = 90) -> Image:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(level, 3, (height, width, 1)), 0, 255).astype(np.uint8)


class Sensor:
    """A watch, and a camera that shows it one frame per part."""

    def __init__(self, repeats: Repeats = "nothing", **given: object) -> None:
        self.watch = FrameWatch("top", 1, max_age_ns=100 * MS, **given)  # type: ignore[arg-type]
        self.repeats = repeats
        self.trigger = 0

    def show(self, image: Image | None = None, **changed: object) -> str:
        self.trigger += 1
        now = START + self.trigger * TAKT
        image = noise(self.trigger) if image is None else image
        exposure = Exposure(image, now, self.trigger, may_repeat=self.repeats)
        exposure = replace(exposure, **changed)  # type: ignore[arg-type]
        return self.watch.fault(Expose(self.trigger, now, now + TAKT), exposure, now + MS)


def test_sensor_raises_no_alarm_in_a_thousand_exposures_of_one_scene() -> None:
    sensor = Sensor()
    assert {sensor.show() for _ in range(1000)} == {""}


@pytest.mark.parametrize("level", [0, 1, 2, 4, 250, 255])
def test_nearly_black_or_white_scene_raises_none_either(level: int) -> None:
    """Clipped and without noise whole rows are alike; a hot pixel here and there is not."""
    sensor = Sensor()
    rng = np.random.default_rng(0)
    for _ in range(200):
        image = np.full((200, 300, 1), level, np.uint8)
        image[rng.integers(0, 200, 5), rng.integers(0, 300, 5)] += 1
        assert sensor.show(image) == ""


def test_saturated_background_of_one_colour_is_nobodys_fingerprint() -> None:
    watch = FrameWatch("top", 3, max_age_ns=100 * MS)
    for trigger in range(1, 50):
        image = np.full((200, 300, 3), (255, 255, 251), np.uint8)
        image[60:140] = np.repeat(noise(trigger)[60:140], 3, axis=2)
        now = START + trigger * TAKT
        assert watch.fault(Expose(trigger, now, now), Exposure(image, now), now) == ""


@pytest.mark.parametrize("back", [1, 2, 16, 200])
def test_frame_of_any_earlier_part_is_known_again_at_once(back: int) -> None:
    sensor = Sensor()
    for _ in range(250):
        sensor.show()
    assert f"top: repeated: the same frame as that of part {251 - back}" in sensor.show(noise(251 - back))


def test_every_further_repetition_is_found() -> None:
    sensor = Sensor()
    sensor.show(noise(1))
    assert all(sensor.show(noise(1)) for _ in range(2 * REMEMBERED))


def test_black_frame_is_the_same_frame_only_if_every_pixel_is() -> None:
    sensor = Sensor()
    black = np.zeros((200, 300, 1), np.uint8)
    assert sensor.show(black) == ""
    assert "repeated" in sensor.show(black.copy())
    one_lit = black.copy()
    one_lit[199, 299] = 1
    assert sensor.show(one_lit) == ""


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_rest_of_an_earlier_frame_is_found_wherever_it_begins(share: float) -> None:
    sensor = Sensor()
    for _ in range(20):
        sensor.show()
    row = round(200 * share)
    assert "torn: " in sensor.show(np.concatenate([noise(21)[:row], noise(17)[row:]]))
    assert "torn: " in sensor.show(np.concatenate([noise(12)[:row], noise(22)[row:]]))
    assert sensor.show() == ""


def test_compressed_rows_may_be_alike_but_not_whole_frames() -> None:
    sensor = Sensor("rows")
    sensor.show(noise(1))
    assert sensor.show(np.concatenate([noise(1)[:100], noise(2)[100:]])) == ""
    assert "repeated" in sensor.show(np.concatenate([noise(1)[:100], noise(2)[100:]]))


def test_stored_frames_may_repeat_and_be_of_any_size() -> None:
    sensor = Sensor("frames")
    assert {sensor.show(noise(1)), sensor.show(noise(1)), sensor.show(noise(1)[:50])} == {""}
    assert "wrong format" in sensor.show(noise(1)[:, :, 0])


def test_station_overrules_what_the_camera_says_of_repetition() -> None:
    sensor = Sensor(repeats="frames")
    assert {sensor.show(noise(1)), sensor.show(noise(1))} == {""}


def test_rehearsal_gives_the_size_and_is_no_part() -> None:
    sensor = Sensor()
    sensor.watch.expect(noise(99))
    assert "wrong size: 300×100 pixels, 300×200 are wanted" in sensor.show(noise(1)[:100])
    assert "the same frame as the one before the first part" in sensor.show(noise(99))


def test_size_that_the_recipe_names_holds_for_stored_frames_too() -> None:
    sensor = Sensor("frames", wanted_px=(300, 200))
    assert sensor.show() == ""
    assert "wrong size" in sensor.show(noise(1)[:, :200])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"captured_ns": START + 3 * TAKT - 101 * MS}, "stale: exposed 101 ms before the trigger"),
        ({"captured_ns": START + 3 * TAKT + 7 * MS}, "lies 6 ms ahead of the clock"),
        ({"counter": 2}, "repeated: the camera's frame 2, as for part 2"),
        ({"image": np.zeros((200, 300, 3), np.uint8)}, "3 channels, the bundle wants 1"),
        ({"image": np.zeros((200, 300), np.uint8)}, "wrong format: an image is"),
        ({"image": np.zeros((200, 300, 1), np.uint16)}, "wrong format: an image is"),
    ],
)
def test_fault_is_named(given: dict[str, object], says: str) -> None:
    sensor = Sensor()
    sensor.show()
    sensor.show()
    fault = sensor.show(**given)  # type: ignore[arg-type]
    assert fault.startswith("top: ")
    assert says in fault
    assert sensor.show() == ""  # its neighbour is not to blame


def test_frame_exposed_before_the_earlier_trigger_shows_an_earlier_part_however_short_the_takt() -> None:
    watch = FrameWatch("top", 1, max_age_ns=100 * MS)
    faults = []
    for trigger, age_ms in ((1, 0), (2, 0), (3, 12), (4, 0)):
        now = START + trigger * 10 * MS
        exposure = Exposure(noise(trigger), now - age_ms * MS)
        faults.append(watch.fault(Expose(trigger, now, now + MS), exposure, now + MS))
    assert faults[:2] == ["", ""]
    assert "for an earlier part" in faults[2]
    assert faults[3] == ""


def test_frame_that_is_no_newer_than_the_one_before_is_stale() -> None:
    sensor = Sensor()
    assert sensor.show(captured_ns=START + TAKT + 1 * MS) == ""
    now = START + 2 * TAKT
    same_time = Exposure(noise(2), START + TAKT + 1 * MS)
    fault = sensor.watch.fault(Expose(2, START + TAKT, now), same_time, now)
    assert "stale: exposed no later than the frame of part 1" in fault


def test_row_without_change_tells_nothing() -> None:
    image = noise(1)
    image[0] = 7
    assert digest_rows(image)[0] == 0
    assert digest_rows(image)[1:].all()


def test_stream_counts_the_frames_that_the_camera_lost_not_those_that_nobody_wanted() -> None:
    stream = FrameStream("top")
    for counter in (1, 2, 3, 6, 7):
        stream.put(Exposure(noise(counter), counter * MS, counter))
    assert stream.take(7 * MS, 8 * MS, 0).lost_frames == 2
    stream.put(Exposure(noise(8), 8 * MS, 8))
    assert stream.take(8 * MS, 9 * MS, 0).lost_frames == 0
    stream.put(Broken("incomplete", 9 * MS))
    with pytest.raises(CameraError, match="incomplete"):
        stream.take(9 * MS, 10 * MS, 0)
    stream.put(Exposure(noise(3), 10 * MS, 1))  # the camera was restarted
    assert stream.take(10 * MS, 11 * MS, 0).lost_frames == 0


def test_size_that_a_recipe_wants_is_wanted_from_its_changeover_on_and_not_before() -> None:
    watch = FrameWatch("camera", 1, max_age_ns=100 * MS)
    before = FrameCheck(watch, View(mm_per_px=0.1))
    after = FrameCheck(watch, View(mm_per_px=0.1, health=Health(frame_px=(640, 480))))

    def show(check: FrameCheck) -> str:
        now_ns = time.monotonic_ns()
        image = noise(now_ns % 2**32)
        return check.fault(Expose(1, now_ns, now_ns + TAKT), Exposure(image, now_ns))

    assert show(before) == ""
    assert "wrong size: 300×200 pixels, 640×480 are wanted" in show(after)
    assert show(before) == ""
