"""A simulated station: what stood on its belt is known, so a verdict that reaches another part is seen."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.image_files import encode_png
from taktsight.inspect.cameras import aravis_library
from taktsight.inspect.simulation.belt import NOISE, SensorNoise, marked, part_shown
from taktsight.inspect.simulation.fault_runs import LINE_FAULTS, NAMES, STAND_FAULTS, inject_all
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.part_counter import PartCounter
from taktsight.inspect.simulation.stand import Asked, Stand
from taktsight.inspect.simulation.witness import UNINSPECTED, Witness

from .gige_rig import needs_aravis
from .running_line import taktsight
from .spots import GOOD, SPOT, draw_part, spot_bundle

BRIGHT = [GOOD, SPOT, GOOD, GOOD, SPOT, SPOT, GOOD, SPOT]
EXPECTED = ["REJECT" if bright else "PASS" for bright in BRIGHT]
SIZE_PX = 128
TAKT_MS, DEADLINE_MS = 150.0, 1500.0
"""Generous: the machine that tests may be busy."""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with a bundle, images and what they are."""
    pytest.importorskip("pymodbus")
    spot_bundle(tmp_path / "spots.takt")
    (tmp_path / "images").mkdir()
    lines = ["image,label"]
    for number, bright in enumerate(BRIGHT, start=1):
        name = f"part_{number}.png"
        (tmp_path / "images" / name).write_bytes(encode_png(draw_part(bright, size_px=SIZE_PX)))
        lines.append(f"{name},{'spot' if bright else 'good'}")
    (tmp_path / "truth.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def simulate(parts: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    named: list[str | Path] = [
        parts / "spots.takt",
        parts / "images",
        "--records",
        parts / "records",
        "--no-live",
    ]
    times = ["--takt-ms", f"{TAKT_MS}", "--deadline-ms", f"{DEADLINE_MS}"]
    return taktsight("simulate", *named, *times, *arguments, timeout_s=280)


@pytest.mark.parametrize("camera", ["folder", "aravis"])
def test_parts_on_the_belt_get_their_verdicts(camera: str, parts: Path) -> None:
    if camera == "aravis":
        needs_aravis()
    truth = str(parts / "truth.csv")
    done = simulate(parts, "--camera", camera, "--parts", "16", "--truth", truth)
    assert done.returncode == 0, done.stderr
    assert "escape rate    0.00%" in done.stdout
    assert ": 0 were judged as another one" in done.stdout
    told = [line.split() for line in (parts / "records" / "gate.txt").read_text().splitlines()]
    assert [int(trigger) for trigger, _, _ in told] == list(range(1, 17))
    for trigger, outcome, _ in told:
        assert outcome in (EXPECTED[(int(trigger) - 1) % len(EXPECTED)], UNINSPECTED)
    assert {"PASS", "REJECT"} <= {outcome for _, outcome, _ in told}


def test_faults_cost_the_parts_they_meet_and_shift_no_verdict(parts: Path) -> None:
    needs_aravis()
    names = ["camera-killed", "frame-repeated", "trigger-lost", "trigger-doubled", "vision-killed"]
    done = simulate(parts, "--faults", *names)
    rows = [FaultRow(**row) for row in json.loads((parts / "records" / "faults.json").read_text())]
    assert [row.fault for row in rows[:-1]] == [STAND_FAULTS[name].says for name in names], done.stderr
    assert rows[-1].fault == "the run as a whole"
    assert "kept frames were compared" in done.stdout
    assert [(row.lost, row.misassigned) for row in rows] == [(0, 0)] * len(rows), done.stderr
    assert [row.injected for row in rows] == [1, 3, 4, 4, 1, 0]
    assert done.returncode == (0 if all(row.held for row in rows) else 1)


def test_fault_that_takes_the_line_along_meets_a_line_of_its_own(parts: Path) -> None:
    done = simulate(parts, "--camera", "folder", "--faults", "all-killed", "camera-killed")
    assert "not injected: camera-killed: images of a folder have no camera" in done.stdout
    rows = [FaultRow(**row) for row in json.loads((parts / "records" / "faults.json").read_text())]
    assert [(row.lost, row.misassigned) for row in rows] == [(0, 0)] * 2, done.stderr
    assert rows[1].injected == LINE_FAULTS["all-killed"].count


@pytest.fixture
def stand(parts: Path) -> Iterator[Stand]:
    stand = Stand(asked(parts))
    yield stand
    stand.close()


def asked(parts: Path) -> Asked:
    files = tuple(sorted((parts / "images").iterdir()))
    (parts / "records").mkdir()
    return Asked(
        parts / "spots.takt", None, files, parts / "records", "folder", "camera", 1, 100, DEADLINE_MS, 1
    )


def test_witness_sees_verdicts_that_reach_the_part_behind(stand: Stand) -> None:
    assert stand.keep_known() == EXPECTED
    stand.start_line("--no-live")
    stand.run(len(EXPECTED))
    right, shifted = Tally(), Tally()
    Witness(stand, EXPECTED).count(right, 0)
    Witness(stand, [*EXPECTED[1:], EXPECTED[0]]).count(shifted, 0)
    assert (right.lost, right.misassigned) == (0, 0)
    assert shifted.misassigned > 0


def test_witness_misses_a_part_that_got_no_verdict(stand: Stand) -> None:
    stand.start_line("--no-live")
    stand.run(4)
    stand.belt.counted.append(5)
    stand.belt.counted_ns.append(0)
    tally = Tally()
    Witness(stand, EXPECTED).count(tally, 0)
    assert tally.lost == 1


def test_parts_that_are_all_alike_tell_nothing(parts: Path) -> None:
    for file in (parts / "images").iterdir():
        file.write_bytes(encode_png(draw_part(GOOD, size_px=SIZE_PX)))
    stand = Stand(asked(parts))
    try:
        with pytest.raises(ConfigError, match="give good and defective parts"):
            stand.keep_known()
    finally:
        stand.close()


def test_frame_says_which_part_it_shows_and_is_changed_by_one_grey_level_at_most() -> None:
    image = draw_part(SPOT, size_px=SIZE_PX)
    for part in (0, 1, 77, 2**31):
        seen = marked(image, part)
        assert part_shown(seen) == part
        assert np.abs(seen.astype(int) - image).max() <= 1


def test_no_two_exposures_are_alike() -> None:
    image = draw_part(GOOD, size_px=SIZE_PX)
    noise = SensorNoise(image.shape)
    first, second = noise.over(image), noise.over(image)
    assert not np.array_equal(first, second)
    assert 0 < np.abs(first.astype(int) - image).max() < 10 * NOISE


def test_counter_speaks_modbus_as_others_understand_it() -> None:
    program = shutil.which("mbpoll")
    if program is None:
        pytest.skip("mbpoll is not installed")
    counter = PartCounter()
    try:
        counter.count("AB", 3)
        command = [
            program,
            "-m",
            "tcp",
            "-p",
            str(counter.port),
            "-t",
            "4:hex",
            "-r",
            "1",
            "-c",
            "13",
            "-1",
        ]
        done = subprocess.run([*command, "127.0.0.1"], capture_output=True, text=True, check=True)
        values = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("[")]
        assert values == ["0x0003", *["0x0000"] * 3, "0x4142", *["0x0000"] * 7, "0x0003"]
    finally:
        counter.close()


def test_without_aravis_it_says_what_to_install(
    parts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from taktsight.cli import main

    def missing() -> None:
        raise CameraError("libaravis-0.8.so.0 is not there: apt-get install libaravis-0.8-0")

    monkeypatch.setattr(aravis_library, "load_aravis", missing)
    assert main(["simulate", str(parts / "spots.takt"), str(parts / "images")]) == 1
    said = capsys.readouterr().err
    assert "libaravis-0.8-0" in said
    assert "--camera folder" in said


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(STAND_FAULTS) + len(LINE_FAULTS)


def test_burst_leaves_no_more_parts_open_than_come_within_a_deadline(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [row for row in inject_all(stand, EXPECTED, ["burst"]) if isinstance(row, FaultRow)]
    assert [(row.injected, row.lost, row.misassigned) for row in rows] == [(1, 0, 0), (0, 0, 0)]
    assert "come within a deadline" not in caplog.text
