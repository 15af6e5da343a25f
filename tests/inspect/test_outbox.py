"""The outbox under every order of events, between a gate and a PLC that do what they like."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.conductor import Answer
from taktsight.inspect.plc.blocks import CODES, VERDICTS
from taktsight.inspect.plc.outbox import MAX_WAITING, Outbox
from taktsight.records import Outcome, Verdict

MS = 1_000_000
SIZE = 4 + 2 * VERDICTS
events = st.one_of(
    *(st.tuples(st.just("put"), st.sampled_from(list(Outcome))) for _ in range(4)),
    st.tuples(st.just("stranger"), st.just(Outcome.PASS)),
    *(
        st.tuples(st.just(kind))
        for kind in ("write", "write", "write", "confirm", "confirm", "scan", "scan")
    ),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 100, 700])),
    *(st.tuples(st.just(kind)) for kind in ("lose", "greet", "hold", "release", "anew")),
)


class Desk:
    """A gate that puts answers in, and a PLC's program that takes them out of the registers."""

    def __init__(self) -> None:
        self.outbox = Outbox(100 * MS)
        self.now_ns = 0
        self.put: list[Answer] = []
        self.strangers: set[int] = set()
        self.acted: list[tuple[Answer, Verdict]] = []
        self.block = [0] * SIZE
        self.acknowledged = self.block[0] = 40
        self.taken: dict[int, int] = {}
        self.told_from = 0
        """Parts before this one have no number any more, or were given up: no new block may name them."""
        self.is_held = self.is_writing = self.is_in_touch = self.was_written = self.has_answered = False
        self.greet()

    def greet(self) -> None:
        if self.is_in_touch:
            return
        self.outbox.greet(self.acknowledged)
        self.outbox.hold("held" if self.is_held else "", self.now_ns)
        self.is_in_touch, self.was_written, self.has_answered = True, False, False
        self.told_from = len(self.put)

    def give(self, outcome: Outcome, *, is_known: bool = True) -> None:
        trigger = len(self.put) + 1
        verdict = Verdict(outcome, () if outcome is Outcome.PASS else ("seen",))
        answer = Answer(trigger, verdict, self.now_ns, self.now_ns + 50 * MS, None)
        self.put.append(answer)
        if not is_known:
            self.strangers.add(trigger)
        self.outbox.put(answer, trigger if is_known else None, self.now_ns)

    def write(self) -> None:
        """The link begins to write the block where one is due. It is in the PLC from then on, or never."""
        due_ns = self.outbox.next_write_ns()
        if self.is_writing or due_ns is None or due_ns > self.now_ns:
            return
        before, self.block = self.block, self.outbox.compose(self.now_ns)
        self.is_writing = self.was_written = True
        assert len(self.block) == SIZE
        named = dict(pair for pair in self.pairs(self.block) if pair[1])
        new = set(named) - set(dict(self.pairs(before)))
        assert not new or self.block[0] != before[0], "news that the PLC would not notice"
        assert not (new and self.is_held), "told although something is wrong"
        assert not new or self.has_answered, "told before the program answered at all"
        assert all(number > self.told_from for number in named), "a part that the PLC cannot know"
        assert not self.strangers & set(named)
        passed = [number for number, code in named.items() if code == 1]
        assert all(self.put[number - 1].verdict.outcome is Outcome.PASS for number in passed)

    def confirm(self) -> None:
        if self.is_writing:
            self.is_writing = False
            self.outbox.written(self.now_ns)

    def scan(self) -> None:
        """The PLC's program takes what is new; the line reads what it acknowledges, once it may ask."""
        if self.block[0] != self.acknowledged:
            for number, code in self.pairs(self.block):
                if code:
                    self.taken.setdefault(number, code)
            self.acknowledged = self.block[0]
        if not self.is_in_touch or self.is_writing:
            return
        assert self.outbox.acknowledge(self.acknowledged)
        if self.outbox.is_acknowledged:
            self.has_answered = True
            assert self.was_written, "an old block was taken for the answer"
            assert self.outbox.oldest_told_ns is None, "acknowledged, and still owed"

    def lose(self) -> None:
        self.is_in_touch = self.is_writing = False
        self.outbox.lose("the PLC is gone", self.now_ns)

    def anew(self) -> None:
        self.outbox.forget_numbers()
        self.told_from = len(self.put)

    def hold(self, *, is_held: bool) -> None:
        self.is_held = is_held
        if self.is_in_touch:
            self.outbox.hold("held" if is_held else "", self.now_ns)

    def do(self, kind: str, value: object) -> None:
        if kind in ("put", "stranger") and isinstance(value, Outcome):
            self.give(value, is_known=kind == "put")
        elif kind == "wait" and isinstance(value, int):
            self.now_ns += value * MS
        elif kind in ("hold", "release"):
            self.hold(is_held=kind == "hold")
        elif kind != "anew" or not self.is_writing:  # a reading tells of it, and none comes meanwhile
            {
                "write": self.write,
                "confirm": self.confirm,
                "scan": self.scan,
                "lose": self.lose,
                "greet": self.greet,
                "anew": self.anew,
            }[kind]()
        self.acted += [(acted.answer, acted.verdict) for acted in self.outbox.take_acted()]

    def pairs(self, block: list[int]) -> list[tuple[int, int]]:
        """Number and code of each verdict in a block."""
        return [(block[3 + 2 * place], block[4 + 2 * place]) for place in range(VERDICTS)]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(events, min_size=20, max_size=90))
def test_each_verdict_becomes_of_something_once_and_no_pass_is_invented(
    order: list[tuple[object, ...]],
) -> None:
    desk = answering_desk()
    for kind, *values in order:
        desk.do(str(kind), values[0] if values else None)
    desk.do("lose", None)
    assert [answer for answer, _ in desk.acted] == desk.put
    for answer, verdict in desk.acted:
        assert answer.trigger not in desk.strangers or verdict.outcome is Outcome.UNINSPECTED
        code = desk.taken.get(answer.trigger)
        if verdict.outcome is not Outcome.UNINSPECTED:
            assert verdict is answer.verdict
            assert code in (None, CODES[verdict.outcome]), "the PLC has another verdict than the record"
        if code == 1:
            assert answer.verdict.outcome is Outcome.PASS
            # Recorded as told, or as one of which nobody knows.
            assert verdict.outcome is Outcome.PASS or "whether it came through" in verdict.reasons[0]


def answering_desk() -> Desk:
    """One whose PLC has answered the first block."""
    desk = Desk()
    for kind in ("write", "confirm", "scan"):
        desk.do(kind, None)
    assert desk.outbox.is_acknowledged
    return desk


def test_block_holds_eight_and_the_others_wait_for_the_program() -> None:
    desk = answering_desk()
    for _ in range(20):
        desk.give(Outcome.PASS)
    told = []
    for _ in range(3):
        for kind in ("write", "confirm", "write", "confirm", "scan"):
            desk.do(kind, None)
        told.append(len(desk.acted))
    assert told == [8, 16, 20]
    assert desk.taken == dict.fromkeys(range(1, 21), 1)


def test_passes_of_which_the_time_is_over_leave_as_uninspected() -> None:
    desk = answering_desk()
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


def test_verdict_that_is_withdrawn_while_it_waits_never_leaves_as_pass() -> None:
    outbox = Outbox(100 * MS)
    outbox.hold("", 0)
    outbox.greet(40)
    outbox.acknowledge(outbox.handshake)
    for trigger in (1, 2):
        outbox.put(Answer(trigger, Verdict(Outcome.PASS), 0, 50 * MS, None), trigger, 0)
        if trigger == 1:
            outbox.compose(0)
    outbox.withdraw("the computer slept", 1)
    outbox.written(2)
    block = outbox.compose(3)
    assert dict(zip(block[3:-1:2], block[4:-1:2], strict=True)) == {2: 4, 1: 1, 0: 0}
    outbox.written(4)
    assert [acted.verdict.outcome.value for acted in outbox.take_acted()] == ["PASS", "UNINSPECTED"]
