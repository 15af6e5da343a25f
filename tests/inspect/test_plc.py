"""Trigger and gate against a PLC: a Modbus server in C that runs the program of docs/plc.md."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taktsight.records import Outcome

from .field_rig import Rig, station_of
from .plc_peer import MakePlc, Plc

PASS, REJECT, REVIEW = Outcome.PASS, Outcome.REJECT, Outcome.REVIEW
MakeRig = Callable[..., Rig]


@pytest.fixture
def plc(make_plc: MakePlc) -> Plc:
    return make_plc()


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    made: list[Rig] = []

    def make(
        plc: Plc | int,
        judge: Callable[[int], Outcome | None] | None = None,
        settings: dict[str, Any] | None = None,
        **values: Any,
    ) -> Rig:
        port = plc if isinstance(plc, int) else plc.port
        spoken = {"kind": "modbus_tcp", "host": "127.0.0.1", "port": port, "serial_registers": 8}
        patient = {"poll_ms": 2, "answer_within_ms": 5000, "heartbeat_within_ms": 5000}
        gate = {"kind": "plc", "acknowledge_within_ms": 5000}
        station = station_of(
            tmp_path,
            plc=spoken | patient | (settings or {}),
            **({"trigger": {"kind": "plc"}, "gate": gate, "deadline_ms": 10_000} | values),
        )
        made.append(Rig(station, judge))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def test_parts_come_from_the_plc_and_their_verdicts_move_its_gate(plc: Plc, make_rig: MakeRig) -> None:
    outcomes = [PASS, REJECT, REVIEW, PASS, None]
    rig = make_rig(plc, lambda trigger: outcomes[trigger - 1], deadline_ms=1000)
    rig.arm()
    for number, serial in enumerate(("A-1", "B-2", "C-3", "sixteen-letters!", ""), start=1):
        plc.tell(f"part {serial}")
        rig.run_until(lambda number=number: len(rig.arrivals) == number)  # type: ignore[misc]
    rig.run_until(lambda: len(plc.codes()) == 5)
    plc.tell("arrive")
    plc.wait_until(lambda: len(plc.gates()) == 5)
    assert plc.gates() == [(1, 1), (2, 2), (3, 3), (4, 1), (5, 4)]
    assert [arrival.serial for arrival in rig.arrivals] == ["A-1", "B-2", "C-3", "sixteen-letters!", None]
    told = ["PASS", "REJECT", "REVIEW", "PASS", "UNINSPECTED"]
    assert rig.outcomes() == list(enumerate(told, start=1))
    assert rig.faults == []
    assert not rig.counts


def test_time_of_a_part_runs_from_before_the_plc_counted_it(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc)
    rig.arm()
    for part in range(1, 21):
        plc.tell("part")
        rig.run_until(lambda part=part: len(rig.arrivals) == part)  # type: ignore[misc]
    came_ns = [int(ns) for _, ns in plc.told("part")]
    assert all(arrival.triggered_ns <= came for arrival, came in zip(rig.arrivals, came_ns, strict=True)), (
        "a part would have more time than it has"
    )


def test_parts_that_the_plc_counted_before_are_none_of_ours(plc: Plc, make_rig: MakeRig) -> None:
    plc.tell("jump 7")
    plc.wait_until(lambda: len(plc.told("part")) == 7)
    rig = make_rig(plc)
    rig.arm()
    plc.tell("part")
    rig.run_until(rig.outcomes)
    assert rig.outcomes() == [(1, "PASS")]
    rig.run_until(lambda: plc.codes() == {8: 1})


def test_jump_of_the_counter_is_a_lost_part_for_each_step_and_the_last_is_looked_at(
    plc: Plc, make_rig: MakeRig
) -> None:
    rig = make_rig(plc)
    rig.arm()
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 1)
    plc.tell("jump 4")
    rig.run_until(lambda: len(rig.acted) == 5)
    lost = [(2, "UNINSPECTED"), (3, "UNINSPECTED"), (4, "UNINSPECTED")]
    assert rig.outcomes() == [(1, "PASS"), *lost, (5, "PASS")]
    assert rig.reasons(2) == "the trigger was lost: the PLC counted 4 parts between two readings"
    assert rig.counts == {"lost_triggers": 3}
    rig.run_until(lambda: plc.codes() == {1: 1, 2: 4, 3: 4, 4: 4, 5: 1})


def test_counter_goes_on_after_its_last_number(plc: Plc, make_rig: MakeRig) -> None:
    plc.tell("counter 65534")
    rig = make_rig(plc)
    rig.arm()
    for part in (1, 2, 3):
        plc.tell("part")
        rig.run_until(lambda part=part: len(rig.acted) == part)  # type: ignore[misc]
    rig.run_until(lambda: plc.codes() == {65535: 1, 0: 1, 1: 1})
    assert rig.faults == []


def test_counter_that_goes_back_is_said_and_lets_no_open_part_through(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc, lambda trigger: None if trigger == 6 else PASS, deadline_ms=1000)
    rig.arm()
    plc.tell("takt 20 5")
    rig.run_until(lambda: len(rig.acted) == 5)
    plc.tell("part")
    rig.run_until(lambda: len(rig.arrivals) == 6)
    plc.tell("counter 2")
    rig.run_until(lambda: rig.faults)
    said = "PLC: its part counter went from 6 to 2: it was set anew, and parts are counted from there"
    assert said in rig.faults
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 7)
    assert rig.outcomes()[5:] == [(6, "UNINSPECTED"), (7, "PASS")]
    rig.run_until(lambda: plc.told("take")[-1][:2] == ("3", "1"))


def test_counter_that_stands_is_said_once(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc, trigger={"kind": "plc", "quiet_after_s": 0.2})
    rig.arm()
    rig.run_until(lambda: rig.faults)
    rig.run_for(0.3)
    assert rig.faults == ["PLC: its part counter stands at 0 since 0.2 s"]


def test_block_that_is_half_written_is_read_again(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc)
    rig.arm()
    plc.tell("tear 4")
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 1)
    assert rig.outcomes() == [(1, "PASS")]
    assert rig.counts["plc_torn_readings"] > 0


def test_block_that_is_never_whole_is_an_outage(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc, settings={"answer_within_ms": 300})
    rig.arm()
    plc.tell("tear 4000")
    rig.run_until(lambda: rig.faults)
    assert (
        "its part block is never whole: registers 0 and 12 differ; parts are UNINSPECTED" in rig.faults[0]
    )


def test_serial_that_cannot_be_read_is_said_and_the_part_is_inspected(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc)
    rig.arm()
    plc.tell("part \N{LATIN SMALL LETTER E WITH ACUTE}")
    rig.run_until(lambda: rig.acted)
    assert rig.outcomes() == [(1, "PASS")]
    assert rig.arrivals[0].serial is None
    assert rig.faults == ["PLC: the serial of its part 1 is no printable ASCII"]


def test_burst_of_verdicts_leaves_in_blocks_and_in_order(plc: Plc, make_rig: MakeRig) -> None:
    """More than a block holds, all at once: the PLC takes each, whatever it scans between."""
    rig = make_rig(plc)
    rig.arm()
    plc.tell("jump 30")
    rig.run_until(lambda: len(rig.acted) == 30)
    assert [trigger for trigger, _ in rig.outcomes()] == list(range(1, 31))
    rig.run_until(lambda: len(plc.codes()) == 30)
    assert plc.codes() == dict.fromkeys(range(1, 30), 4) | {30: 1}


def assert_recovers(rig: Rig, plc: Plc, parts: int) -> None:
    """The next part is inspected, and its gate opens."""
    rig.run_until(lambda: not rig.field.missing)
    said = len(plc.told("part"))
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == parts)
    assert rig.outcomes()[-1] == (parts, "PASS")
    rig.run_until(lambda: len(plc.told("part")) > said)
    number = int(plc.told("part")[-1][0])
    rig.run_until(lambda: plc.codes().get(number) == 1)


def test_plc_that_was_switched_off_comes_back(make_plc: MakePlc, make_rig: MakeRig) -> None:
    plc = make_plc()
    rig = make_rig(plc)
    rig.arm()
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 1)
    plc.kill()
    rig.run_until(lambda: rig.faults)
    assert rig.counts["plc_outages"] == 1
    assert "parts are UNINSPECTED" in rig.faults[0]
    rig.run_for(0.5)
    again = make_plc(port=plc.port)
    # It begins at 0 where it was at 1: that is said, and costs no part its verdict.
    rig.run_until(lambda: not rig.field.missing)
    assert any("went from 1 to 0" in fault for fault in rig.faults)
    assert any("back after" in fault for fault in rig.faults)
    assert_recovers(rig, again, 2)


def test_stalled_plc_loses_the_parts_of_the_gap_and_passes_none_of_them_later(
    plc: Plc, make_rig: MakeRig
) -> None:
    rig = make_rig(plc, settings={"answer_within_ms": 200})
    rig.arm()
    plc.tell("part")
    rig.run_until(lambda: plc.codes() == {1: 1})
    plc.stall()
    rig.run_until(lambda: rig.counts["plc_outages"] == 1)
    assert "no answer within 200 ms" in rig.faults[0]
    plc.tell("jump 3")
    rig.run_for(0.5)
    plc.go_on()
    rig.run_until(lambda: len(rig.acted) == 4)
    assert {outcome for _, outcome in rig.outcomes()[1:]} == {"UNINSPECTED"}
    assert "the trigger was lost: the PLC could not be reached when the part came" in rig.reasons(2)
    assert rig.counts["lost_triggers"] == 3
    assert_recovers(rig, plc, 5)
    assert [number for number, code in plc.codes().items() if code == 1] == [1, 5]


def test_verdict_that_stalls_in_the_plc_is_not_recorded_as_told(plc: Plc, make_rig: MakeRig) -> None:
    """Its PASS lies in the PLC's socket when the PLC goes on: the part's time is over by then."""

    def judge(_trigger: int) -> Outcome:
        plc.stall()
        return PASS

    rig = make_rig(plc, judge, settings={"answer_within_ms": 200})
    rig.arm()
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 1)
    assert rig.outcomes() == [(1, "UNINSPECTED")]
    assert rig.reasons(1).startswith("the gate was not told PASS: PLC 127.0.0.1:")
    plc.tell("arrive")
    plc.go_on()
    rig.run_until(plc.gates)
    assert plc.gates() == [(1, 0)]


@pytest.mark.parametrize(
    ("stands", "said"),
    [("heartbeat", "its heartbeat stands since"), ("program", "its program takes no verdict since")],
)
def test_program_that_stands_is_an_outage_though_the_server_answers(
    plc: Plc, make_rig: MakeRig, stands: str, said: str
) -> None:
    settings = {"heartbeat_within_ms": None if stands == "program" else 300}
    gate = {"kind": "plc", "acknowledge_within_ms": 300 if stands == "program" else 5000}
    rig = make_rig(plc, settings=settings, gate=gate)
    rig.arm()
    plc.tell(f"stand {stands}")
    rig.run_for(0.05)
    plc.tell("part")
    rig.run_until(lambda: rig.faults)
    assert said in rig.faults[0]
    plc.tell("part")
    rig.run_until(lambda: len(rig.acted) == 2)
    assert rig.outcomes()[1] == (2, "UNINSPECTED")
    plc.tell("stand none")
    assert_recovers(rig, plc, 3)


def test_verdicts_that_the_program_did_not_take_are_counted_and_named(plc: Plc, make_rig: MakeRig) -> None:
    gate = {"kind": "plc", "acknowledge_within_ms": 300}
    rig = make_rig(plc, settings={"heartbeat_within_ms": None}, gate=gate)
    rig.arm()
    plc.tell("stand program")
    rig.run_for(0.05)
    plc.tell("jump 2")
    rig.run_until(lambda: rig.counts["unacknowledged"])
    assert rig.counts["unacknowledged"] == 2
    assert "part 1, 2: the PLC was told and its program did not acknowledge it" in rig.faults


@pytest.mark.parametrize("acknowledged", [9000, 20_000])  # behind what was sent, and ahead of it
def test_wrong_acknowledgement_is_no_acknowledgement(
    plc: Plc, make_rig: MakeRig, acknowledged: int
) -> None:
    rig = make_rig(plc, settings={"heartbeat_within_ms": None})
    rig.arm()
    plc.tell("stand program")
    rig.run_for(0.05)
    plc.tell(f"poke 2 {acknowledged}")
    plc.tell("part")
    rig.run_until(lambda: rig.acted)
    assert rig.outcomes() == [(1, "UNINSPECTED")]
    assert f"its program acknowledges {acknowledged}, 16385 was sent last" in rig.faults[0]
    plc.tell("stand none")
    assert_recovers(rig, plc, 2)


def test_line_stops_after_the_longest_outage_that_the_station_allows(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc, settings={"max_outage_s": 3, "answer_within_ms": 200})
    rig.arm()
    plc.stall()
    rig.run_until(lambda: rig.failure)
    assert "no answer within 200 ms" in str(rig.failure)
    assert "more than max_outage_s" in str(rig.failure)


def test_gate_of_the_plc_with_another_trigger_takes_the_lines_own_numbers(
    plc: Plc, make_rig: MakeRig
) -> None:
    rig = make_rig(plc, trigger={"kind": "timer", "takt_ms": 50, "parts": 3})
    rig.arm()
    plc.tell("jump 3")
    rig.run_until(lambda: len(rig.acted) == 3)
    rig.run_until(lambda: plc.codes() == {1: 1, 2: 1, 3: 1})


def test_plc_that_counts_for_itself_and_was_started_anew_counts_from_1_and_so_does_the_line(
    make_plc: MakePlc, make_rig: MakeRig
) -> None:
    """Its number 1 is another part than ours; a small shift would find another part on its way."""
    plc = make_plc()
    rig = make_rig(plc, trigger={"kind": "timer", "takt_ms": 100})
    rig.arm()
    plc.tell("jump 2")
    rig.run_until(lambda: plc.codes() == {1: 1, 2: 1})
    plc.kill()
    rig.run_until(lambda: rig.field.held)
    assert rig.field.held.startswith("the PLC may count its parts anew: PLC 127.0.0.1")
    assert rig.field.trigger_lost == ""
    again = make_plc(port=plc.port)
    again.tell("jump 20")  # ours is the 3rd or a later one: no verdict of it may go to a number here
    rig.run_until(lambda: not rig.field.held)
    came = len(rig.arrivals)
    assert again.codes() == {}, "a part got a verdict that nobody may give"
    assert rig.arrivals[-1].unseen
    rig.run_until(lambda: len(again.codes()) >= 3)
    assert list(again.codes().items())[:3] == [(1, 1), (2, 1), (3, 1)]
    assert again.told("line")[0] == ("on",)
    passed = [trigger for trigger, outcome in rig.outcomes() if outcome == "PASS" and trigger > 2]
    assert min(trigger for trigger in passed if trigger > came) == came + 1
    assert any("counts its parts anew, from 1" in fault for fault in rig.faults)


def test_plc_learns_that_the_line_works_and_that_it_has_ended(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc)
    rig.arm()
    rig.run_until(lambda: plc.told("line"))
    rig.field.gate.disarm()
    rig.run_until(lambda: len(plc.told("line")) == 2)
    assert plc.told("line") == [("on",), ("off",)]
    assert rig.field.gate.is_settled


def test_registers_that_the_plc_does_not_have_are_named(make_plc: MakePlc, make_rig: MakeRig) -> None:
    rig = make_rig(make_plc(registers=5))
    rig.run_until(lambda: "refuses" in rig.field.missing)
    assert "the reading of registers 0 to 12: exception 2, it has no such registers" in rig.field.missing


def test_line_that_may_open_no_socket_says_so_and_tries_again(plc: Plc, make_rig: MakeRig) -> None:
    rig = make_rig(plc)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        rig.step()
        assert "Too many open files" in rig.field.missing
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    rig.run_until(lambda: not rig.field.missing)


def test_nobody_at_the_address_is_waited_for(make_rig: MakeRig) -> None:
    rig = make_rig(1)
    rig.run_until(lambda: "Connection refused" in rig.field.missing)
    rig.run_for(0.3)
    assert rig.failure is None
