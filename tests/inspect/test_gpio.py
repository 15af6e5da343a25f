"""Inputs and outputs of this computer: edges, pulses, and libgpiod on a chip in the kernel's place."""

from __future__ import annotations

import json
import selectors
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.errors import LineError
from taktsight.inspect.belt import Belt
from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates import gpio as gates_gpio
from taktsight.inspect.gates.settings import GpioGateSettings
from taktsight.inspect.gpio.chip import input_settings, output_settings, request
from taktsight.inspect.gpio.edges import Edge
from taktsight.inspect.gpio.pulses import Pulses, Window
from taktsight.inspect.gpio.settings import GpioInput
from taktsight.inspect.notes import Notes, unheard
from taktsight.inspect.triggers import gpio as triggers_gpio
from taktsight.inspect.triggers.min_takt import MinTakt
from taktsight.inspect.triggers.settings import GpioTriggerSettings
from taktsight.records import Outcome, Verdict

from .gpio_stand_in import CHIP, GpioChip, compile_chip
from .place import Place
from .plc_peer import MakePlc
from .running_line import StartLine, taktsight

STILL_S = 0.3
"""Nothing moves for so long: what is to come has not come yet, and will not by itself."""
MS = 1_000_000
WIDTH_NS = 30 * MS
LATE_NS = 5 * MS


def test_edges_closer_than_the_takt_are_bounces_of_the_first() -> None:
    takt = MinTakt(10)
    assert [takt.is_bounce(at) for at in (0, 3, 9, 10, 19, 25, 26)] == [
        False, True, True, False, True, False, True,
    ]  # fmt: skip


def test_input_that_never_rests_still_makes_parts() -> None:
    takt = MinTakt(10)
    assert sum(not takt.is_bounce(at) for at in range(0, 1000, 3)) > 80


def test_no_takt_means_no_bounce() -> None:
    takt = MinTakt(0)
    assert not any(takt.is_bounce(at) for at in (5, 5, 6))


def test_pulse_of_a_passed_part_lasts_its_width_and_no_other_part_gets_one() -> None:
    pulses = Pulses(WIDTH_NS, LATE_NS)
    pulses.add(Window(1, True, 100 * MS))
    pulses.add(Window(2, False, 200 * MS))
    levels = []
    for now_ns in range(0, 300 * MS, 10 * MS):
        pulses.advance(now_ns, now_ns)
        levels.append(pulses.level)
    assert levels == ["rest"] * 10 + ["pass"] * 3 + ["rest"] * 7 + ["not_pass"] * 3 + ["rest"] * 7
    assert pulses.is_settled


def test_pulse_ends_where_the_next_part_begins() -> None:
    pulses = Pulses(WIDTH_NS, LATE_NS)
    pulses.add(Window(1, True, 0))
    pulses.add(Window(2, False, 10 * MS))
    levels = []
    for now_ns in (0, 10 * MS):
        pulses.advance(now_ns, now_ns)
        levels.append(pulses.level)
    assert levels == ["pass", "not_pass"]


def test_pulse_that_comes_too_late_lets_nothing_through() -> None:
    pulses = Pulses(WIDTH_NS, LATE_NS)
    window = Window(1, True, 0)
    pulses.add(window)
    assert pulses.advance(LATE_NS + 1, LATE_NS + 1) == [window]
    assert pulses.level == "not_pass"


moments = st.integers(0, 60 * MS)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(moments, st.booleans(), moments), max_size=30))
def test_gate_is_open_only_for_the_newest_part_at_it_and_only_if_it_passed(
    parts: list[tuple[int, bool, int]],
) -> None:
    pulses, now_ns, place_ns = Pulses(WIDTH_NS, LATE_NS), 0, 0
    windows: list[Window] = []
    for trigger, (apart_ns, is_pass, waited_ns) in enumerate(parts, start=1):
        place_ns += apart_ns
        windows.append(Window(trigger, is_pass, place_ns))
        pulses.add(windows[-1])
        now_ns += waited_ns
        pulses.advance(now_ns, now_ns)
        begun = [window for window in windows if window.begins <= now_ns]
        if pulses.level == "pass":
            assert begun
            assert begun[-1].is_pass, "open for a part that did not pass"
            assert pulses.ends_ns is not None
            assert pulses.ends_ns - WIDTH_NS - begun[-1].begins <= LATE_NS, "open too late"


def test_lines_are_asked_for_as_the_station_says() -> None:
    gpiod = pytest.importorskip("gpiod")
    asked = GpioInput(line=4, active_low=True, bias="pull_up", debounce_ms=2.5)
    assert input_settings(asked, "falling") == gpiod.LineSettings(
        direction=gpiod.line.Direction.INPUT,
        edge_detection=gpiod.line.Edge.FALLING,
        bias=gpiod.line.Bias.PULL_UP,
        active_low=True,
        debounce_period=timedelta(microseconds=2500),
        event_clock=gpiod.line.Clock.MONOTONIC,
    )
    assert output_settings(active_low=True) == gpiod.LineSettings(
        direction=gpiod.line.Direction.OUTPUT,
        active_low=True,
        output_value=gpiod.line.Value.INACTIVE,
    )


def test_chip_that_is_none_is_named(tmp_path: Path) -> None:
    pytest.importorskip("gpiod")
    for path in (tmp_path / "gpiochip0", Path("/dev/null")):
        with pytest.raises(LineError, match=f"there is no chip {path}; 'gpiodetect'"):
            request(path, [1], output_settings(active_low=False))


def test_real_chip_answers() -> None:
    gpiod = pytest.importorskip("gpiod")
    chips = sorted(path for path in Path("/dev").glob("gpiochip*") if gpiod.is_gpiochip_device(str(path)))
    if not chips:
        pytest.skip("this machine has no GPIO chip")
    with gpiod.Chip(str(chips[0])) as chip:
        assert chip.get_info().num_lines > 0


class Input:
    """In the place of an input: the test has its edges."""

    listener: Callable[[Edge], None]

    def __init__(self, *arguments: Any) -> None:
        Input.listener = arguments[-1]


def test_edges_lost_before_the_first_one_came_no_earlier_than_the_line_was_armed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(triggers_gpio, "EdgeInput", Input)
    settings = GpioTriggerSettings(kind="gpio", line=5)
    trigger = triggers_gpio.GpioTrigger(settings, selectors.SelectSelector(), unheard())
    trigger.arm(70_000 * MS, None)
    Input.listener(Edge(70_020 * MS, lost=2))
    came_ns = [arrival.triggered_ns for _ in range(3) if (arrival := trigger.fire(70_021 * MS))]
    assert came_ns == [70_000 * MS, 70_000 * MS, 70_020 * MS]


class Outputs:
    """In the place of a chip's lines."""

    def __init__(self) -> None:
        self.levels: dict[int | str, bool] = {}

    def release(self) -> None:
        pass


def test_verdict_that_waited_for_the_one_before_it_opens_no_gate_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both leave in the same moment, and before the gate is the part that nobody looked at."""
    outputs = Outputs()
    monkeypatch.setattr(gates_gpio, "output_settings", lambda **_: None)
    monkeypatch.setattr(gates_gpio, "request", lambda *_: outputs)
    monkeypatch.setattr(gates_gpio, "set_levels", lambda lines, levels: lines.levels.update(levels))
    gate = gates_gpio.GpioGate(
        GpioGateSettings(kind="gpio", pass_line=3, not_pass_line=4, width_ms=60_000), None, unheard()
    )
    for trigger, outcome in ((1, Outcome.UNINSPECTED), (2, Outcome.PASS)):
        gate.act(Answer(trigger, Verdict(outcome, ("why",)), 0, 1 << 62, None))
    assert outputs.levels == {4: True}
    assert [acted.verdict.outcome for acted in gate.acted()] == [Outcome.UNINSPECTED] * 2


class Lines:
    """Outputs that can fail, the gate behind them, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, belt: Belt | None, **settings: Any) -> None:
        self.outputs, self.is_broken, self.faults = Outputs(), False, list[str]()
        monkeypatch.setattr(gates_gpio, "output_settings", lambda **_: None)
        monkeypatch.setattr(gates_gpio, "request", lambda *_: self.outputs)
        monkeypatch.setattr(gates_gpio, "set_levels", self._set)
        notes = Notes(self.faults.append, lambda _name, _count: None)
        asked = GpioGateSettings(kind="gpio", pass_line=3, width_ms=60_000, **settings)
        self.gate = gates_gpio.GpioGate(asked, belt, notes)

    def _set(self, lines: Outputs, levels: dict[int | str, bool]) -> None:
        if self.is_broken:
            raise LineError("gpio: output 3 cannot be set")
        lines.levels.update(levels)


def passed(trigger: int) -> Answer:
    return Answer(trigger, Verdict(Outcome.PASS, ()), 10, 1 << 62, None)


def test_part_that_a_stopped_belt_never_brought_to_the_gate_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    belt = Belt(1.0)
    lines = Lines(monkeypatch, belt, distance_mm=100)
    belt.run(0, 1)
    lines.gate.act(passed(1))
    lines.gate.act(passed(2))
    lines.gate.abandon("the line stopped before they were there")
    assert lines.gate.is_settled
    assert lines.faults == ["part 1, 2 was not let through: the line stopped before they were there"]
    belt.run(100, 20)
    assert lines.outputs.levels == {}


@pytest.mark.parametrize("settings", [{}, {"delay_ms": 1.0}])
def test_part_whose_output_could_not_be_set_is_not_let_through_later(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, float]
) -> None:
    lines = Lines(monkeypatch, None, late_ms=1e9, **settings)
    lines.is_broken = True
    with pytest.raises(LineError, match="cannot be set"):
        lines.gate.act(passed(1))
    lines.is_broken = False
    lines.gate.advance(time.monotonic_ns())
    assert not lines.outputs.levels.get(3)
    assert lines.gate.is_settled


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_chip(tmp_path_factory.mktemp("gpio"))


@pytest.fixture
def chip(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GpioChip:
    """For processes that are started from here on."""
    (tmp_path / "chip").mkdir()
    made = GpioChip(library, tmp_path / "chip")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def station(place: Place, chip: GpioChip) -> Callable[..., Path]:
    def write(trigger: dict[str, Any] | None = None, **values: Any) -> Path:
        gate = {"kind": "gpio", "chip": CHIP, "pass_line": 3, "not_pass_line": "PIN4", "width_ms": 20}
        return place.write(
            trigger={"kind": "gpio", "chip": CHIP, "line": "PIN5", "min_takt_ms": 50} | (trigger or {}),
            gate=gate | values,
            deadline_ms=400,
        )

    return write


def test_edges_are_parts_and_verdicts_are_pulses(
    place: Place, chip: GpioChip, station: Callable[..., Path], start_line: StartLine
) -> None:
    line = start_line(station(delay_ms=450), "--no-live")
    line.wait_until(lambda: line.meters["state"] == 1)
    came_ns = []
    for part in range(1, 11):
        came_ns.append(chip.rise(5))
        chip.rise(5, came_ns[-1] + 3 * MS)  # it bounces
        line.wait_until(lambda part=part: line.meters["bounces"] == part or line.process.poll() == 0)  # type: ignore[misc]
        line.wait_until(lambda part=part: len(chip.levels(3)) + len(chip.levels(4)) == 2 + 2 * part)  # type: ignore[misc]
    status, out, err = line.wait()
    assert status == 0, err
    outcomes = [row["outcome"] for row in place.rows("verdict")]
    assert len(outcomes) == 10
    assert "10 bounces" in out
    opened = [at_ns for level, at_ns in chip.levels(3) if level]
    ejected = [at_ns for level, at_ns in chip.levels(4) if level]
    passed = [came for came, outcome in zip(came_ns, outcomes, strict=True) if outcome == "PASS"]
    late = line.meters["late_pulses"]
    assert len(opened) + len(ejected) == 10
    assert len(opened) >= len(passed) - late
    assert all(any(0 <= at_ns - came - 450 * MS < 5 * MS + WIDTH_NS for came in passed) for at_ns in opened)
    assert [level for level, _ in chip.levels(3)][-1] == 0


def test_outputs_rest_before_the_first_part_and_after_the_last(
    place: Place, chip: GpioChip, station: Callable[..., Path]
) -> None:
    ended = taktsight("run", station({"parts": 1, "kind": "timer", "takt_ms": 100, "line": None}))
    assert ended.returncode == 2  # a timer has no line: the mistake is named, nothing was opened
    assert "trigger.timer" in ended.stderr
    place.station["trigger"] = {"kind": "timer", "takt_ms": 100, "parts": 3}
    gate = {"kind": "gpio", "chip": CHIP, "pass_line": 3, "heartbeat_line": 7, "width_ms": 20}
    ended = taktsight("run", place.write(gate=gate | {"active_low": True}))
    assert ended.returncode == 0, ended.stderr
    assert chip.levels(3)[0][0] == 1
    assert chip.levels(3)[-1][0] == 1
    assert sum(level == 0 for level, _ in chip.levels(3)) >= 2  # pulses, active low
    assert len(chip.levels(7)) >= 3
    assert [fields[:2] for fields in chip.requests()] == [("taktsight", "3,7")]


def test_edges_that_the_kernel_could_not_keep_are_parts_that_nobody_looked_at(
    place: Place, chip: GpioChip, station: Callable[..., Path], start_line: StartLine
) -> None:
    line = start_line(station({"debounce_ms": 2, "min_takt_ms": 0}), "--no-live")
    line.wait_until(lambda: line.meters["state"] == 1)
    chip.rise(5)
    line.wait_until(lambda: line.meters["triggers"] == 1)
    chip.rise(5, lost=3)
    line.wait_until(lambda: line.meters["triggers"] == 5)
    line.wait_until(lambda: line.meters["open_parts"] == 0)
    status, _, err = line.stop()
    assert status == 0, err
    rows = place.rows("verdict")
    assert [row["outcome"] for row in rows[1:4]] == ["UNINSPECTED"] * 3
    assert json.loads(rows[1]["reasons"]) == [
        "the trigger was lost: 3 edges came faster than they were fetched"
    ]
    assert line.meters["lost_triggers"] == 3
    assert chip.requests()[0][3] == "2000"  # the kernel debounces, in µs


def test_lines_that_others_have_are_refused(
    chip: GpioChip, place: Place, station: Callable[..., Path]
) -> None:
    ended = taktsight("run", station(pass_line=5))
    assert ended.returncode == 1
    assert f"gpio: line 5, PIN4 of {CHIP} cannot be had" in ended.stderr


def test_check_says_which_lines_are_free(chip: GpioChip, station: Callable[..., Path]) -> None:
    checked = taktsight("check", station())
    assert checked.returncode == 0, checked.stdout
    said = " ".join(checked.stdout.split())
    assert f"trigger: line PIN5 of {CHIP} (PIN5) is free, an input now" in said
    assert f"gate: line 3 of {CHIP} (PIN3) is free" in said
    lost = taktsight("check", station(chip="/dev/gpiochip8"))
    assert lost.returncode == 1
    assert "there is no chip /dev/gpiochip8" in lost.stdout
    assert chip.requests() == []


def test_part_is_let_through_when_the_belt_has_brought_it_to_the_gate(
    place: Place, chip: GpioChip, start_line: StartLine, make_plc: MakePlc
) -> None:
    plc = make_plc(serial=0)
    station = place.write(
        plc={"kind": "modbus_tcp", "host": "127.0.0.1", "port": plc.port},
        encoder={"kind": "plc", "mm_per_count": 0.5, "max_mm_per_s": 100_000},  # it runs by leaps here
        trigger={"kind": "plc"},
        gate={
            "kind": "gpio",
            "chip": CHIP,
            "pass_line": 3,
            "width_ms": 30,
            "distance_mm": 200,
            "late_mm": 20,
        },
    )
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["state"] == 1)
    plc.tell("part")
    line.wait_until(lambda: line.meters["PASS"] == 1)
    assert [level for level, _ in chip.levels(3)] == [0]  # judged, and on its way
    plc.tell("belt 390")
    time.sleep(STILL_S)
    assert [level for level, _ in chip.levels(3)] == [0]
    plc.tell("belt 12")
    line.wait_until(lambda: [level for level, _ in chip.levels(3)] == [0, 1, 0])
    plc.tell("part")
    line.wait_until(lambda: line.meters["PASS"] == 2)
    plc.kill()  # and with it the encoder: nobody knows where the part is
    again = make_plc(port=plc.port, serial=0)
    line.wait_until(lambda: line.meters["late_pulses"] == 1)
    again.tell("belt 500")
    status, _, err = line.stop()
    assert status == 0, err
    assert [level for level, _ in chip.levels(3)][:3] == [0, 1, 0]
    assert sum(level for level, _ in chip.levels(3)) == 1
    faults = " ".join(row["reasons"] for row in place.rows("fault"))
    assert "part 2 was not let through: the PLC, which counts the encoder, could not be reached" in faults
