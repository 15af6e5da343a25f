"""The line's loop around real triggers and gates, with a vision that answers as the test says."""

from __future__ import annotations

import selectors
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from taktsight.errors import LineError
from taktsight.inspect.conductor import Answer, Conductor
from taktsight.inspect.config import Station, load_station
from taktsight.inspect.field_side import FieldSide
from taktsight.inspect.gates.gate import Acted
from taktsight.inspect.messages import Result
from taktsight.inspect.notes import Notes
from taktsight.inspect.triggers.trigger import Arrival
from taktsight.records import Outcome, Verdict


def station_of(folder: Path, **values: Any) -> Station:
    """A station whose bundle nobody reads."""
    content = {
        "name": "press 4",
        "bundle": "none.takt",
        "cameras": [{"kind": "folder", "folder": "none"}],
        "trigger": {"kind": "timer", "takt_ms": 20},
        "gate": {"kind": "dry_run"},
        "deadline_ms": 200,
        "gate_margin_ms": 20,
        "records": {"folder": "records"},
    }
    file = folder / "station.yaml"
    file.write_text(yaml.safe_dump(content | values), encoding="utf-8")
    return load_station(file)


class Rig:
    """Parts come, are judged at once, and go to the gate."""

    def __init__(self, station: Station, judge: Callable[[int], Outcome | None] | None = None) -> None:
        """``judge``: the outcome of a part by its trigger; None where vision never answers."""
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.arrivals: list[Arrival] = []
        self.acted: list[Acted] = []
        self.failure: LineError | None = None
        self._judge = judge or (lambda _trigger: Outcome.PASS)
        self._selector = selectors.SelectSelector()
        self._conductor = Conductor(station.answer_within_ns)
        notes = Notes(self.faults.append, self._count)
        self.field = FieldSide(station, self._selector, notes)

    def arm(self, parts: int | None = None) -> None:
        """Waits for the hardware; parts come from then on."""
        self.run_until(lambda: not self.field.missing)
        now_ns = time.monotonic_ns()
        self.field.arm(now_ns, parts)

    def run_until(self, done: Callable[[], object], timeout_s: float = 20) -> None:
        """Steps until it is so."""
        until_s = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < until_s, (self.faults, self.outcomes()[-10:], self.field.missing)
            self.step()

    def run_for(self, time_s: float) -> None:
        """Steps for a while."""
        until_s = time.monotonic() + time_s
        while time.monotonic() < until_s:
            self.step()

    def now_ns(self) -> int:
        """The line's clock."""
        return time.monotonic_ns()

    def step(self) -> None:
        moments = (self.field.next_due_ns(), self._conductor.next_deadline_ns())
        next_ns = min((moment for moment in moments if moment is not None), default=None)
        left_s = 0.02 if next_ns is None else (next_ns - time.monotonic_ns()) / 1e9
        for key, _ in self._selector.select(min(max(0.0, left_s), 0.02)):
            self._attempt(key.data)
        now_ns = time.monotonic_ns()
        self._answer(self._conductor.expire(now_ns))
        self._attempt(lambda: self.field.advance(now_ns))
        for arrival in self.field.arrivals(now_ns):
            self._take(arrival, now_ns)
        self.acted += self.field.gate.acted()

    def outcomes(self) -> list[tuple[int, str]]:
        """Trigger and outcome of what became of verdicts, in the order in which it did."""
        return [(acted.answer.trigger, acted.verdict.outcome.value) for acted in self.acted]

    def reasons(self, trigger: int) -> str:
        """Why a part got its verdict."""
        (acted,) = (acted for acted in self.acted if acted.answer.trigger == trigger)
        return "; ".join(acted.verdict.reasons)

    def close(self) -> None:
        self.field.close()
        self._selector.close()

    def _take(self, arrival: Arrival, now_ns: int) -> None:
        self.arrivals.append(arrival)
        trigger, _, answers = self._conductor.trigger(arrival.triggered_ns, now_ns, arrival.serial)
        self._answer(answers)
        if arrival.unseen:
            self._answer(self._conductor.fail(trigger, arrival.unseen, now_ns))
            return
        outcome = self._judge(trigger)
        if outcome is not None:
            verdict = Verdict(outcome, () if outcome is Outcome.PASS else ("seen",))
            self._answer(self._conductor.result(Result(trigger, verdict), now_ns)[0])

    def _answer(self, answers: tuple[Answer, ...]) -> None:
        for answer in answers:
            self._attempt(partial(self.field.gate.act, answer.at(time.monotonic_ns())))

    def _attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except LineError as error:
            self.failure = self.failure or error

    def _count(self, name: str, count: int) -> None:
        self.counts[name] += count
