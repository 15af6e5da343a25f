"""Strict mode: a verdict waits here until the ledger has it on the disk. No clock and no disk of its own.

The rules of the gate hold here too: verdicts leave in trigger order, and one that is not in the ledger by
its deadline leaves as UNINSPECTED, which waits for nothing but its turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from taktsight.inspect.conductor import MAX_OPEN, Answer
from taktsight.records import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class _Held:
    answer: Answer
    entry: int | None
    """Number of its entry; None: there is nothing to wait for."""


class Commitment:
    """The verdicts between conductor and gate."""

    def __init__(self, record: Callable[[Answer], int | None], max_held: int = MAX_OPEN) -> None:
        """``record`` sends a verdict to the ledger: the number of its entry, None where it is refused."""
        self._record = record
        self._max_held = max_held
        self._held: deque[_Held] = deque()
        self.withdrawn = 0
        """Verdicts that became UNINSPECTED because the ledger did not have them in time."""

    @property
    def waiting(self) -> int:
        """Parts that are judged and not at the gate."""
        return len(self._held)

    def next_deadline_ns(self) -> int | None:
        """When :meth:`release` must be called; None while nothing waits."""
        return self._held[0].answer.answer_by_ns if self._held else None

    def hold(self, answers: Sequence[Answer]) -> None:
        """Takes the conductor's answers in, in trigger order, and sends them to the ledger."""
        for answer in answers:
            if answer.verdict.outcome is Outcome.UNINSPECTED:
                self._held.append(_Held(answer, None))
                continue
            entry = self._record(answer)
            held = answer if entry else self._withdraw(answer, "the ledger takes no entry")
            self._held.append(_Held(held, entry))

    def abandon(self, reason: str) -> None:
        """What waits is for parts that are no longer where they were: UNINSPECTED."""
        held = [self._withdraw(each.answer, reason) for each in self._held]
        self._held = deque(_Held(answer, None) for answer in held)

    def release(self, acknowledged: int, now_ns: int) -> list[Answer]:
        """What the gate must do now.

        Args:
            acknowledged: every entry up to this number is on the disk.
            now_ns: monotonic clock.
        """
        answers = []
        while self._held:
            answer, entry = self._held[0].answer, self._held[0].entry
            in_time = answer.answer_by_ns > now_ns
            if entry is not None and entry > acknowledged and in_time and len(self._held) <= self._max_held:
                break
            if entry is not None and (entry > acknowledged or not in_time):
                answer = self._withdraw(answer, _why(answer))
            self._held.popleft()
            answers.append(answer)
        return answers

    def _withdraw(self, answer: Answer, reason: str) -> Answer:
        self.withdrawn += 1
        return replace(answer, verdict=Verdict(Outcome.UNINSPECTED, (reason,)))


def _why(answer: Answer) -> str:
    within_ms = (answer.answer_by_ns - answer.triggered_ns) / 1e6
    outcome = answer.verdict.outcome.value
    return f"late: the ledger did not have {outcome} on the disk within {within_ms:.0f} ms"
