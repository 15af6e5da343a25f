"""The end of a line: whatever holds it up, its last entries are written before it is over."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

from taktsight.inspect.patience import STEP_NS, Patience

from .place import Place
from .running_line import StartLine, assert_one_verdict_each

SECOND_NS = 1_000_000_000
MORE_THAN_IN_FLIGHT = 300
"""Entries that wait; the recorder has been sent 256 of them at most."""
PATIENCE_S, HELD_UP_S = 1, 2.5
"""The first in the place of 30 s, for the second to be longer than it."""


def test_patience_ends_after_its_time_and_begins_anew_with_each_step_forward() -> None:
    reached = [0]
    patience = Patience(SECOND_NS, lambda: reached[0])
    moments = range(0, 10 * SECOND_NS, STEP_NS)
    assert [patience.is_over(now_ns) for now_ns in moments[:4]] == [False] * 4
    reached[0] = 1
    assert [patience.is_over(now_ns) for now_ns in moments[4:9]] == [False] * 4 + [True]


def test_patience_does_not_count_the_time_in_which_nobody_could_do_anything() -> None:
    patience = Patience(SECOND_NS)
    assert patience.wake_ns() is None
    assert not patience.is_over(0)
    assert patience.wake_ns() == STEP_NS
    assert not patience.is_over(3600 * SECOND_NS)
    assert patience.wake_ns() == 3600 * SECOND_NS + STEP_NS


def test_line_that_is_held_up_while_it_stops_writes_everything_all_the_same(
    place: Place, start_line: StartLine
) -> None:
    """As under a hypervisor that lets a machine stand still, or a debugger: nobody of the line runs."""
    shorter = (
        f"import taktsight.inspect.recorder_side as side; side.RECORDER_STOP_NS = {PATIENCE_S * SECOND_NS}"
    )
    images = {"keep": [], "pass_every": 0}
    station = place.endless(3, records={"folder": "records", "images": images})
    line = start_line(station, "--no-live", before=shorter)
    line.wait_until(lambda: line.meters["acknowledged"] > 0)
    other = sqlite3.connect(place.records / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    line.wait_until(lambda: line.meters["entries"] > line.meters["acknowledged"] + MORE_THAN_IN_FLIGHT)
    line.process.send_signal(signal.SIGTERM)
    line.wait_until(lambda: line.child("vision") is None)
    os.killpg(line.process.pid, signal.SIGSTOP)
    time.sleep(HELD_UP_S)  # nothing else can be waited for: everything stands still
    other.execute("ROLLBACK")
    other.close()
    os.killpg(line.process.pid, signal.SIGCONT)
    status, _, err = line.wait()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert len(place.rows()) == line.meters["entries"] == line.meters["acknowledged"]
