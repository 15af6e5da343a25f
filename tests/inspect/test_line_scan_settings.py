"""What a station file may say of a line-scan camera, and what the page about them says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.findings import camera_findings
from taktsight.inspect.cameras.gige_settings import AravisSettings
from taktsight.inspect.cameras.line_feed import LineFeed
from taktsight.inspect.cameras.line_scan_camera import with_room
from taktsight.inspect.cameras.line_scan_settings import LineScanSettings
from taktsight.inspect.cameras.stream import Broken, Undeveloped
from taktsight.inspect.config import Station, load_station
from taktsight.inspect.frame_watch import FrameWatch
from taktsight.inspect.messages import Expose
from taktsight.inspect.simulation.line_scan_server import BLOCK_FAULTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "line_scan.md").read_text(encoding="utf-8")
WEB = {"kind": "camera", "camera": "web"}
SCAN: dict[str, Any] = {"lines": 1024, "count": "encoder", "counts_per_line": 4, "line_source": "Encoder0"}


def station(
    tmp_path: Path, line_scan: dict[str, Any], trigger: dict[str, Any] | None = None, **camera: Any
) -> Station:
    file = tmp_path / "station.yaml"
    asked = {"kind": "aravis", "name": "web", "device": "192.168.1.20", "height_px": 64, "trigger": "lines"}
    content = {
        "name": "slitter 1",
        "bundle": "part.taktsight",
        "cameras": [asked | camera | {"line_scan": line_scan}],
        "trigger": trigger or WEB,
        "gate": {"kind": "dry_run"},
        "deadline_ms": 80,
        "records": {"folder": "records"},
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_station(file)


def test_line_scan_camera_is_read_from_a_station_file(tmp_path: Path) -> None:
    (camera,) = station(tmp_path, SCAN | {"overlap": 128}).cameras
    assert isinstance(camera, AravisSettings)
    assert camera.line_scan is not None
    assert (camera.trigger, camera.line_scan.stride, camera.line_scan.chunk) == (
        "lines",
        896,
        "EncoderValue",
    )
    again = AravisSettings.model_validate_json(camera.model_dump_json())
    assert again == camera
    assert with_room(camera).buffers >= 2 * 1024 // 64
    timer = {"kind": "timer", "takt_ms": 50}
    assert station(tmp_path, SCAN | {"lead_lines": -20}, timer).takt_ms == 50


@pytest.mark.parametrize(
    ("line_scan", "camera", "said"),
    [
        ({"overlap": 1024}, {}, "overlap 1024 is not below lines 1024: tiles would not go on"),
        ({"line_source": None}, {}, "a line is started by line_source, as Encoder0, or so often"),
        ({"lines_per_s": 1000}, {}, "a line is started by line_source, as Encoder0, or so often"),
        ({"line_source": None, "lines_per_s": 1000}, {}, "lines_per_s with count: encoder"),
        ({"count": "frame_number"}, {}, "counts_per_line: count: frame_number has no such thing"),
        ({"count": None}, {}, "count"),
        ({"lead_lines": 5}, {}, "it is the trigger: line_scan.lead_lines has no meaning"),
        ({}, {"height_px": None}, "line_scan: needs height_px, the lines of a block"),
        ({}, {"height_px": 2}, "line_scan: lines 1024 are more than 256 blocks of 2 lines"),
        ({}, {"expose_within_ms": 5}, "line_scan: expose_within_ms: the count says which lines"),
        (
            {"counter_bits": 16, "counts_per_line": 100},
            {},
            "counter_bits 16: the count begins again too soon",
        ),
    ],
)
def test_contradiction_is_said(
    tmp_path: Path, line_scan: dict[str, Any], camera: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        station(tmp_path, SCAN | line_scan, **camera)


def test_lines_need_line_scan_and_tiles_need_their_trigger(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line_scan needs trigger: lines"):
        AravisSettings(kind="aravis", device="192.168.1.20", trigger="lines")
    with pytest.raises(ValueError, match="line_scan needs trigger: lines"):
        AravisSettings(kind="aravis", device="192.168.1.20", line_scan=LineScanSettings(**SCAN))
    with pytest.raises(ConfigError, match="overlap is of an endless web, which needs trigger"):
        station(tmp_path, SCAN | {"overlap": 0}, {"kind": "timer", "takt_ms": 100})


def test_check_says_what_may_go_wrong_unseen(tmp_path: Path) -> None:
    def said(asked: dict[str, Any], trigger: dict[str, Any] | None = None) -> list[str]:
        return [each.text for each in camera_findings(station(tmp_path, asked, trigger), 1)]

    assert said(SCAN | {"overlap": 128}) == []
    (uneven,) = said(SCAN | {"overlap": 100})
    assert "height_px 64 does not divide the stride of 924 lines" in uneven
    (blind,) = said({"lines": 64, "count": "frame_number", "lines_per_s": 1000})
    assert "knows of lost blocks, not of lost lines" in blind
    (early,) = said(SCAN | {"lead_lines": -5}, {"kind": "timer", "takt_ms": 100})
    assert "must not be older than max_frame_age_ms" in early


def feed(**values: Any) -> tuple[LineFeed, AravisSettings]:
    settings = AravisSettings(
        kind="aravis",
        device="192.168.1.20",
        height_px=32,
        trigger="lines",
        line_scan=LineScanSettings(**SCAN | {"lines": 128} | values),
    )
    assert settings.line_scan is not None
    return LineFeed(settings, settings.line_scan, 32), settings


def undeveloped(number: int, rows: Any) -> Undeveloped:
    captured_ns = number * 1_000_000
    return Undeveloped(captured_ns, lambda: Exposure(rows, captured_ns, number), number, number * 32 * 4)


def test_tiles_that_overlap_are_no_frames_that_repeat() -> None:
    lines, _ = feed(overlap=96)
    chance, watch = np.random.default_rng(1), FrameWatch("web", 1, max_age_ns=10**8)
    told: list[tuple[int, int]] = []
    lines.tell_tiles(lambda number, captured_ns: told.append((number, captured_ns)))
    for number in range(40):
        lines.put(undeveloped(number, chance.integers(0, 255, (32, 300, 1), np.uint8)))
        for tile, captured_ns in told:
            expose = Expose(tile + 1, captured_ns, 10**18)
            assert watch.fault(expose, lines.take_tile(expose), captured_ns + 10) == ""
        told.clear()


def test_tile_is_lost_for_whoever_asks_too_late() -> None:
    lines, _ = feed()
    told: list[tuple[int, int]] = []
    lines.tell_tiles(lambda number, captured_ns: told.append((number, captured_ns)))
    chance = np.random.default_rng(1)
    for number in range(200):
        lines.put(undeveloped(number, chance.integers(0, 255, (32, 300, 1), np.uint8)))
    assert len(told) == 49
    with pytest.raises(Exception, match="no frame"):
        lines.take_tile(Expose(1, told[0][1], 0))
    assert lines.strays >= 40  # no more than a few tiles wait


def test_blocks_that_are_all_damaged_are_said_and_are_no_images() -> None:
    lines, _ = feed()
    told: list[int] = []
    lines.tell_tiles(lambda number, _captured_ns: told.append(number))
    for number in range(100):
        lines.put(Broken("packets were lost", number * 1_000_000, number))
    assert len(told) > 15


def test_camera_that_numbers_its_frames_anew_costs_a_few_blocks() -> None:
    lines, _ = feed()
    told: list[tuple[int, int]] = []
    lines.tell_tiles(lambda number, captured_ns: told.append((number, captured_ns)))
    chance = np.random.default_rng(1)
    for number in [*range(1000, 1040), *range(1, 60)]:
        lines.put(undeveloped(number, chance.integers(0, 255, (32, 300, 1), np.uint8)))
    assert [number for number, _ in told] == list(range(len(told)))
    assert len(told) >= 9 + 1 + 9
    outcomes = []
    for number, captured_ns in told[-8:]:
        try:
            lines.take_tile(Expose(number + 1, captured_ns, 10**18))
        except CameraError as error:
            outcomes.append(str(error))
        else:
            outcomes.append("")
    assert outcomes[-6:] == [""] * 6


# The page


def test_station_of_the_page_and_the_example_are_right(tmp_path: Path) -> None:
    example = load_station(ROOT / "configs" / "stations" / "web-linescan.yaml")
    assert [each.text for each in camera_findings(example, 1)] == []
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL):
        camera = yaml.safe_load(block)["cameras"][0]
        trigger = yaml.safe_load(block).get("trigger", {"kind": "timer", "takt_ms": 1000})
        line_scan = camera.pop("line_scan")
        assert camera.pop("trigger") == "lines"
        station(tmp_path, line_scan, trigger, **camera)


def test_faults_of_the_page_are_those_of_the_camera() -> None:
    for fault in BLOCK_FAULTS:
        assert f"`{fault}`" in PAGE
