"""A computer that slept: what was under way is over, however little the monotonic clock says has passed."""

from __future__ import annotations

import time
from pathlib import Path

from taktsight.inspect.commitment import Commitment
from taktsight.inspect.conductor import Answer, Conductor
from taktsight.inspect.messages import Result
from taktsight.inspect.sleep import SleepWatch
from taktsight.records import Outcome, Verdict

from .field_rig import Rig, station_of

HOUR_NS = 3_600_000_000_000
WHY = "the computer slept for 3600 s"


def test_clock_that_ran_on_while_the_other_stood_says_how_long() -> None:
    slept_ns = iter([2, 5, 3, 5, 40_000_000, *[HOUR_NS + 5] * 4, HOUR_NS])
    watch = SleepWatch(lambda: next(slept_ns))
    assert [watch.look() for _ in range(4)] == ["", "", WHY, ""]


def test_computer_that_does_not_sleep_never_did() -> None:
    watch = SleepWatch()
    time.sleep(0.01)
    assert watch.look() == ""


def test_part_that_was_judged_and_not_answered_is_uninspected() -> None:
    conductor = Conductor(1000)
    for _ in range(3):
        conductor.trigger(0, 0)
    conductor.result(Result(2, Verdict(Outcome.PASS)), 1)  # it waits for the part before it
    answers = conductor.abandon(WHY, 2)
    assert [(answer.trigger, answer.verdict.outcome, answer.verdict.reasons) for answer in answers] == [
        (trigger, Outcome.UNINSPECTED, (WHY,)) for trigger in (1, 2, 3)
    ]
    assert conductor.result(Result(1, Verdict(Outcome.PASS)), 3) == ((), None)


def test_verdict_that_waits_for_the_ledger_is_withdrawn() -> None:
    commitment = Commitment(lambda _answer: 1)
    commitment.hold([Answer(1, Verdict(Outcome.PASS), 0, 1000, None)])
    commitment.abandon(WHY)
    (answer,) = commitment.release(1, 2)
    assert answer.verdict == Verdict(Outcome.UNINSPECTED, (WHY,))


def test_part_that_came_before_the_sleep_is_not_looked_at_after_it(tmp_path: Path) -> None:
    rig = Rig(station_of(tmp_path, trigger={"kind": "timer", "takt_ms": 50, "parts": 3}))
    try:
        armed_ns = time.monotonic_ns()
        rig.field.arm(armed_ns, None)
        rig.field.slept(WHY, armed_ns + 60_000_000)
        unseen = [part.unseen for part in rig.field.arrivals(armed_ns + 120_000_000)]
        assert unseen == [WHY, WHY, ""]
    finally:
        rig.close()
