"""Whether the line may pass parts: only while its last golden-part check was passed and is not too old.

No clock, no input, no output of its own. A golden part never passes the gate, whatever the line says of it:
it belongs to the plant, not to the customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taktsight.inspect.golden_settings import GoldenCheck, GoldenPart
from taktsight.records import Outcome, Verdict

Judged = Literal["right", "wrong", "not judged", "past"]
"""``past``: right, but by what judged before a changeover."""
MAX_ANNOUNCED = 64
"""Announced parts on their way through the line."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the line said of a golden part."""

    part: GoldenPart
    trigger: int
    verdict: Verdict
    judged: Judged

    @property
    def sentence(self) -> str:
        """As a person reads it."""
        wanted, got = self.part.must_be.value, self.verdict.outcome.value
        ends = {
            "right": f"{got}, as it must be",
            "wrong": f"{got}, must be {wanted}",
            "not judged": f"was not judged, must be {wanted}: show it again",
            "past": f"{got} before the changeover, must be {wanted}: show it again",
        }
        return f"golden part {self.part.name}: {ends[self.judged]}"


class GoldenWatch:
    """One run's checks. Without settings nothing is ever due."""

    def __init__(self, check: GoldenCheck | None) -> None:
        self._check = check
        self._why = ""
        self._due_ns: int | None = None
        self._right_ns: dict[str, int] = {}
        self._announced: GoldenPart | None = None
        self._on_their_way: dict[int, GoldenPart] = {}
        self._newest = self._changed_over = 0
        self.passed = 0
        """Checks that were passed."""
        if check is not None:
            self.demand("the line was started")

    @property
    def parts(self) -> tuple[GoldenPart, ...]:
        """The golden parts of the station."""
        return self._check.parts if self._check is not None else ()

    @property
    def due_ns(self) -> int | None:
        """When the next check is due; None where none is, or one is due already."""
        return self._due_ns

    def demand(self, why: str) -> None:
        """From now on a check is due: at a start, a changeover, or because somebody wants one."""
        if self._check is None:
            return
        self._why, self._due_ns = why, None
        self._right_ns.clear()

    def changed_over(self) -> None:
        """The parts that come from now on are judged by something else: a check is due, with them alone."""
        self._changed_over = self._newest
        self.demand("the line was changed over")

    def held(self, now_ns: int) -> str:
        """Why the line holds; empty where it does not."""
        if self._due_ns is not None and now_ns >= self._due_ns and self._check is not None:
            self.demand(f"the last one was {self._check.every_h:g} h ago")
        return f"held: the golden-part check is due: {self._why}" if self._why else ""

    def missing(self, now_ns: int) -> tuple[GoldenPart, ...]:
        """The parts that this check has not seen right yet."""
        self._forget(now_ns)
        return tuple(part for part in self.parts if part.name not in self._right_ns)

    def announce(self, name: str) -> str:
        """The next part that is triggered is this one; why not, where it cannot be said of it."""
        found = next((part for part in self.parts if part.name == name), None)
        if found is None:
            return (
                f"there is no golden part {name} (there are {', '.join(part.name for part in self.parts)})"
            )
        if self._announced is not None:
            return f"golden part {self._announced.name} was announced and has not come yet"
        if len(self._on_their_way) >= MAX_ANNOUNCED:
            return f"{MAX_ANNOUNCED} golden parts are on their way"
        self._announced = found
        return ""

    def withdraw(self) -> None:
        """The part that was announced does not come."""
        self._announced = None

    def triggered(self, trigger: int) -> None:
        """A part is there: the one that was announced, if one was."""
        self._newest = trigger
        if self._announced is not None:
            self._on_their_way[trigger], self._announced = self._announced, None

    def at_gate(
        self, trigger: int, verdict: Verdict, serial: str | None, now_ns: int
    ) -> tuple[Verdict, Seen | None]:
        """What the gate is told of a part, and what was seen if it is a golden one.

        Args:
            trigger: of the part.
            verdict: what the line says of it.
            serial: what was read of it.
            now_ns: monotonic clock.
        """
        announced = self._on_their_way.pop(trigger, None)
        part = self._by_serial(serial) or announced
        if part is not None:
            seen = Seen(part, trigger, verdict, self._judged(part, trigger, verdict))
            self._note(seen, now_ns)
            return Verdict(Outcome.UNINSPECTED, (seen.sentence, *verdict.reasons)), seen
        held = self.held(now_ns)
        return (Verdict(Outcome.UNINSPECTED, (held,)) if held else verdict), None

    def _by_serial(self, serial: str | None) -> GoldenPart | None:
        return next((part for part in self.parts if serial is not None and part.serial == serial), None)

    def _note(self, seen: Seen, now_ns: int) -> None:
        if seen.judged == "wrong":
            self.demand(seen.sentence)
        elif seen.judged == "right":
            self._right_ns[seen.part.name] = now_ns
            if not self.missing(now_ns):
                self._pass(now_ns)

    def _pass(self, now_ns: int) -> None:
        every_h = self._check.every_h if self._check is not None else None
        self._why, self._due_ns = "", None if every_h is None else now_ns + round(every_h * 3.6e12)
        self._right_ns.clear()
        self.passed += 1

    def _forget(self, now_ns: int) -> None:
        within_ns = self._check.within_min * 6e10 if self._check is not None else 0
        self._right_ns = {name: at for name, at in self._right_ns.items() if now_ns - at <= within_ns}

    def _judged(self, part: GoldenPart, trigger: int, verdict: Verdict) -> Judged:
        if verdict.outcome is Outcome.UNINSPECTED:
            return "not judged"
        if verdict.outcome is not part.must_be:
            return "wrong"
        return "right" if trigger > self._changed_over else "past"
