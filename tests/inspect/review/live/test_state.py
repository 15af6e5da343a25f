"""Which state the wall shows: of a line at work, and of every way in which it may not be."""

from __future__ import annotations

import fcntl
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from taktsight.inspect.review.live.book import RunBook, take
from taktsight.inspect.review.live.lock import is_held
from taktsight.inspect.review.live.metrics import Metrics, parse_metrics
from taktsight.inspect.review.live.standing import Alarms
from taktsight.inspect.review.live.state import Note, State, silent_after_s, state_of
from taktsight.inspect.review.parts.ledger_reader import Row

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)
RUN = "20261126T110000Z-0001"
SILENT_S = 10.0


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def row(kind: str, seconds: float, reasons: str = "[]", **values: object) -> Row:
    empty = {
        "trigger": None,
        "outcome": None,
        "cycle_ns": None,
        "health": None,
        "bundle": "b",
        "recipe": "r",
    }
    return (
        {"seq": 1, "run": RUN, "digest": "d", "kind": kind, "utc": ago(seconds), "reasons": reasons}
        | empty
        | values
    )


def book(*rows: Row) -> RunBook:
    return take(RunBook(), rows)


ARMED = row("armed", 100, '["station press 4"]')


def part(seconds: float, outcome: str = "PASS", reasons: str = "[]") -> Row:
    return row("verdict", seconds, reasons, trigger=1, outcome=outcome, cycle_ns=5_000_000)


def meters(state: str = "armed", run: str = RUN, **values: float) -> Metrics:
    said = [
        f'taktsight_build_info{{station="press 4",run="{run}"}} 1',
        f'taktsight_state{{state="{state}"}} 1',
        *(f"taktsight_{name} {value}" for name, value in values.items()),
    ]
    return parse_metrics("\n".join(said))


def state(
    found: RunBook, holds_lock: bool | None = True, metrics: Metrics | None = None
) -> tuple[State, Note, str]:
    told = state_of(found, holds_lock=holds_lock, metrics=metrics, silent_s=SILENT_S, now=NOW)
    return told.state, told.note, told.since_utc


def test_line_whose_parts_come_is_armed() -> None:
    assert state(book(ARMED, part(1))) == (State.ARMED, Note.NOTHING, ago(100))


def test_line_without_parts_is_silent_since_the_last_one() -> None:
    assert state(book(ARMED, part(30))) == (State.SILENT, Note.NO_PART, ago(30))


def test_line_of_which_nobody_knows_whether_it_lives_is_silent() -> None:
    assert state(book(ARMED, part(30)), holds_lock=None) == (State.SILENT, Note.UNHEARD, ago(30))


def test_meters_prove_that_a_line_lives_where_no_lock_is_seen() -> None:
    assert state(book(ARMED, part(30)), False, meters()) == (State.SILENT, Note.NO_PART, ago(30))


def test_killed_line_is_stopped_since_its_last_row() -> None:
    assert state(book(ARMED, part(30)), holds_lock=False) == (State.STOPPED, Note.BROKEN_OFF, ago(30))


def test_closed_run_is_stopped_though_rows_are_fresh() -> None:
    closed = row("closed", 1, '["1 parts"]')
    assert state(book(ARMED, part(2), closed)) == (State.STOPPED, Note.CLOSED, ago(1))


def test_lock_that_is_held_after_a_closed_run_is_the_next_line_getting_ready() -> None:
    assert state(book(ARMED, row("closed", 60)))[0] is State.STARTING
    assert state(book(ARMED, row("closed", 60)), holds_lock=False)[0] is State.STOPPED


def test_empty_ledger_says_so() -> None:
    assert state(RunBook(), holds_lock=False) == (State.STOPPED, Note.NEVER, "")


def test_meters_of_a_new_run_make_it_starting_and_not_armed() -> None:
    assert state(book(ARMED, part(1)), True, meters(run="another"))[0] is State.STARTING


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_clock_that_was_set_makes_no_line_look_at_work(seconds: float) -> None:
    assert state(book(ARMED, part(seconds)), holds_lock=None)[0] is State.SILENT


def test_time_that_cannot_be_read_is_old() -> None:
    broken = dict(part(1)) | {"utc": "noon"}
    assert state(book(ARMED, broken), holds_lock=None)[0] is State.SILENT


def test_line_that_waits_for_golden_parts_holds() -> None:
    held = row("golden", 20, '["held: the golden-part check is due: the line was started"]')
    assert state(book(ARMED, held, part(1))) == (State.HOLDING, Note.GOLDEN, ago(20))
    passed = row("golden", 2, '["golden-part check passed: good"]')
    assert state(book(ARMED, held, passed, part(1)))[0] is State.ARMED


def test_meters_say_that_it_holds_before_the_ledger_does() -> None:
    assert state(book(ARMED, part(1)), True, meters(golden_held=1))[0] is State.HOLDING
    assert state(book(ARMED, part(1)), True, meters(trigger_lost=1))[1] is Note.TRIGGER_LOST


def test_killed_line_that_held_is_stopped() -> None:
    held = row("golden", 30, '["held: the golden-part check is due: the line was started"]')
    assert state(book(ARMED, held), holds_lock=False)[0] is State.STOPPED
    assert state(book(ARMED, held), holds_lock=None)[0] is State.SILENT


def test_alarm_stands_until_its_end_is_written() -> None:
    raised = row("fault", 9, '["alarm disk_reserve: 40 MB are free"]')
    assert list(book(ARMED, raised).raised) == ["disk_reserve"]
    over = row("fault", 5, '["alarm disk_reserve: over after 4.0 s"]')
    assert not book(ARMED, raised, over).raised


def test_alarm_of_the_meters_stands_since_one_moment() -> None:
    alarms = Alarms()
    said = 'taktsight_alarm{name="plc_lost"} 1\ntaktsight_alarm{name="camera_lost"} 0\n'
    for later_s in (0.0, 2.4):
        metrics = parse_metrics(f'{said}taktsight_alarm_seconds{{name="plc_lost"}} {60 + later_s + 0.3}')
        (standing,) = alarms.of_line(book(ARMED), metrics, NOW + timedelta(seconds=later_s))
        assert (standing.name, standing.since_utc) == ("plc_lost", "2026-11-26T11:58:59+00:00")
    assert alarms.of_line(book(ARMED), parse_metrics(said.replace(" 1", " 0")), NOW) == []


def test_outcome_that_nobody_can_read_is_uninspected() -> None:
    found = book(ARMED, part(1, "PASSED"))
    assert [outcome.value for outcome in found.counts] == ["UNINSPECTED"]


def test_parts_without_measures_are_not_in_band() -> None:
    found = book(ARMED, part(3), part(2, "UNINSPECTED", '["out of band: top: focus 0.01 < 0.02"]'))
    assert list(found.is_out) == [None, True]


def test_silence_is_long_in_takts_and_never_short() -> None:
    assert [silent_after_s(takt_ms) for takt_ms in (None, 20, 5000)] == [60.0, 10.0, 50.0]


def test_lock_is_seen_without_being_tried(tmp_path: Path) -> None:
    assert is_held(tmp_path) is False
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert is_held(tmp_path) is False
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert is_held(tmp_path) is not False  # None where files and locks name their disk differently
    os.close(descriptor)
    assert is_held(tmp_path) is False


def test_lock_nobody_can_list_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert is_held(tmp_path, tmp_path / "nowhere") is None
    inode = (tmp_path / "lock").stat().st_ino
    (tmp_path / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 9 ff:ff:{inode} 0 EOF\n")
    assert is_held(tmp_path, tmp_path / "locks") is None


def test_metrics_of_anything_else_are_none() -> None:
    assert parse_metrics('<html>\ntaktsight_x{a="b\nup 1\ntaktsight_y nothing').samples == {}
    quoted = parse_metrics('taktsight_build_info{station="a \\"b\\" \\\\",run="r"} 1')
    assert quoted.station == 'a "b" \\'
