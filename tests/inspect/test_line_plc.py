"""Whole lines with a PLC: its gate is the witness, and the ledger says the same."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from taktsight.inspect.config import load_station
from taktsight.inspect.field_check import check_field

from .place import EXPECTED, Place
from .plc_peer import MakePlc, Plc
from .running_line import RunningLine, StartLine, taktsight

CODES = {"PASS": 1, "REJECT": 2, "REVIEW": 3, "UNINSPECTED": 4}

PLC_FOUND_S = 1.5
"""The PLC answers again and is heard by then; while nothing is armed no meter says so."""


def station(place: Place, plc: Plc, *, repeat: bool = True, **settings: Any) -> Path:
    """A station whose parts the PLC counts, and whose gate it moves."""
    spoken = {"kind": "modbus_tcp", "host": "127.0.0.1", "port": plc.port, "serial_registers": 8}
    settings = {"answer_within_ms": 1000, "heartbeat_within_ms": 5000} | settings
    return place.write(
        cameras=[{"kind": "folder", "folder": "images", "repeat": repeat}],
        plc=spoken | settings,
        trigger={"kind": "plc"},
        gate={"kind": "plc", "acknowledge_within_ms": 5000},
        deadline_ms=2000,
        gate_margin_ms=50,
    )


@pytest.fixture
def plc(make_plc: MakePlc) -> Plc:
    return make_plc()


def answered(line: RunningLine) -> int:
    return sum(line.meters[outcome] for outcome in CODES)


def assert_gate_agrees(place: Place, plc: Plc) -> list[str]:
    """What the PLC's gate did for each part is what the ledger says of it."""
    rows = place.rows("verdict")
    plc.tell("arrive")
    plc.wait_until(lambda: len(plc.gates()) >= len(rows))
    gates = dict(plc.gates())
    for row in rows:
        moved = gates[row["trigger"]]
        # A part that the line could not tell of has no code at all, and the gate stayed shut.
        assert moved == CODES[row["outcome"]] or (moved == 0 and row["outcome"] == "UNINSPECTED")
    return [row["outcome"] for row in rows]


def test_every_part_of_the_plc_gets_its_verdict_and_keeps_its_serial(
    place: Place, plc: Plc, start_line: StartLine
) -> None:
    line = start_line(station(place, plc, repeat=False), "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    for number in range(1, 11):
        plc.tell(f"part SN-{number:04}")
        line.wait_until(lambda number=number: answered(line) == number or line.process.poll() == 0)  # type: ignore[misc]
    status, out, err = line.wait()
    assert status == 0, err
    assert assert_gate_agrees(place, plc) == EXPECTED
    assert [row["serial"] for row in place.rows("verdict")] == [f"SN-{n:04}" for n in range(1, 11)]
    assert place.faults() == []
    assert plc.told("line")[-1] == ("off",)
    assert "trigger and gate" not in out


def test_plc_that_is_gone_and_comes_back_costs_the_parts_of_the_gap(
    place: Place, plc: Plc, make_plc: MakePlc, start_line: StartLine
) -> None:
    line = start_line(station(place, plc), "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    plc.tell("takt 50 1000")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    plc.stall()
    line.wait_until(lambda: line.meters["plc_outages"] >= 1)
    plc.go_on()
    line.wait_until(lambda: line.meters["lost_triggers"] > 0)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 2)
    outages = line.meters["plc_outages"]
    plc.kill()
    line.wait_until(lambda: line.meters["plc_outages"] > outages)
    again = make_plc(port=plc.port)
    again.wait_until(lambda: ("on",) in again.told("line"))
    again.tell("takt 50 1000")
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 2)
    status, out, err = line.stop()
    assert status == 0, err
    faults = place.faults()
    # A busy machine may add some of its own.
    assert sum("parts are UNINSPECTED" in fault for fault in faults) == line.meters["plc_outages"] >= 2
    assert sum("back after" in fault for fault in faults) >= 2
    rows = place.rows("verdict")
    assert [row["trigger"] for row in rows] == list(range(1, line.meters["triggers"] + 1))
    assert len(rows) == answered(line)
    assert "outages of the PLC" in out


def test_outage_that_lasts_stops_the_line(place: Place, plc: Plc, start_line: StartLine) -> None:
    line = start_line(station(place, plc, max_outage_s=0.5), "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    plc.tell("part")
    line.wait_until(lambda: answered(line) == 1)
    plc.kill()
    status, _, err = line.wait()
    assert status == 1
    assert "which is more than max_outage_s" in err
    assert "more than max_outage_s" in place.rows("fault")[-1]["reasons"]


def test_killed_vision_lets_no_part_through_and_the_plc_is_told(
    place: Place, plc: Plc, start_line: StartLine
) -> None:
    line = start_line(station(place, plc), "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    plc.tell("takt 50 1000")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    line.kill("vision")
    line.wait_until(lambda: line.meters["UNINSPECTED"] >= 3)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 2)
    plc.tell("takt 1000 0")
    status, _, err = line.stop()
    assert status == 0, err
    assert "UNINSPECTED" in assert_gate_agrees(place, plc)


def test_line_waits_for_its_plc_and_can_be_stopped_meanwhile(place: Place, start_line: StartLine) -> None:
    spoken = {"kind": "modbus_tcp", "host": "127.0.0.1", "port": 1}
    station, log = (
        place.write(plc=spoken, trigger={"kind": "plc"}, gate={"kind": "plc"}),
        place.folder / "log",
    )
    line = start_line(station, "--no-live", log=log)
    line.wait_until(lambda: "the line waits: " in log.read_text(encoding="utf-8"))
    status, _, _ = line.stop()
    assert status == 0, log.read_text(encoding="utf-8")
    assert line.meters["triggers"] == 0


def test_line_that_waits_for_its_plc_waits_for_a_vision_that_died_meanwhile_too(
    place: Place, plc: Plc, start_line: StartLine
) -> None:
    plc.stall()
    log = place.folder / "log"
    line = start_line(station(place, plc), "--no-live", log=log)
    line.wait_until(lambda: "the line waits: " in log.read_text(encoding="utf-8"))  # for the PLC alone
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    line.wait_until(lambda: line.child("vision") is not None)
    line.send("vision", signal.SIGSTOP)
    plc.go_on()
    time.sleep(PLC_FOUND_S)
    line.send("vision", signal.SIGCONT)
    line.wait_until(lambda: ("on",) in plc.told("line"))
    status, _, _ = line.stop()
    assert status == 0, log.read_text(encoding="utf-8")


def findings(station: Path) -> dict[str, str]:
    """What check finds of the PLC: grade → texts."""
    found: dict[str, str] = {}
    for finding in check_field(load_station(station)):
        found[finding.grade] = f"{found.get(finding.grade, '')} {finding.text}".strip()
    return found


def test_check_says_what_the_plc_says(place: Place, make_plc: MakePlc) -> None:
    plc = make_plc()
    plc.tell("jump 42")
    plc.tell("part ABC")
    plc.wait_until(lambda: len(plc.told("part")) == 43)
    checked = taktsight("check", station(place, plc))
    assert checked.returncode == 0, checked.stdout
    said = " ".join(checked.stdout.split())
    assert f"modbus_tcp 127.0.0.1:{plc.port} answers, p50" in said
    assert "part counter 43, acknowledged 0, encoder 0, serial 'ABC'" in said
    assert "verdict block, registers 100 to 119; not written now" in said


def test_check_finds_what_would_keep_the_line_from_its_plc(place: Place, make_plc: MakePlc) -> None:
    plc = make_plc(registers=50)
    assert "the reading of registers 100 to 119: exception 2" in findings(station(place, plc))["fix"]
    plc.tell("stand heartbeat")
    standing = findings(station(place, plc, heartbeat_within_ms=200))
    assert "its heartbeat stands at" in standing["fix"]
    unwatched = findings(station(place, plc, heartbeat_within_ms=None))
    assert "a PLC whose program has stopped goes unnoticed" in unwatched["note"]
    shifted = findings(station(place, plc, read_from=1))
    assert "is never whole" in shifted["fix"]
    plc.kill()
    assert "Connection refused" in findings(station(place, plc))["fix"]
