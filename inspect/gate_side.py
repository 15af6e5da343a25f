"""The way of a verdict to the gate: in strict mode through the ledger, of golden parts never.

What becomes of each is written down once the gate has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.books import Books
from taktsight.inspect.commitment import Commitment
from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.gate import Gate, not_told
from taktsight.inspect.golden_desk import GoldenDesk
from taktsight.inspect.patience import Patience, RunUntil
from taktsight.inspect.quality_side import QualitySide
from taktsight.records import Outcome, Verdict

GATE_STOP_NS = 10_000_000_000
"""How long the line waits for its gate to carry out the last verdicts."""


class GateSide:
    """Between conductor and gate. Only the line's loop calls it; nothing waits."""

    def __init__(
        self,
        gate: Gate,
        books: Books,
        desk: GoldenDesk,
        quality: QualitySide,
        fail: Callable[[TaktsightError], None],
        *,
        is_strict: bool,
    ) -> None:
        """Nothing is asked of the disk here.

        Args:
            gate: what moves the parts.
            books: what was done is written there.
            desk: holds verdicts back where golden parts are due.
            quality: holds passes back where an alarm stands and the station wants that.
            fail: told that the gate cannot act.
            is_strict: a verdict waits for the ledger.
        """
        self._quality = quality
        self._gate = gate
        self._books = books
        self._desk = desk
        self._fail = fail
        self._commitment = Commitment(books.judged) if is_strict else None

    @property
    def waiting(self) -> int:
        """Parts that are judged and not at the gate."""
        return self._commitment.waiting if self._commitment else 0

    @property
    def withdrawn(self) -> int:
        """Verdicts that became UNINSPECTED because the ledger did not have them in time."""
        return self._commitment.withdrawn if self._commitment else 0

    def next_deadline_ns(self) -> int | None:
        """When :meth:`answer` must be called, if only with none; None while nothing waits."""
        return self._commitment.next_deadline_ns() if self._commitment else None

    def answer(self, answers: Sequence[Answer], acknowledged: int) -> None:
        """Hands verdicts on to the gate; in strict mode those that are in the ledger.

        Args:
            answers: the conductor's, in trigger order.
            acknowledged: every entry up to this number is on the disk.
        """
        if self._commitment is not None:
            self._commitment.hold(answers)
            answers = self._commitment.release(acknowledged, time.monotonic_ns())
        for answer in answers:
            self._act(answer)

    def abandon(self, reason: str) -> None:
        """What waits for the ledger is UNINSPECTED."""
        if self._commitment is not None:
            self._commitment.abandon(reason)

    def write_down(self, now_ns: int) -> None:
        """What became of verdicts, and what was seen of golden parts."""
        for acted in self._gate.acted():
            self._books.answered(acted)
        for note in self._desk.take_notes(now_ns):
            self._books.golden(note)

    def finish(self, run_until: RunUntil) -> None:
        """The last verdicts carried out; what a belt that stands holds up is given up."""
        self._gate.disarm()
        run_until(lambda: self._gate.is_settled, Patience(GATE_STOP_NS))
        if self._gate.is_settled:
            return
        try:
            self._gate.abandon("the line stopped, and its belt stood")
        except LineError as error:
            self._fail(error)
        self.write_down(time.monotonic_ns())

    def _act(self, answer: Answer) -> None:
        # Asked again: the gate may have taken its time with the part before.
        now_ns = time.monotonic_ns()
        due = answer.at(now_ns)
        verdict = self._desk.at_gate(due, due.verdict, now_ns)
        if verdict.outcome is Outcome.PASS and (why := self._quality.held):
            verdict = Verdict(Outcome.UNINSPECTED, (why, *verdict.reasons))
        due = replace(due, verdict=verdict, handed_ns=now_ns)
        try:
            self._gate.act(due)
        except LineError as error:  # the gate did nothing, and a gate that does nothing is closed
            self.write_down(now_ns)
            self._books.answered(not_told(due, due.verdict, str(error), time.monotonic_ns()))
            self._fail(error)
