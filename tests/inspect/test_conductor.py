"""The rules of the conductor: one verdict each, in order, none after its time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from taktsight.inspect.conductor import Answer, Conductor
from taktsight.inspect.messages import Result
from taktsight.records import Outcome, Verdict

MS = 1_000_000
WITHIN_NS = 100 * MS
PASS, REJECT, UNINSPECTED = Outcome.PASS, Outcome.REJECT, Outcome.UNINSPECTED


def seen(trigger: int, outcome: Outcome = PASS) -> Result:
    reasons = () if outcome is PASS else ("why",)
    return Result(trigger, Verdict(outcome, reasons))


def told(answers: Sequence[Answer]) -> list[tuple[int, Outcome]]:
    return [(answer.trigger, answer.verdict.outcome) for answer in answers]


def test_result_in_time_is_the_verdict() -> None:
    conductor = Conductor(WITHIN_NS)
    trigger, answer_by_ns, _ = conductor.trigger(0, 0)
    answers, late = conductor.result(seen(trigger, REJECT), 40 * MS)
    assert (trigger, answer_by_ns) == (1, WITHIN_NS)
    assert told(answers) == [(1, REJECT)]
    assert late is None
    assert conductor.next_deadline_ns() is None


def test_part_without_a_result_is_uninspected_when_its_time_is_over() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    assert conductor.expire(WITHIN_NS - 1) == ()
    answers = conductor.expire(WITHIN_NS)
    assert told(answers) == [(1, UNINSPECTED)]
    assert answers[0].verdict.reasons == ("late: no verdict within 100 ms",)


def test_late_result_is_kept_and_never_sent() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    answers, late = conductor.result(seen(1), WITHIN_NS)
    assert told(answers) == [(1, UNINSPECTED)]
    assert late is not None
    assert late.result.verdict.outcome is PASS


def test_early_result_waits_for_the_part_before_it() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    conductor.trigger(20 * MS, 20 * MS)
    assert conductor.result(seen(2), 30 * MS) == ((), None)
    answers, _ = conductor.result(seen(1, REJECT), 40 * MS)
    assert told(answers) == [(1, REJECT), (2, PASS)]


def test_early_result_leaves_when_the_part_before_it_is_late() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    conductor.trigger(20 * MS, 20 * MS)
    conductor.result(seen(2), 30 * MS)
    assert told(conductor.expire(WITHIN_NS)) == [(1, UNINSPECTED), (2, PASS)]


def test_pass_that_was_held_up_past_its_own_time_does_not_open_the_gate() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    conductor.trigger(20 * MS, 20 * MS)
    conductor.result(seen(2), 30 * MS)
    assert told(conductor.expire(130 * MS)) == [(1, UNINSPECTED), (2, UNINSPECTED)]


def test_pass_that_a_slow_gate_held_up_is_uninspected_at_the_last_moment() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    (answer,), _ = conductor.result(seen(1), 99 * MS)
    assert answer.verdict_at(WITHIN_NS - 1).outcome is PASS
    assert answer.verdict_at(WITHIN_NS).reasons == ("late: the verdict was held up beyond 100 ms",)


def test_second_result_and_result_of_an_unknown_part_are_counted_only() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    conductor.result(seen(1, REJECT), 10 * MS)
    assert conductor.result(seen(1), 11 * MS) == ((), None)
    assert conductor.result(seen(77), 12 * MS) == ((), None)
    assert conductor.strangers == 2


def test_second_result_of_a_part_that_waits_does_not_change_its_verdict() -> None:
    conductor = Conductor(WITHIN_NS)
    conductor.trigger(0, 0)
    conductor.trigger(1, 1)
    conductor.result(seen(2, REJECT), 10 * MS)
    conductor.result(seen(2, PASS), 11 * MS)
    answers, _ = conductor.result(seen(1), 12 * MS)
    assert told(answers) == [(1, PASS), (2, REJECT)]


def test_lost_vision_leaves_no_part_open() -> None:
    conductor = Conductor(WITHIN_NS)
    for _ in range(3):
        conductor.trigger(0, 0)
    conductor.result(seen(2), 1)
    answers = conductor.vision_lost("vision stopped", 2)
    assert told(answers) == [(1, UNINSPECTED), (2, PASS), (3, UNINSPECTED)]
    assert answers[0].verdict.reasons == ("vision stopped",)
    assert conductor.result(seen(1), 3) == ((), None)


def test_too_many_open_parts_cost_the_oldest_one() -> None:
    conductor = Conductor(WITHIN_NS, max_open=3)
    for _ in range(3):
        conductor.trigger(0, 0)
    trigger, _, answers = conductor.trigger(1, 1)
    assert trigger == 4
    assert told(answers) == [(1, UNINSPECTED)]
    assert conductor.open_parts == 3


@pytest.mark.parametrize("seed", range(8))
def test_no_order_of_events_breaks_the_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    conductor = Conductor(WITHIN_NS, max_open=16)
    now_ns, due_ns, triggers, answers = 0, 0, 0, list[Answer]()
    answered_ns: dict[int, int] = {}

    def note(new: Sequence[Answer]) -> None:
        for answer in new:
            assert answer.trigger not in answered_ns, "two verdicts for one part"
            answered_ns[answer.trigger] = now_ns
            if now_ns >= answer.answer_by_ns:
                assert answer.verdict.outcome is UNINSPECTED, "a verdict after its time"
            answers.append(answer)

    for _ in range(4000):
        now_ns += int(rng.exponential(4 * MS))
        kind = rng.choice(["trigger", "result", "expire", "lost", "fail"], p=[0.4, 0.4, 0.15, 0.01, 0.04])
        if kind == "trigger":
            triggers += 1
            due_ns = max(due_ns, now_ns - int(rng.integers(0, MS)))
            note(conductor.trigger(due_ns, now_ns)[2])
        elif kind == "result":
            trigger = int(rng.integers(max(1, triggers - 12), triggers + 3))
            new, late = conductor.result(seen(trigger, (PASS, REJECT)[rng.integers(2)]), now_ns)
            note(new)
            if late is not None:
                assert late.result.trigger in answered_ns, "late, and not answered"
        elif kind == "expire":
            note(conductor.expire(now_ns))
        elif kind == "lost":
            note(conductor.vision_lost("vision stopped", now_ns))
        elif triggers:
            note(conductor.fail(triggers, "vision is starting", now_ns))
        next_ns = conductor.next_deadline_ns()
        assert conductor.open_parts <= 16
        if next_ns is not None and rng.random() < 0.03 and next_ns > now_ns:
            now_ns = next_ns
            note(conductor.expire(now_ns))
    note(conductor.vision_lost("stop", now_ns))
    assert [answer.trigger for answer in answers] == list(range(1, triggers + 1))
    passed = sum(answer.verdict.outcome is PASS for answer in answers)
    assert 0.1 * triggers < passed < 0.9 * triggers, "the test exercises both ways"
