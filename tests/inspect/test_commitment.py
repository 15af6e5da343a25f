"""Strict mode without a line around it: what waits for the ledger, for how long, and in which order."""

from __future__ import annotations

import random

import pytest

from taktsight.inspect.commitment import Commitment
from taktsight.inspect.conductor import Answer
from taktsight.records import Outcome, Verdict

WITHIN_NS = 100


class FakeLedger:
    """Numbers entries as the recorder's port does."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.refuses = False

    def record(self, answer: Answer) -> int | None:
        if self.refuses:
            return None
        self.entries.append(answer.trigger)
        return len(self.entries)


def answer(trigger: int, outcome: Outcome = Outcome.PASS, at_ns: int = 0) -> Answer:
    reasons = () if outcome is Outcome.PASS else ("because",)
    return Answer(trigger, Verdict(outcome, reasons), at_ns, at_ns + WITHIN_NS, None)


def said(answers: list[Answer]) -> list[tuple[int, str]]:
    return [(each.trigger, each.verdict.outcome.value) for each in answers]


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.REJECT, Outcome.REVIEW])
def test_verdict_waits_for_its_entry_and_no_longer(outcome: Outcome) -> None:
    held = Commitment(FakeLedger().record)
    held.hold([answer(1, outcome), answer(2, outcome)])
    assert held.release(0, 10) == []
    assert said(held.release(1, 10)) == [(1, outcome.value)]
    assert held.waiting == 1
    assert said(held.release(2, 10)) == [(2, outcome.value)]
    assert held.withdrawn == 0


def test_verdict_that_is_not_on_the_disk_by_its_deadline_is_uninspected() -> None:
    held = Commitment(FakeLedger().record)
    held.hold([answer(1)])
    assert held.next_deadline_ns() == WITHIN_NS
    assert held.release(0, WITHIN_NS - 1) == []
    (late,) = held.release(0, WITHIN_NS)
    assert said([late]) == [(1, "UNINSPECTED")]
    assert "the ledger did not have PASS on the disk" in late.verdict.reasons[0]
    assert (held.withdrawn, held.waiting, held.next_deadline_ns()) == (1, 0, None)


def test_uninspected_waits_for_no_disk_only_for_its_turn() -> None:
    ledger = FakeLedger()
    held = Commitment(ledger.record)
    held.hold([answer(1, Outcome.UNINSPECTED)])
    assert said(held.release(0, 1)) == [(1, "UNINSPECTED")]
    held.hold([answer(2), answer(3, Outcome.UNINSPECTED)])
    assert held.release(0, 2) == []
    assert said(held.release(1, 3)) == [(2, "PASS"), (3, "UNINSPECTED")]
    assert ledger.entries == [2]


def test_part_behind_one_that_is_given_up_is_not_given_up_with_it() -> None:
    held = Commitment(FakeLedger().record)
    held.hold([answer(1, at_ns=0), answer(2, at_ns=50)])
    assert said(held.release(0, WITHIN_NS)) == [(1, "UNINSPECTED")]
    assert said(held.release(2, WITHIN_NS + 1)) == [(2, "PASS")]


def test_ledger_that_refuses_passes_nothing() -> None:
    ledger = FakeLedger()
    held = Commitment(ledger.record)
    held.hold([answer(1)])
    ledger.refuses = True
    held.hold([answer(2)])
    assert said(held.release(1, 1)) == [(1, "PASS"), (2, "UNINSPECTED")]


def test_too_many_that_wait_are_given_up_oldest_first() -> None:
    held = Commitment(FakeLedger().record, max_held=2)
    held.hold([answer(1), answer(2), answer(3), answer(4)])
    assert said(held.release(0, 1)) == [(1, "UNINSPECTED"), (2, "UNINSPECTED")]
    assert held.waiting == 2


def test_whatever_happens_each_part_leaves_once_in_order_and_passes_only_if_committed() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        ledger = FakeLedger()
        held = Commitment(ledger.record, max_held=5)
        left: list[tuple[int, str]] = []
        now = acknowledged = trigger = 0
        while trigger < 40 or held.waiting:
            now += chance.randint(0, 40)
            if trigger < 40 and chance.random() < 0.6:
                trigger += 1
                ledger.refuses = chance.random() < 0.05
                outcome = chance.choice([*Outcome])
                held.hold([answer(trigger, outcome, at_ns=now)])
            if chance.random() < 0.4:
                acknowledged = chance.randint(acknowledged, len(ledger.entries))
            for out in held.release(acknowledged, now):
                if out.verdict.outcome is not Outcome.UNINSPECTED:
                    assert ledger.entries.index(out.trigger) < acknowledged
                    assert now < out.answer_by_ns
                left.append((out.trigger, out.verdict.outcome.value))
            first_ns = held.next_deadline_ns()
            assert first_ns is None or first_ns > now
        assert [number for number, _ in left] == list(range(1, 41))
