"""Holds the gate while two who count the same parts may not agree on them.

The camera that is the trigger is lost: parts go by that the line does not count, and a PLC does. Or the PLC
is lost: it may be started anew, and count anew. Each part after that would get its neighbour's verdict. So
the PLC is told that no part is inspected, and both count anew once camera and PLC are back.
"""

from __future__ import annotations

from taktsight.errors import LineError
from taktsight.inspect.gates.gate import Gate
from taktsight.inspect.notes import Notes

MIN_HOLD_NS = 1_000_000_000
"""A hold lasts so long at least: who counts at the other side must have seen it."""
LOOK_NS = 20_000_000
"""How often somebody looks then whether it may end."""


class Hold:
    """Held or not, since when, and how long that may go on."""

    def __init__(self, gate: Gate, notes: Notes, max_outage_s: float | None) -> None:
        self._gate = gate
        self._notes = notes
        self._max_outage_ns = None if max_outage_s is None else round(max_outage_s * 1e9)
        self._since_ns = self._shown_ns = self._looked_ns = 0
        self._lost_ns: int | None = None
        self.reason = ""
        """Why nothing passes, in words; "" while the line is not held."""
        self.trigger_reason = ""
        """The same where it was the trigger that was lost."""
        self.ended_ns = 0
        """Monotonic clock: parts that came before this moment are not to be told from those nobody saw."""

    def look(self, trouble: str, now_ns: int, plc_trouble: str = "") -> bool:
        """Begins or ends it, as the trouble says; whether it has ended just now.

        Args:
            trouble: why the trigger is lost; "" where it is not.
            now_ns: monotonic clock.
            plc_trouble: why the PLC, which counts for itself, may count anew.

        Raises:
            LineError: If the trigger was lost for longer than it may be.
        """
        self._looked_ns = now_ns
        if plc_trouble:
            self._begin(f"the PLC may count its parts anew: {plc_trouble}", now_ns)
            self._shown_ns = now_ns  # it sees the hold once it is back
        if trouble:
            self._go_on(f"the trigger is lost: {trouble}", now_ns)
        else:
            self._lost_ns = None
        if trouble or plc_trouble or not self.reason or not self._was_seen(now_ns):
            return False
        self._end(now_ns)
        return True

    def next_due_ns(self) -> int | None:
        """When :meth:`look` must be called, if nothing happens before."""
        if not self.reason:
            return None
        over_ns = max(self._shown_ns + MIN_HOLD_NS, self._looked_ns + LOOK_NS)
        if self._max_outage_ns is None or self._lost_ns is None:
            return over_ns
        return min(over_ns, self._lost_ns + self._max_outage_ns)

    def _was_seen(self, now_ns: int) -> bool:
        """Whether a PLC was there and was told; else it would not begin to count anew."""
        is_told = not self._gate.missing and self._gate.is_settled
        return is_told and now_ns >= self._shown_ns + MIN_HOLD_NS

    def _begin(self, reason: str, now_ns: int) -> None:
        if not self.reason:
            self.reason, self._since_ns, self._shown_ns = reason, now_ns, now_ns
            self._notes.fault(f"held: {reason}")
            self._gate.hold()

    def _go_on(self, reason: str, now_ns: int) -> None:
        self._begin(reason, now_ns)
        if not self.trigger_reason:
            self.trigger_reason = reason
            self._notes.count("trigger_outages", 1)
        self._lost_ns = now_ns if self._lost_ns is None else self._lost_ns
        lasted_ns = now_ns - self._lost_ns
        if self._max_outage_ns is not None and lasted_ns >= self._max_outage_ns:
            raise LineError(f"{reason}; for {lasted_ns / 1e9:.1f} s, trigger.max_outage_s is over")

    def _end(self, now_ns: int) -> None:
        held_s = (now_ns - self._since_ns) / 1e9
        self._notes.fault(
            f"the trigger is back after {held_s:.1f} s; parts that came meanwhile are known as far as the "
            "camera counted them"
            if self.trigger_reason
            else f"the PLC counts its parts anew, from 1, after {held_s:.1f} s; those that came meanwhile "
            "are UNINSPECTED"
        )
        self.reason = self.trigger_reason = ""
        self.ended_ns = now_ns
        self._gate.arm(now_ns)
