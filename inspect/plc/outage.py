"""Whether the PLC can be relied on: what is wrong now, since when, and for how long that may go on."""

from __future__ import annotations

from typing import Literal

from taktsight.errors import LineError
from taktsight.inspect.notes import Notes

Trouble = Literal["connection", "heartbeat", "acknowledgement"]


class Outage:
    """One outage lasts until nothing is wrong any more, whatever it began with."""

    def __init__(self, name: str, max_outage_ns: int | None, notes: Notes) -> None:
        self.name = name
        self._max_outage_ns = max_outage_ns
        self._notes = notes
        self._troubles: dict[Trouble, str] = {}
        self._since_ns = 0
        self._was_well = False

    @property
    def is_over(self) -> bool:
        """Whether the PLC can be relied on."""
        return not self._troubles

    @property
    def reason(self) -> str:
        """What is wrong, in words; "" where nothing is."""
        return f"{self.name}: {next(iter(self._troubles.values()))}" if self._troubles else ""

    @property
    def program_stands(self) -> bool:
        """Whether the PLC's program is not known to run, though its server may answer."""
        return "heartbeat" in self._troubles

    def begin(self, trouble: Trouble, reason: str, now_ns: int) -> None:
        """Something is wrong, or still is."""
        if not self._troubles:
            self._since_ns = now_ns
            if self._was_well:  # before that, the line only waits for its PLC
                self._notes.fault(f"{self.name}: {reason}; parts are UNINSPECTED")
                self._notes.count("plc_outages", 1)
        self._troubles[trouble] = reason

    def end(self, trouble: Trouble, now_ns: int) -> None:
        """That is well again."""
        if self._troubles.pop(trouble, None) is None or self._troubles:
            return
        if self._was_well:
            self._notes.fault(f"{self.name}: back after {(now_ns - self._since_ns) / 1e9:.1f} s")
        self._was_well = True

    def next_due_ns(self) -> int | None:
        """When :meth:`check` must be called."""
        if self.is_over or self._max_outage_ns is None:
            return None
        return self._since_ns + self._max_outage_ns

    def check(self, now_ns: int) -> None:
        """Nothing, as long as it may go on.

        Raises:
            LineError: If it went on too long.
        """
        due_ns = self.next_due_ns()
        if due_ns is not None and now_ns >= due_ns:
            lasted_s = (now_ns - self._since_ns) / 1e9
            raise LineError(f"{self.reason}; for {lasted_s:.1f} s, which is more than max_outage_s")
