"""The conductor under every order of events: hypothesis looks for one that breaks a rule."""

from __future__ import annotations

import random
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.conductor import Conductor
from taktsight.inspect.messages import Result
from taktsight.inspect.triggers.min_takt import MinTakt
from taktsight.records import Outcome

from .conductor_witness import Reference, Witness, seen

MS = 1_000_000
WITHIN_NS = 100 * MS
MAX_OPEN = 6
PASS, REJECT, REVIEW, UNINSPECTED = Outcome.PASS, Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED
EVENTS = 1_000_000

waits = st.sampled_from([0, 1, MS, 7 * MS, 40 * MS, WITHIN_NS - 1, WITHIN_NS, 10_000 * MS])
"""A clock that stands, goes, and is far ahead."""
lags = [0, 0, 0, MS, 30 * MS, WITHIN_NS, 500 * MS]
"""A trigger is noticed at once, late, or when its part's time is over; twice at once it is doubled."""
events = st.one_of(
    st.tuples(st.just("wait"), waits),
    *(st.tuples(st.just("trigger"), st.sampled_from(lags)) for _ in range(3)),
    # Of the newest part, one before it, or one that never was; twice is a second result.
    *(st.tuples(st.just("result"), st.integers(-1, 6), st.sampled_from(list(Outcome))) for _ in range(3)),
    st.tuples(st.just("fail"), st.integers(-1, 4)),
    st.tuples(st.just("lost")),
    st.tuples(st.just("expire")),
)


class Rig:
    """A conductor, its witness, and the slow one beside it."""

    def __init__(self) -> None:
        self.conductor = Conductor(WITHIN_NS, MAX_OPEN)
        self.witness = Witness()
        self.reference = Reference(WITHIN_NS, MAX_OPEN)
        self.now_ns = 0

    @property
    def triggers(self) -> int:
        return len(self.witness.due_ns)

    def do(self, event: tuple[object, ...]) -> None:
        kind, *values = event
        now_ns, conductor, reference = self.now_ns, self.conductor, self.reference
        amount = values[0] if values and isinstance(values[0], int) else 0
        if kind == "wait":
            self.now_ns += amount
            return
        if kind == "trigger":
            due_ns = now_ns - amount
            self.witness.due_ns.append(due_ns)
            serial = f"serial {self.triggers}"
            trigger, by_ns, answers = conductor.trigger(due_ns, now_ns, serial)
            assert (trigger, by_ns) == (self.triggers, due_ns + WITHIN_NS)
            wanted = reference.trigger(due_ns, now_ns)
        elif kind == "result":
            outcome = values[1]
            assert isinstance(outcome, Outcome)
            result = seen(self.triggers - amount, outcome)
            self.witness.gave(result, now_ns)
            expired = reference.expire(now_ns)
            is_late = result.trigger in reference.awaited
            answers, late = conductor.result(result, now_ns)
            wanted = expired + reference.result(result, now_ns)
            assert (late is not None) == is_late
            if late is not None:
                assert (late.result, late.serial) == (result, f"serial {result.trigger}")
        elif kind == "fail":
            answers = conductor.fail(self.triggers - amount, "vision is starting", now_ns)
            wanted = reference.fail(self.triggers - amount, now_ns)
        elif kind == "lost":
            answers = conductor.vision_lost("vision stopped", now_ns)
            wanted = reference.vision_lost(now_ns)
        else:
            answers = conductor.expire(now_ns)
            wanted = reference.expire(now_ns)
        self.witness.saw(answers, now_ns)
        assert [(answer.trigger, answer.verdict.outcome) for answer in answers] == wanted
        assert conductor.open_parts == self.triggers - self.witness.answered
        assert conductor.open_parts <= MAX_OPEN


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(st.lists(events, min_size=30, max_size=90))
def test_no_order_of_events_breaks_a_rule(order: list[tuple[object, ...]]) -> None:
    rig = Rig()
    for event in order:
        rig.do(event)
    rig.do(("wait", 10_000 * MS))
    rig.do(("expire",))
    assert rig.witness.answered == rig.triggers, "a part without a verdict"
    assert rig.conductor.next_deadline_ns() is None


class Shift:
    """A line over a long shift: parts at takt, results as vision has them, and whatever goes wrong."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.conductor = Conductor(WITHIN_NS, 64)
        self.witness = Witness()
        self.min_takt = MinTakt(5 * MS)
        self.now_ns = self.next_part_ns = 0
        self.coming: deque[tuple[int, Result]] = deque()
        self.events = self.bounces = self.unnoticed = self.lates = 0

    def trigger(self, due_ns: int) -> None:
        self.events += 1
        if self.min_takt.is_bounce(due_ns):
            self.bounces += 1
            return
        witness = self.witness
        witness.due_ns.append(due_ns)
        number = len(witness.due_ns)
        trigger, _, answers = self.conductor.trigger(due_ns, self.now_ns, f"serial {number}")
        assert trigger == number
        witness.saw(answers, self.now_ns)
        chance = self.rng.random()
        if chance < 0.001:
            witness.saw(self.conductor.fail(trigger, "vision is busy", self.now_ns), self.now_ns)
        elif chance > 0.003:  # else its frame never comes
            self.ask(trigger)

    def ask(self, trigger: int) -> None:
        took_ns = int(self.rng.lognormvariate(3.0, 0.5) * MS)  # 20 ms, now and then above 100
        outcome = PASS if self.rng.random() < 0.9 else REJECT
        self.coming.append((self.now_ns + took_ns, seen(trigger, outcome)))
        if self.rng.random() < 0.001:
            self.coming.append((self.now_ns + 2 * took_ns, seen(trigger, REVIEW)))
        if self.rng.random() < 0.001:
            self.coming.append((self.now_ns + took_ns, seen(trigger + self.rng.randint(3, 99), PASS)))

    def hear(self, result: Result) -> None:
        self.events += 1
        self.witness.gave(result, self.now_ns)
        answers, late = self.conductor.result(result, self.now_ns)
        self.witness.saw(answers, self.now_ns)
        self.lates += late is not None

    def part(self) -> None:
        """The next part, with whatever its sensor makes of it."""
        chance = self.rng.random()
        if chance < 0.001:
            self.unnoticed += 1  # nothing ever says that it was there
        else:
            self.trigger(self.now_ns - self.rng.randint(0, MS))
        if chance > 0.998:
            self.trigger(self.now_ns + (0 if chance > 0.999 else 2 * MS))
        self.next_part_ns = self.now_ns + 10 * MS

    def step(self) -> None:
        """To the next thing that happens, a little late; now and then far too late."""
        result_ns = self.coming[0][0] if self.coming else self.next_part_ns
        moments = (self.next_part_ns, result_ns, self.conductor.next_deadline_ns() or self.next_part_ns)
        stood_ns = 300 * MS if self.rng.random() < 2e-5 else 0
        self.now_ns = max(self.now_ns, *[min(moments)]) + stood_ns
        self.events += 1
        self.witness.saw(self.conductor.expire(self.now_ns), self.now_ns)
        while self.coming and self.coming[0][0] <= self.now_ns:
            self.hear(self.coming.popleft()[1])
        if self.now_ns >= self.next_part_ns:
            self.part()
        if self.rng.random() < 2e-5:
            self.coming.clear()
            self.witness.saw(self.conductor.vision_lost("vision stopped", self.now_ns), self.now_ns)


def test_million_events_assign_no_part_wrongly_and_forget_none() -> None:
    shift = Shift(seed=1)
    while shift.events < EVENTS:
        shift.step()
    shift.now_ns += 10_000 * MS
    witness, conductor = shift.witness, shift.conductor
    witness.saw(conductor.expire(shift.now_ns), shift.now_ns)
    assert witness.answered == len(witness.due_ns)
    assert conductor.open_parts == 0
    # The shift had everything in it that it is for.
    assert min(witness.outcomes[PASS], witness.outcomes[REJECT], witness.outcomes[UNINSPECTED]) > 1000
    assert min(shift.bounces, shift.unnoticed, shift.lates, conductor.strangers) > 100
