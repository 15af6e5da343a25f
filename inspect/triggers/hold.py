"""Holds the gate while the camera that is the trigger is lost: parts may go by that nobody counts.

A PLC that counts parts itself, and missed none, would give each one behind the gap its neighbour's verdict.
So it is told that no part is inspected, and counts anew once the camera is back.
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
        self._since_ns = self._looked_ns = 0
        self.reason = ""
        """Why nothing passes, in words; "" while the line is not held."""
        self.ended_ns = 0
        """Monotonic clock: parts that came before this moment are not to be told from those nobody saw."""

    def look(self, trouble: str, now_ns: int) -> bool:
        """Begins or ends it, as the trouble says; whether it has ended just now.

        Raises:
            LineError: If it went on for longer than it may.
        """
        self._looked_ns = now_ns
        if trouble:
            self._go_on(trouble, now_ns)
            return False
        if not self.reason or not self._was_seen(now_ns):
            return False
        held_s = (now_ns - self._since_ns) / 1e9
        self._notes.fault(
            f"the trigger is back after {held_s:.1f} s; parts that came meanwhile are known as far as the "
            "camera counted them"
        )
        self.reason, self.ended_ns = "", now_ns
        self._gate.arm(now_ns)
        return True

    def next_due_ns(self) -> int | None:
        """When :meth:`look` must be called, if nothing happens before."""
        if not self.reason:
            return None
        over_ns = max(self._since_ns + MIN_HOLD_NS, self._looked_ns + LOOK_NS)
        limit_ns = over_ns if self._max_outage_ns is None else self._since_ns + self._max_outage_ns
        return min(over_ns, limit_ns)

    def _was_seen(self, now_ns: int) -> bool:
        """Whether a PLC was there and was told; else it would not begin to count anew."""
        is_told = not self._gate.missing and self._gate.is_settled
        return is_told and now_ns >= self._since_ns + MIN_HOLD_NS

    def _go_on(self, trouble: str, now_ns: int) -> None:
        if not self.reason:
            self.reason, self._since_ns = f"the trigger is lost: {trouble}", now_ns
            self._notes.fault(f"held: {self.reason}")
            self._notes.count("trigger_outages", 1)
            self._gate.hold()
        lasted_ns = now_ns - self._since_ns
        if self._max_outage_ns is not None and lasted_ns >= self._max_outage_ns:
            raise LineError(f"{self.reason}; for {lasted_ns / 1e9:.1f} s, trigger.max_outage_s is over")
