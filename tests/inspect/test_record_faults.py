"""Faults of the disk, the ledger, the processes, the power and the clock, injected for real.

The same functions run at their full counts in ``benchmarks/faults.py``.
"""

from __future__ import annotations

import random

import pytest

from taktsight.inspect.simulation.clock_shift import CAN_SHIFT
from taktsight.inspect.simulation.clock_shift import NEEDED as CLOCK_NEEDED
from taktsight.inspect.simulation.faulty_disk import CAN_MOUNT, NEEDED
from taktsight.inspect.simulation.line_faults import clock, disk, kill, power
from taktsight.inspect.simulation.line_faults.rig import MODES, Rig

from .place import EXPECTED, Place
from .running_line import StartLine

needs_faulty_disk = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDED)
in_each_mode = pytest.mark.parametrize("mode", MODES)
POWER_CUTS = KILLS = 5


@pytest.fixture
def rig(place: Place, start_line: StartLine) -> Rig:
    # A margin that busy cores do not use up: late is what no margin explains.
    return Rig(place, start_line, EXPECTED, random.Random(5), gate_margin_ms=100)


@in_each_mode
def test_line_that_is_killed_loses_nothing_that_was_acknowledged(rig: Rig, mode: str) -> None:
    assert kill.killed_line(rig, KILLS, mode).held


@in_each_mode
def test_recorder_that_is_killed_loses_nothing_and_holds_up_nobody(rig: Rig, mode: str) -> None:
    assert kill.killed_recorder(rig, 3, mode).held


@needs_faulty_disk
@in_each_mode
def test_power_cut_loses_nothing_that_was_acknowledged(rig: Rig, mode: str) -> None:
    assert power.power_cut(rig, POWER_CUTS, mode).held


@needs_faulty_disk
@in_each_mode
def test_full_disk_holds_up_records_and_no_verdict(rig: Rig, mode: str) -> None:
    assert disk.full(rig, 1, mode).held


@needs_faulty_disk
@in_each_mode
def test_slow_disk_holds_up_records_and_no_verdict(rig: Rig, mode: str) -> None:
    assert disk.slow(rig, 1, mode).held


@needs_faulty_disk
@in_each_mode
def test_disk_that_fails_is_tried_again_until_it_has_everything(rig: Rig, mode: str) -> None:
    assert disk.failing(rig, 1, mode).held


@in_each_mode
def test_locked_ledger_holds_up_records_and_no_verdict(rig: Rig, mode: str) -> None:
    assert disk.locked(rig, 1, mode, locked_s=2).held


@pytest.mark.skipif(not CAN_SHIFT, reason=CLOCK_NEEDED)
@in_each_mode
def test_clock_that_jumps_an_hour_moves_no_deadline(rig: Rig, mode: str) -> None:
    assert clock.jumps(rig, 2, mode).held
