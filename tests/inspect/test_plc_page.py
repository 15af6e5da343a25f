"""The page about PLCs is true: its stations load, its registers are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taktsight.inspect.config import load_station
from taktsight.inspect.plc.blocks import CODES, VERDICT_REGISTERS, VERDICTS, part_registers
from taktsight.inspect.plc.outbox import GREETING
from taktsight.inspect.triggers.arrivals import MAX_LOST

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plc.md").read_text(encoding="utf-8")
STATIONS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
PROGRAM = PAGE[PAGE.index("PROGRAM Vision") : PAGE.index("END_PROGRAM")]
PEER = (ROOT / "tests" / "peers" / "modbus_plc.c").read_text(encoding="utf-8")


@pytest.mark.parametrize("station", STATIONS)
def test_station_of_the_page_is_one(station: str, tmp_path: Path) -> None:
    file = tmp_path / "station.yaml"
    file.write_text(station, encoding="utf-8")
    assert load_station(file).name.startswith("press")


def test_example_station_is_one() -> None:
    station = load_station(ROOT / "configs" / "stations" / "flange-plc.yaml")
    assert (station.trigger.kind, station.gate.kind) == ("plc", "plc")


def test_blocks_of_the_page_are_those_of_the_code() -> None:
    arrays = re.findall(r"(toLine|fromLine) +AT %MW(\d+) *: ARRAY\[0\.\.(\d+)\]", PROGRAM)
    station = load_station(ROOT / "configs" / "stations" / "flange-plc.yaml")
    assert station.plc is not None
    written, read = station.plc.write_to, station.plc.read_from
    length = part_registers(station.plc.serial_registers)
    assert arrays == [
        ("toLine", str(read), str(length - 1)),
        ("fromLine", str(written), str(VERDICT_REGISTERS - 1)),
    ]
    for outcome, code in CODES.items():
        assert f"{code} `{outcome.value}`" in PAGE
    assert f"FOR i := 0 TO {VERDICTS - 1} DO" in PROGRAM
    assert f"{MAX_LOST:,}" in PAGE


def test_numbers_of_the_decision_are_those_of_the_code() -> None:
    decision = (ROOT / "docs" / "decisions" / "0019-a-plc-in-the-lines-loop.md").read_text(encoding="utf-8")
    assert f"{GREETING:,}" in decision


def test_plc_of_the_tests_runs_the_program_of_the_page() -> None:
    """The same steps in the same order; the C of it is what was tried."""
    steps = ("A part at the gate", "Verdicts:", "Both heartbeats", "Last: the part block")
    assert [PROGRAM.index(step) for step in steps] == sorted(PROGRAM.index(step) for step in steps)
    assert PEER.index("    move_gate();") < PEER.index("    take_verdicts();")
    assert f"TAKEN = {VERDICTS}" in PEER
