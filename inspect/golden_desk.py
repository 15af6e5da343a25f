"""The golden-part check in the running line: holds verdicts back, notes them, answers requests."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from taktsight.inspect.conductor import Answer
from taktsight.inspect.golden_settings import GoldenCheck
from taktsight.inspect.golden_watch import GoldenWatch, Seen
from taktsight.inspect.messages import Result
from taktsight.inspect.meters import Meters
from taktsight.records import Verdict

log = logging.getLogger(__name__)

REMEMBERED = 100
"""Golden parts that a request can still ask about."""


@dataclass(frozen=True, slots=True)
class Note:
    """An entry for the ledger, of the kind ``golden``."""

    reasons: tuple[str, ...]
    trigger: int | None = None
    verdict: Verdict | None = None
    result: Result | None = None


class GoldenDesk:
    """Between the conductor and the gate. Without a check in the station it changes nothing."""

    def __init__(self, check: GoldenCheck | None, meters: Meters) -> None:
        self._watch = GoldenWatch(check)
        self._meters = meters
        self._notes: list[Note] = []
        self._seen: deque[tuple[int, Seen]] = deque(maxlen=REMEMBERED)
        self._said = ""
        self._passed = 0

    def changed_over(self) -> None:
        """The line goes on with another bundle or recipe: the check is due."""
        self._watch.changed_over()

    def triggered(self, trigger: int) -> None:
        """A part is there."""
        self._watch.triggered(trigger)

    def at_gate(self, answer: Answer, verdict: Verdict, now_ns: int) -> Verdict:
        """What the gate is told: PASS only while the line is not held, and never of a golden part."""
        if not self._watch.parts:
            return verdict
        serial = answer.serial or (answer.result.serial if answer.result is not None else None)
        told, seen = self._watch.at_gate(answer.trigger, verdict, serial, now_ns)
        if seen is not None:
            number = self._seen[-1][0] + 1 if self._seen else 1
            self._seen.append((number, seen))
            result = replace(answer.result, slots=()) if answer.result is not None else None
            said = (seen.sentence, *verdict.reasons)
            self._notes.append(Note(said, seen.trigger, Verdict(verdict.outcome, said), result))
        return told

    def take_notes(self, now_ns: int) -> list[Note]:
        """For the ledger, since the last call: golden parts, holds, and checks that were passed."""
        if not self._watch.parts:
            return []
        held = self._watch.held(now_ns)
        if self._watch.passed > self._passed:
            names = ", ".join(part.name for part in self._watch.parts)
            self._note(f"golden-part check passed: {names}", logging.INFO)
        if held and held != self._said:
            self._note(held, logging.WARNING)
        self._said, self._passed = held, self._watch.passed
        self._meters["golden_held"] = int(bool(held))
        self._meters["golden_due_ns"] = self._watch.due_ns or 0
        notes, self._notes = self._notes, []
        return notes

    def _note(self, said: str, level: int) -> None:
        log.log(level, "%s", said)
        self._notes.append(Note((said,)))

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request about golden parts."""
        now_ns = time.monotonic_ns()
        asked, of = request.get("golden"), request.get("of")
        if asked == "show" and isinstance(of, str):
            refused = self._watch.announce(of)
            return {"error": refused} if refused else self._state(now_ns)
        if asked == "demand" and isinstance(of, str):
            self._watch.demand(of)
        elif asked == "withdraw":
            self._watch.withdraw()
        elif asked != "state":
            return {"error": f"a line knows no request {request}"}
        if not self._watch.parts:
            return {"error": "the station names no golden parts"}
        return self._state(now_ns)

    def _state(self, now_ns: int) -> dict[str, Any]:
        due_ns = self._watch.due_ns
        return {
            "held": self._watch.held(now_ns),
            "due_in_s": None if due_ns is None else (due_ns - now_ns) / 1e9,
            "missing": [part.name for part in self._watch.missing(now_ns)],
            "passed": self._watch.passed,
            "seen": [
                {
                    "number": number,
                    "name": seen.part.name,
                    "trigger": seen.trigger,
                    "judged": seen.judged,
                    "sentence": seen.sentence,
                    "reasons": list(seen.verdict.reasons),
                }
                for number, seen in list(self._seen)[-20:]
            ],
        }
