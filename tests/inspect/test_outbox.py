"""The outbox under every order of events, between a gate and a PLC that do what they like."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.conductor import Answer
from taktsight.inspect.plc.blocks import CODES, VERDICTS
from taktsight.inspect.plc.outbox import MAX_WAITING, Outbox
from taktsight.records import Outcome, Verdict

MS = 1_000_000
OUTCOMES = {code: outcome for outcome, code in CODES.items()}
events = st.one_of(
    *(st.tuples(st.just("put"), st.sampled_from(list(Outcome))) for _ in range(3)),
    st.tuples(st.just("stranger"), st.just(Outcome.PASS)),
    *(st.tuples(st.just("write")) for _ in range(3)),
    *(st.tuples(st.just("scan")) for _ in range(3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 100, 700])),
    *(st.tuples(st.just(kind)) for kind in ("lose", "greet", "hold", "release", "anew", "late")),
)


class Desk:
    """A gate that puts answers in, and a PLC's program that takes them out of the registers."""

    def __init__(self) -> None:
        self.outbox = Outbox(100 * MS)
        self.now_ns = 0
        self.put: list[Answer] = []
        self.acted: list[tuple[Answer, Verdict]] = []
        self.block = [0] * (4 + 2 * VERDICTS)
        self.acknowledged = self.block[0] = 40
        self.taken: dict[int, int] = {}
        self.is_held = False
        self.is_in_touch = False
        self.greet()

    def greet(self) -> None:
        self.outbox.greet(self.acknowledged)
        self.outbox.hold("held" if self.is_held else "", self.now_ns)
        self.is_in_touch = True

    def give(self, outcome: Outcome, *, is_known: bool = True) -> None:
        trigger = len(self.put) + 1
        verdict = Verdict(outcome, () if outcome is Outcome.PASS else ("seen",))
        answer = Answer(trigger, verdict, self.now_ns, self.now_ns + 50 * MS, None)
        self.put.append(answer)
        self.outbox.put(answer, trigger if is_known else None, self.now_ns)

    def write(self, *, comes_through: bool = True) -> None:
        """The link writes the block where one is due; the PLC may have it, and the answer be lost."""
        due_ns = self.outbox.next_write_ns()
        if not self.is_in_touch or due_ns is None or due_ns > self.now_ns:
            return
        self.block = self.outbox.compose(self.now_ns)
        passed = [self.block[3 + 2 * place] for place in range(VERDICTS) if self.block[4 + 2 * place] == 1]
        assert all(self.put[number - 1].verdict.outcome is Outcome.PASS for number in passed)
        if comes_through:
            self.outbox.written(self.now_ns)
        else:
            self.lose()

    def scan(self) -> None:
        """The PLC's program takes what is new."""
        handshake = self.block[0]
        if handshake != self.acknowledged:
            for place in range(VERDICTS):
                number, code = self.block[3 + 2 * place : 5 + 2 * place]
                if code:
                    self.taken.setdefault(number, code)
            self.acknowledged = handshake
        if self.is_in_touch:
            assert self.outbox.acknowledge(self.acknowledged)

    def lose(self) -> None:
        self.is_in_touch = False
        self.outbox.lose("the PLC is gone", self.now_ns)

    def do(self, kind: str, value: object) -> None:
        if kind == "put" and isinstance(value, Outcome):
            self.give(value)
        elif kind == "stranger":
            self.give(Outcome.PASS, is_known=False)
        elif kind == "write":
            self.write()
        elif kind == "late":
            self.write(comes_through=False)
        elif kind == "scan":
            self.scan()
        elif kind == "wait" and isinstance(value, int):
            self.now_ns += value * MS
        elif kind == "lose":
            self.lose()
        elif kind == "greet" and not self.is_in_touch:
            self.greet()
        elif kind == "anew":
            self.outbox.forget_numbers()
        elif kind in ("hold", "release"):
            self.is_held = kind == "hold"
            if self.is_in_touch:
                self.outbox.hold("held" if self.is_held else "", self.now_ns)
        self.acted += [(acted.answer, acted.verdict) for acted in self.outbox.take_acted()]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(events, min_size=20, max_size=90))
def test_each_verdict_becomes_of_something_once_and_no_pass_is_invented(
    order: list[tuple[object, ...]],
) -> None:
    desk = Desk()
    for kind, *values in order:
        desk.do(str(kind), values[0] if values else None)
    desk.do("lose", None)
    assert [answer for answer, _ in desk.acted] == desk.put
    for answer, verdict in desk.acted:
        code = desk.taken.get(answer.trigger)
        if verdict.outcome is not Outcome.UNINSPECTED:
            assert verdict is answer.verdict
            assert code in (None, CODES[verdict.outcome]), "the PLC has another verdict than the record"
        if code == 1:
            assert answer.verdict.outcome is Outcome.PASS
            # Recorded as told, or as one of which nobody knows.
            assert verdict.outcome is Outcome.PASS or "whether it came through" in verdict.reasons[0]


def test_passes_of_which_the_time_is_over_leave_as_uninspected() -> None:
    desk = Desk()
    desk.write()
    desk.scan()
    desk.give(Outcome.PASS)
    desk.now_ns += 50 * MS
    desk.write()
    assert desk.block[3:5] == [1, 4]


def test_outbox_that_nobody_empties_is_bounded() -> None:
    desk = Desk()
    for _ in range(MAX_WAITING + 3):
        desk.give(Outcome.PASS)
    acted = desk.outbox.take_acted()
    assert [one.answer.trigger for one in acted] == list(range(1, MAX_WAITING + 4))
    assert "64 verdicts wait for the PLC" in acted[0].verdict.reasons[0]
