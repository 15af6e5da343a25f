"""Outputs of this computer as the gate: a pulse for each part, at its time or after its way on the belt."""

from __future__ import annotations

import time

from taktsight.errors import LineError
from taktsight.inspect.belt import Belt
from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.gate import Acted, not_told
from taktsight.inspect.gates.settings import GpioGateSettings
from taktsight.inspect.gpio.chip import output_settings, request, set_levels
from taktsight.inspect.gpio.pulses import Pulses, Window
from taktsight.inspect.notes import Notes
from taktsight.records import Outcome


class GpioGate:
    """At rest all outputs are inactive, and parts are rejected."""

    def __init__(self, settings: GpioGateSettings, belt: Belt | None, notes: Notes) -> None:
        """Asks for the outputs.

        Raises:
            LineError: If they cannot be had.
        """
        self._settings = settings
        self._belt = belt if settings.distance_mm is not None else None
        self._notes = notes
        self._late = settings.late_ms * 1e6 if self._belt is None else settings.late_mm
        self._pulses = Pulses(round(settings.width_ms * 1e6), self._late)
        self._acted: list[Acted] = []
        self._next_beat_ns: int | None = None
        self._beat = False
        named = (settings.pass_line, settings.not_pass_line, settings.heartbeat_line)
        self._levels: dict[int | str, bool] = {line: False for line in named if line is not None}
        lines = output_settings(active_low=settings.active_low)
        self._outputs = request(settings.chip, list(self._levels), lines)
        if self._belt is not None:
            self._belt.on_move(self.advance)
            self._belt.on_lost(self.abandon)

    @property
    def missing(self) -> str:
        """Nothing: the outputs are there."""
        return ""

    @property
    def is_settled(self) -> bool:
        """Whether the last pulse is over."""
        return self._pulses.is_settled

    def arm(self, now_ns: int) -> None:
        """The heartbeat begins."""
        self._next_beat_ns = now_ns

    def hold(self) -> None:
        """The heartbeat stands: what hangs on it drops out, and everything is rejected."""
        self._next_beat_ns = None

    def disarm(self) -> None:
        """Pulses that are to come still do, and the heartbeat with them."""

    def abandon(self, why: str) -> None:
        """No window opens for the parts that are on their way.

        Raises:
            LineError: If the outputs cannot be set.
        """
        self._forget(why)
        self._show()

    def act(self, answer: Answer) -> None:
        """The part gets its window.

        Raises:
            LineError: If the outputs cannot be set.
        """
        now_ns = time.monotonic_ns()
        begins = self._begin_of(answer, now_ns)
        is_pass = answer.verdict.outcome is Outcome.PASS
        why = "where the part is on the belt is not known" if begins is None else ""
        if begins is not None and is_pass and self._place(now_ns) - begins > self._late:
            why = "the part was at the gate before its verdict"
        if is_pass and self._meets_the_one_before(now_ns):
            why = "its pulse would have met the part before it, whose pulse was not over"
        if begins is not None:
            self._pulses.add(Window(answer.trigger, is_pass and not why, begins))
        self.advance(now_ns)
        told = Acted(answer, answer.verdict, now_ns)
        self._acted.append(not_told(answer, answer.verdict, why, now_ns) if why else told)

    def acted(self) -> list[Acted]:
        """The verdicts that were taken since the last call."""
        acted, self._acted = self._acted, []
        return acted

    def next_due_ns(self) -> int | None:
        """The next change of an output; with an encoder, as far as it is a matter of time."""
        begins = self._pulses.next_begin if self._belt is None else None
        moments = (self._next_beat_ns, self._pulses.ends_ns, None if begins is None else round(begins))
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self, now_ns: int) -> None:
        """Begins and ends pulses, and beats.

        Raises:
            LineError: If the outputs cannot be set.
        """
        for window in self._pulses.advance(self._place(now_ns), now_ns):
            became = "it was not let through" if window.is_pass else "it may have passed the ejector before"
            self._notes.fault(f"part {window.trigger}: its pulse came too late, {became}")
            self._notes.count("late_pulses", 1)
        if self._next_beat_ns is not None and now_ns >= self._next_beat_ns:
            self._beat = not self._beat
            self._next_beat_ns = now_ns + round(self._settings.heartbeat_ms * 1e6)
        self._show()

    def close(self) -> None:
        """Everything to rest, then the outputs are let go."""
        if self._outputs:
            try:
                set_levels(self._outputs, dict.fromkeys(self._levels, False))
            finally:
                self._outputs.release()

    def _place(self, now_ns: int) -> float:
        return now_ns if self._belt is None else self._belt.position_mm

    def _begin_of(self, answer: Answer, now_ns: int) -> float | None:
        """Where the part's window begins; None where that is not known."""
        if self._belt is not None and self._settings.distance_mm is not None:
            came_mm = self._belt.position_at_mm(answer.triggered_ns)
            return None if came_mm is None else came_mm + self._settings.distance_mm
        if self._settings.delay_ms is not None:
            return answer.triggered_ns + round(self._settings.delay_ms * 1e6)
        return now_ns

    def _meets_the_one_before(self, now_ns: int) -> bool:
        """Where pulses begin with their verdicts, the part before may still be there: both left at once."""
        is_at_once = self._belt is None and self._settings.delay_ms is None
        ends_ns = self._pulses.ends_ns
        return is_at_once and ends_ns is not None and now_ns < ends_ns

    def _forget(self, why: str) -> None:
        lost = self._pulses.drop()
        if lost:
            self._notes.count("late_pulses", len(lost))
            self._notes.fault(f"part {', '.join(map(str, lost))} was not let through: {why}")

    def _show(self) -> None:
        """Sets the outputs that have to change."""
        wanted: dict[int | str, bool] = {}
        level, settings = self._pulses.level, self._settings
        wanted[settings.pass_line] = level == "pass"
        if settings.not_pass_line is not None:
            wanted[settings.not_pass_line] = level == "not_pass"
        if settings.heartbeat_line is not None:
            wanted[settings.heartbeat_line] = self._beat
        changed = {line: is_active for line, is_active in wanted.items() if self._levels[line] != is_active}
        if changed:
            try:
                set_levels(self._outputs, changed)
            except LineError as error:  # were it tried again, it would open for a part of later
                self._forget(str(error))
                raise
            self._levels.update(changed)
