"""An edge on an input of this computer, with the kernel's own time of it."""

from __future__ import annotations

import selectors

from taktsight.inspect.gpio.edges import Edge, EdgeInput
from taktsight.inspect.notes import Notes
from taktsight.inspect.triggers.arrivals import MAX_LOST, Arrivals
from taktsight.inspect.triggers.min_takt import MinTakt
from taktsight.inspect.triggers.settings import GpioTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival


class GpioTrigger:
    """A part for each edge that is not the bounce of the one before."""

    def __init__(
        self, settings: GpioTriggerSettings, selector: selectors.BaseSelector, notes: Notes
    ) -> None:
        self._arrivals = Arrivals(settings.parts)
        self._min_takt = MinTakt(round(settings.min_takt_ms * 1e6))
        self._notes = notes
        self._earliest_ns = 0
        self._input = EdgeInput(settings, settings.edge, selector, self._see)

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""
        return self._arrivals.exhausted

    def arm(self, now_ns: int, parts: int | None) -> None:
        """Edges from now on are parts."""
        self._earliest_ns = max(self._earliest_ns, now_ns)
        self._arrivals.arm(parts)

    def disarm(self) -> None:
        """No part comes any more."""
        self._arrivals.disarm()

    def next_due_ns(self) -> int | None:
        """At once, while a part waits to be taken."""
        return self._arrivals.next_due_ns()

    def fire(self, now_ns: int) -> Arrival | None:
        """The next part that has come."""
        return self._arrivals.take()

    def close(self) -> None:
        """Lets go of the input."""
        self._input.close()

    def _see(self, edge: Edge) -> None:
        earliest_ns, self._earliest_ns = self._earliest_ns, max(self._earliest_ns, edge.at_ns)
        if edge.lost:
            self._lose(edge.lost, earliest_ns)
        if self._min_takt.is_bounce(edge.at_ns):
            self._notes.count("bounces", 1)
        else:
            self._arrivals.add(Arrival(edge.at_ns))

    def _lose(self, lost: int, earliest_ns: int) -> None:
        """Bounces or parts: nobody can tell, so each may be a part that nobody looked at."""
        self._notes.count("lost_triggers", lost)
        why = f"the trigger was lost: {lost} edges came faster than they were fetched"
        if lost > MAX_LOST or not self._arrivals.has_room:
            self._notes.fault(f"gpio: {lost} edges were lost at once; they are no parts of their own")
            return
        for _ in range(lost):
            self._arrivals.add(Arrival(earliest_ns, unseen=why))
