"""The authority over verdicts: trigger → deadline → gate. No clock, no input, no output of its own.

Every method takes the time and returns what the gate must do now, in trigger order. The rules:
one verdict for each trigger; none but UNINSPECTED once its time is over; a verdict leaves in trigger
order, so an early result waits for the part before it, whose time ends first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from taktsight.inspect.messages import Result
from taktsight.records import Outcome, Verdict

MAX_OPEN = 256
"""Parts between trigger and gate. One more, and the oldest gets its UNINSPECTED at once."""
MAX_AWAITED = 1024
"""Answered parts whose result may still come in late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one verdict of a part, for the gate, now."""

    trigger: int
    verdict: Verdict
    triggered_ns: int
    answer_by_ns: int
    result: Result | None
    """What the verdict rests on; None where no result came."""
    serial: str | None = None
    """What the trigger knew of the part."""
    handed_ns: int = 0
    """When the line handed it to the gate; monotonic clock. 0 before that."""

    def verdict_at(self, now_ns: int) -> Verdict:
        """The verdict that may be sent at this moment: once its time is over, only UNINSPECTED."""
        if now_ns < self.answer_by_ns or self.verdict.outcome is Outcome.UNINSPECTED:
            return self.verdict
        within_ms = (self.answer_by_ns - self.triggered_ns) / 1e6
        return Verdict(Outcome.UNINSPECTED, (f"late: the verdict was held up beyond {within_ms:.0f} ms",))

    def at(self, now_ns: int) -> Answer:
        """The answer as it may be sent at this moment."""
        verdict = self.verdict_at(now_ns)
        return self if verdict is self.verdict else replace(self, verdict=verdict)


@dataclass(frozen=True, slots=True)
class Late:
    """A result that came after its part was answered: for the ledger, never for the gate."""

    result: Result
    triggered_ns: int
    serial: str | None = None


@dataclass(slots=True)
class _Open:
    triggered_ns: int
    answer_by_ns: int
    serial: str | None
    verdict: Verdict | None = None
    result: Result | None = None


class Conductor:
    """The parts between trigger and gate."""

    def __init__(self, answer_within_ns: int, max_open: int = MAX_OPEN) -> None:
        self._answer_within_ns = answer_within_ns
        self._max_open = max_open
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._awaited: OrderedDict[int, _Open] = OrderedDict()
        self._last_trigger = 0
        self.strangers = 0
        """Results for parts that were never triggered, or that had a result already."""

    @property
    def open_parts(self) -> int:
        """Parts without a verdict at the gate."""
        return len(self._open)

    @property
    def next_trigger(self) -> int:
        """Number of the part that comes next."""
        return self._last_trigger + 1

    def trigger(
        self, triggered_ns: int, now_ns: int, serial: str | None = None
    ) -> tuple[int, int, tuple[Answer, ...]]:
        """Opens the next part: its trigger number, the moment to answer by, and the answers due now.

        Args:
            triggered_ns: when the part was there.
            now_ns: when the line heard of it.
            serial: what the trigger knows of it.
        """
        answers = self.expire(now_ns)
        if len(self._open) >= self._max_open:
            self._give_up(next(iter(self._open)), f"more than {self._max_open} parts were open")
            answers += self._release(now_ns)
        self._last_trigger += 1
        part = _Open(triggered_ns, triggered_ns + self._answer_within_ns, serial)
        self._open[self._last_trigger] = part
        return self._last_trigger, part.answer_by_ns, answers

    def result(self, result: Result, now_ns: int) -> tuple[tuple[Answer, ...], Late | None]:
        """Takes a result in; it is late where its part's time is over."""
        expired = self.expire(now_ns)
        part = self._open.get(result.trigger)
        if part is not None and part.verdict is None:
            part.verdict, part.result = result.verdict, result
            return expired + self._release(now_ns), None
        awaited = self._awaited.pop(result.trigger, None)
        if awaited is not None:
            return expired, Late(result, awaited.triggered_ns, awaited.serial)
        self.strangers += 1
        return expired, None

    def fail(self, trigger: int, reason: str, now_ns: int) -> tuple[Answer, ...]:
        """A part that vision was never asked about: no result will come."""
        part = self._open.get(trigger)
        if part is not None:
            _close(part, reason)
        return self._release(now_ns)

    def vision_lost(self, reason: str, now_ns: int) -> tuple[Answer, ...]:
        """No result will come for any open part, nor for those answered before."""
        for part in self._open.values():
            _close(part, reason)
        self._awaited.clear()
        return self._release(now_ns)

    def abandon(self, reason: str, now_ns: int) -> tuple[Answer, ...]:
        """No open part is where it was: UNINSPECTED, whatever was said of it."""
        for part in self._open.values():
            part.verdict = Verdict(Outcome.UNINSPECTED, (reason,))
        self._awaited.clear()
        return self._release(now_ns)

    def expire(self, now_ns: int) -> tuple[Answer, ...]:
        """Answers the parts whose time is over."""
        for trigger, part in self._open.items():
            # All of them: a part that was noticed late can be over before the one ahead of it.
            if part.verdict is None and part.answer_by_ns <= now_ns:
                within_ms = self._answer_within_ns / 1e6
                self._give_up(trigger, f"late: no verdict within {within_ms:.0f} ms")
        return self._release(now_ns)

    def next_deadline_ns(self) -> int | None:
        """When :meth:`expire` must be called; None while no part is open."""
        return next((part.answer_by_ns for part in self._open.values()), None)

    def _give_up(self, trigger: int, reason: str) -> None:
        """UNINSPECTED; a result may still come, and is then late."""
        part = self._open[trigger]
        if part.verdict is None:
            _close(part, reason)
            self._awaited[trigger] = part
        if len(self._awaited) > MAX_AWAITED:
            self._awaited.popitem(last=False)

    def _release(self, now_ns: int) -> tuple[Answer, ...]:
        """The verdicts at the head, as far as they are known. The only way out."""
        answers = []
        while self._open:
            trigger, part = next(iter(self._open.items()))
            if part.verdict is None:
                break
            del self._open[trigger]
            answer = Answer(
                trigger, part.verdict, part.triggered_ns, part.answer_by_ns, part.result, part.serial
            )
            # It may have been known in time and held up behind the part before it.
            answers.append(answer.at(now_ns))
        return tuple(answers)


def _close(part: _Open, reason: str) -> None:
    if part.verdict is None:
        part.verdict = Verdict(Outcome.UNINSPECTED, (reason,))
