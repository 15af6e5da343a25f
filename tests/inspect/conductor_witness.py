"""What no order of events may make a conductor do, and a slow conductor that is obviously right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from taktsight.inspect.conductor import Answer
from taktsight.inspect.messages import Result
from taktsight.records import Outcome, Verdict

UNINSPECTED = Outcome.UNINSPECTED
NO_RESULT = Verdict(UNINSPECTED, ("no result",))


def seen(trigger: int, outcome: Outcome) -> Result:
    """A result that nobody can take for another part's."""
    reasons = () if outcome is Outcome.PASS else (f"part {trigger}",)
    return Result(trigger, Verdict(outcome, reasons), serial=f"part {trigger}")


@dataclass
class Witness:
    """Sees every answer, and knows each part's time and first result. Asks for nothing but the rules."""

    due_ns: list[int] = field(default_factory=list)
    given: dict[int, tuple[Result, int]] = field(default_factory=dict)
    """Trigger → its first result and when it came."""
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    answered: int = 0

    def gave(self, result: Result, now_ns: int) -> None:
        if result.trigger <= len(self.due_ns):  # else of a part that was never triggered, or is not yet
            self.given.setdefault(result.trigger, (result, now_ns))

    def saw(self, answers: Sequence[Answer], now_ns: int) -> None:
        for answer in answers:
            self.answered += 1
            assert answer.trigger == self.answered, "not exactly one verdict each, in trigger order"
            assert answer.triggered_ns == self.due_ns[answer.trigger - 1]
            assert answer.serial == f"serial {answer.trigger}"
            outcome = answer.verdict.outcome
            self.outcomes[outcome] += 1
            assert outcome is UNINSPECTED or now_ns < answer.answer_by_ns, "a verdict after its time"
            result, came_ns = self.given.pop(answer.trigger, (None, 0))
            assert answer.result is None or answer.result is result, (
                "another part's result, or not its first"
            )
            if outcome is not UNINSPECTED:
                assert answer.result is not None, "a verdict that rests on nothing"
                assert answer.verdict is answer.result.verdict
                assert came_ns < answer.answer_by_ns, "a result that came after its part's time"


@dataclass
class _Part:
    due_ns: int
    by_ns: int
    verdict: Verdict | None = None
    is_answered: bool = False


class Reference:
    """The rules, part by part, over all parts that ever were."""

    def __init__(self, within_ns: int, max_open: int) -> None:
        self._within_ns = within_ns
        self._max_open = max_open
        self._parts: list[_Part] = []
        self.awaited: set[int] = set()
        """Parts that were given up while vision still had them: their result is late, not a stranger."""

    def _give_up(self, triggers: Sequence[int]) -> None:
        for trigger in triggers:
            if self._parts[trigger - 1].verdict is None:
                self._parts[trigger - 1].verdict = NO_RESULT
                self.awaited.add(trigger)

    def _release(self, now_ns: int) -> list[tuple[int, Outcome]]:
        released = []
        for trigger, part in enumerate(self._parts, start=1):
            if part.is_answered:
                continue
            if part.verdict is None:
                break
            part.is_answered = True
            in_time = now_ns < part.by_ns
            released.append((trigger, part.verdict.outcome if in_time else UNINSPECTED))
        return released

    def expire(self, now_ns: int) -> list[tuple[int, Outcome]]:
        self._give_up([n for n, part in enumerate(self._parts, start=1) if part.by_ns <= now_ns])
        return self._release(now_ns)

    def trigger(self, due_ns: int, now_ns: int) -> list[tuple[int, Outcome]]:
        answers = self.expire(now_ns)
        waiting = [n for n, part in enumerate(self._parts, start=1) if not part.is_answered]
        if len(waiting) >= self._max_open:
            self._give_up(waiting[:1])
            answers += self._release(now_ns)
        self._parts.append(_Part(due_ns, due_ns + self._within_ns))
        return answers

    def result(self, result: Result, now_ns: int) -> list[tuple[int, Outcome]]:
        answers = self.expire(now_ns)
        if 0 < result.trigger <= len(self._parts):
            part = self._parts[result.trigger - 1]
            part.verdict = part.verdict or result.verdict
        self.awaited.discard(result.trigger)
        return answers + self._release(now_ns)

    def fail(self, trigger: int, now_ns: int) -> list[tuple[int, Outcome]]:
        if 0 < trigger <= len(self._parts):
            part = self._parts[trigger - 1]
            part.verdict = part.verdict or NO_RESULT
        return self._release(now_ns)

    def vision_lost(self, now_ns: int) -> list[tuple[int, Outcome]]:
        for part in self._parts:
            part.verdict = part.verdict or NO_RESULT
        self.awaited.clear()
        return self._release(now_ns)
