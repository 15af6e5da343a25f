"""A line-scan camera on a real wire: blocks with an encoder's count become parts, or nobody's."""

from __future__ import annotations

import contextlib
import json
import queue
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.image_files import encode_png
from taktsight.inspect.cameras.camera import SelfTriggered, open_camera
from taktsight.inspect.cameras.line_scan_camera import LineScanCamera
from taktsight.inspect.messages import Expose
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.records import Image, Outcome

from .gige_rig import KINDS, SECOND_NS, StartGige, part, until
from .place import BRIGHTNESS, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import draw_part

HEIGHT, PER_LINE = 32, 4
WEB = ("--line-scan", "64", "--width", "256", "--height", "300", "--stamped", "--lines-per-s", "3000")
COUNTS = ("--counts-per-line", str(PER_LINE))
NEAR_THE_END = ("--first-count", str(2**32 - 12_000))
"""The encoder's count begins again after 3,000 lines, which is within a second or two."""


def scan(**values: Any) -> dict[str, Any]:
    asked = {"lines": 128, "count": "encoder", "counts_per_line": PER_LINE, "line_source": "Encoder0"}
    return asked | values


@contextlib.contextmanager
def opened(kind: str, camera: GigeProcess, **line_scan: Any) -> Iterator[LineScanCamera]:
    if kind == "viva":
        pytest.importorskip("viva_genicam")
    settings = KINDS[kind](
        camera, exposure_us=20, height_px=HEIGHT, trigger="lines", line_scan=scan(**line_scan)
    )
    lines = open_camera(settings, 1)
    assert isinstance(lines, LineScanCamera)
    try:
        yield lines
    finally:
        lines.close()


def numbers(image: Image) -> list[int]:
    """Which lines of the web an image shows, as each says itself."""
    return [int(line) for line in np.ascontiguousarray(image[:, :8, 0]).view("<i8").reshape(-1)]


class Web:
    """The tiles of a camera, as the line would ask for them."""

    def __init__(self, camera: LineScanCamera) -> None:
        self.camera = camera
        self.whole: dict[int, list[int]] = {}
        self.broken: dict[int, str] = {}
        self.lost_frames = 0
        self._told: queue.Queue[tuple[int, int]] = queue.Queue()
        camera.tell_exposures(lambda number, captured_ns: self._told.put((number, captured_ns)))

    def look(self, tiles: int) -> Web:
        """At so many more."""
        for _ in range(tiles):
            number, captured_ns = self._told.get(timeout=30)
            assert captured_ns <= time.monotonic_ns()
            expose = Expose(number + 1, captured_ns, time.monotonic_ns() + SECOND_NS)
            try:
                exposure = self.camera.grab(expose)
            except CameraError as error:
                self.broken[number] = str(error)
                continue
            assert (exposure.counter, exposure.captured_ns) == (number, captured_ns)
            self.lost_frames += exposure.lost_frames
            self.whole[number] = numbers(exposure.image)
        return self

    def assert_neighbours(self, lines: int) -> None:
        """Every image has all its lines, each one behind the one before it."""
        for shown in self.whole.values():
            assert shown == list(range(shown[0], shown[0] + lines))


@pytest.mark.parametrize("kind", ["aravis", "viva"])
def test_web_is_cut_into_tiles_that_overlap(kind: str, start_gige: StartGige) -> None:
    camera = start_gige(*WEB, *COUNTS, *NEAR_THE_END)
    with opened(kind, camera, overlap=32) as lines:
        assert isinstance(lines, SelfTriggered)
        assert lines.rehearsal().shape == (128, 256, 1)
        web = Web(lines).look(50)
    web.assert_neighbours(128)
    assert camera.tell()["line"] > 3_000
    assert len(web.whole) > 35  # a busy machine may lose a block
    first = next(iter(web.whole))
    for number, shown in web.whole.items():
        if not web.broken:
            assert shown[0] == web.whole[first][0] + (number - first) * 96


@pytest.mark.parametrize("kind", ["aravis", "viva"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("drop", "2 blocks did not arrive"),
        ("packets", "packet"),
        ("repeat", "are those of frame"),
        ("lines", "the encoder went on by"),
        ("short", "px"),
    ],
)
def test_fault_of_a_block_breaks_its_tiles_and_no_other(
    kind: str, fault: str, reason: str, start_gige: StartGige
) -> None:
    camera = start_gige(*WEB, *COUNTS)
    with opened(kind, camera, overlap=32) as lines:
        web = Web(lines).look(10)
        camera.tell(spoil=fault, count=2)
        web.look(30)
    web.assert_neighbours(128)
    assert any(reason in why for why in web.broken.values()), web.broken
    assert all("missing" in why for why in web.broken.values())
    assert len(web.whole) >= 20  # a busy machine loses blocks of its own
    assert fault == "lines" or web.lost_frames >= 2


@pytest.mark.parametrize("fault", ["twice", "late"])
def test_block_that_comes_twice_or_late_is_where_it_belongs(fault: str, start_gige: StartGige) -> None:
    """A block that comes whole and again is ignored; libaravis gives up one that is overtaken, or not."""
    camera = start_gige(*WEB, *COUNTS)
    with opened("aravis", camera, overlap=0) as lines:
        web = Web(lines).look(10)
        camera.tell(spoil=fault, count=3)
        web.look(30)
    web.assert_neighbours(128)
    assert len(web.whole) >= 30


def test_belt_that_stops_runs_back_and_on_shows_no_line_twice(start_gige: StartGige) -> None:
    camera = start_gige(*WEB, *COUNTS)
    with opened("aravis", camera) as lines:
        web = Web(lines).look(10)
        camera.tell(lines_per_s=0)
        stood = camera.tell()["line"]
        time.sleep(0.5)
        assert camera.tell()["line"] <= stood + 64
        camera.tell(lines_per_s=3000, forward=False)
        until(lambda: camera.tell()["line"] < stood - 400)
        camera.tell(forward=True)
        web.look(20)
    web.assert_neighbours(128)
    seen = [line for shown in web.whole.values() for line in shown]
    assert seen == sorted(set(seen))
    assert max(seen) > stood + 400
    assert any("the belt ran back" in why for why in web.broken.values())


def test_camera_that_was_lost_goes_on_behind_a_broken_tile(start_gige: StartGige) -> None:
    camera = start_gige(*WEB, *COUNTS)
    with opened("aravis", camera) as lines:
        web = Web(lines).look(5)
        camera.kill()
        until(lambda: lines.losses == 1)
        camera.restart()
        before = len(web.whole)
        web.look(20)
        assert len(web.whole) > before
    web.assert_neighbours(128)
    assert any("opened anew" in why for why in web.broken.values()), web.broken


@pytest.mark.parametrize("lead", [0, -100, 200])
def test_part_of_another_trigger_has_the_lines_at_its_place(lead: int, start_gige: StartGige) -> None:
    camera = start_gige(*WEB, *COUNTS)
    with opened("aravis", camera, lead_lines=lead) as lines:
        until(lambda: camera.tell()["blocks"] > 40)
        away, firsts = [], []
        for trigger in range(1, 16):
            line = camera.tell()["line"]  # the next block's first, exposed about now
            expose = part(trigger)
            with contextlib.suppress(CameraError):
                exposure = lines.grab(expose)
                shown = numbers(exposure.image)
                assert shown == list(range(shown[0], shown[0] + 128))
                away.append(shown[0] - line - lead)
                firsts.append(shown[0])
    assert len(away) >= 8
    assert firsts == sorted(set(firsts))
    # Within a block and what a busy machine takes between two statements; 3 lines are 1 ms.
    assert abs(np.median(away)) < 3 * HEIGHT


def test_part_on_a_belt_that_stands_has_no_lines(start_gige: StartGige) -> None:
    camera = start_gige(*WEB, *COUNTS)
    with opened("aravis", camera) as lines:
        until(lambda: camera.tell()["blocks"] > 40)
        camera.tell(lines_per_s=0)
        time.sleep(0.2)
        with pytest.raises(CameraError, match="not all lines came in time; does the belt run"):
            lines.grab(part(1, SECOND_NS // 5))


@pytest.mark.parametrize("kind", ["aravis", "viva"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"count": "counter"},
            "line_scan.count counter: its chunk CounterValue: this camera offers Encoder",
        ),
        ({"count_selector": "Encoder7"}, "line_scan.count_selector Encoder7: this camera offers Encoder0"),
        ({"line_source": "Line9"}, "line_scan.line_source Line9: this camera offers Encoder0, Line1"),
    ],
)
def test_what_the_camera_cannot_is_said(
    kind: str, asked: dict[str, Any], said: str, start_gige: StartGige
) -> None:
    camera = start_gige(*WEB)
    with pytest.raises(ConfigError, match=said), opened(kind, camera, **asked):
        pass


def test_area_camera_is_no_line_scan_camera(start_gige: StartGige) -> None:
    with pytest.raises(ConfigError, match="no trigger LineStart"), opened("aravis", start_gige()):
        pass


def test_lines_without_a_count_are_placed_by_the_number_of_their_frame(start_gige: StartGige) -> None:
    camera = start_gige(*WEB)
    asked = {"lines": 128, "count": "frame_number", "lines_per_s": 3000}
    settings = KINDS["aravis"](camera, exposure_us=20, height_px=HEIGHT, trigger="lines", line_scan=asked)
    lines = open_camera(settings, 1)
    assert isinstance(lines, LineScanCamera)
    try:
        web = Web(lines).look(10)
        camera.tell(spoil="drop", count=1)
        web.look(20)
    finally:
        lines.close()
    web.assert_neighbours(128)
    assert 1 <= len(web.broken) <= 3
    assert all("did not arrive" in why for why in web.broken.values())


# The whole line


def shown(place: Place, *outcomes: Outcome) -> str:
    """A folder of images that the web is joined of, 64 lines each."""
    folder = place.folder / "web"
    folder.mkdir()
    for number, outcome in enumerate(outcomes, start=1):
        (folder / f"piece_{number}.png").write_bytes(encode_png(draw_part(BRIGHTNESS[outcome])))
    return str(folder)


def station(place: Place, camera: GigeProcess, **line_scan: Any) -> dict[str, Any]:
    asked = {
        "kind": "aravis",
        "device": camera.address,
        "exposure_us": 20,
        "height_px": 16,
        "trigger": "lines",
    }
    return {
        "cameras": [asked | {"line_scan": scan(lines=64, **line_scan)}],
        "trigger": {"kind": "camera", "camera": "camera"},
    }


def test_web_goes_by_the_line_and_a_gap_is_uninspected(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    images = shown(place, Outcome.PASS, Outcome.PASS, Outcome.REJECT, Outcome.PASS)
    camera = start_gige("--line-scan", "16", "--images", images, "--lines-per-s", "800", *COUNTS)
    line = start_line(place.write(**station(place, camera, overlap=16)), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 8, timeout_s=60)
    line.wait_until(lambda: line.meters["REJECT"] >= 3)
    camera.tell(spoil="drop", count=3)
    uninspected = line.meters["UNINSPECTED"]
    line.wait_until(lambda: line.meters["UNINSPECTED"] > uninspected)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] >= passed + 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    reasons = [reason for row in place.rows("verdict") for reason in json.loads(row["reasons"])]
    missing = [reason for reason in reasons if "3 blocks did not arrive" in reason]
    assert missing
    assert all("of 64 are missing" in reason for reason in missing)
    assert line.meters["lost_frames"] >= 3


def test_parts_of_a_timer_get_their_lines(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    images = shown(place, Outcome.REJECT)
    camera = start_gige("--line-scan", "16", "--images", images, "--lines-per-s", "2000", *COUNTS)
    asked = station(place, camera, lead_lines=-16) | {"trigger": {"kind": "timer", "takt_ms": 100}}
    line = start_line(place.write(**asked), "--no-live")
    line.wait_until(lambda: line.meters["REJECT"] >= 10, timeout_s=60)
    status, _, err = line.stop()
    assert status == 0, err
    assert {outcome for _, outcome in assert_one_verdict_each(place, line)} <= {"REJECT", "UNINSPECTED"}


def test_check_names_what_is_wrong_with_the_lines(place: Place, start_gige: StartGige) -> None:
    camera = start_gige("--line-scan", "16", "--width", "64")
    checked = taktsight("check", place.write(**station(place, camera, overlap=10)), timeout_s=120)
    assert checked.returncode == 0, checked.stdout
    said = " ".join(checked.stdout.split())
    assert "height_px 16 does not divide the stride of 54 lines" in said
    assert "waits for its sensor: no frame was seen" in said
    checked = taktsight("check", place.write(**station(place, camera, count="counter")), timeout_s=120)
    assert checked.returncode == 1
    assert "its chunk CounterValue: this camera offers EncoderValue" in " ".join(checked.stdout.split())
    checked = taktsight("check", place.write(**station(place, camera, overlap=64)), timeout_s=120)
    assert checked.returncode == 2
    assert "overlap 64 is not below lines 64" in " ".join((checked.stdout + checked.stderr).split())


def test_belt_that_runs_back_holds_the_line(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    images = shown(place, Outcome.PASS, Outcome.PASS)
    camera = start_gige("--line-scan", "16", "--images", images, "--lines-per-s", "800", *COUNTS)
    line = start_line(place.write(**station(place, camera)), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5, timeout_s=60)
    camera.tell(forward=False)
    line.wait_until(lambda: line.meters["trigger_lost"] == 1)
    passed = line.meters["PASS"]
    camera.tell(forward=True)
    line.wait_until(lambda: line.meters["trigger_lost"] == 0)
    line.wait_until(lambda: line.meters["PASS"] >= passed + 3)
    status, _, err = line.stop()
    assert status == 0, err
    assert "does the encoder count, and forward?" in err
