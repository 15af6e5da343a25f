"""What every trigger says: that a part is there, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Arrival:
    """A part has come."""

    triggered_ns: int
    """When it was there, or the earliest moment that it can have been; monotonic clock. Its time runs from
    here, however late anybody noticed."""
    serial: str | None = None
    """What is known of it upstream."""
    unseen: str = ""
    """Why nobody can look at it any more: it becomes UNINSPECTED. "" where it can be looked at."""
    number: int | None = None
    """What a PLC calls it; None where none does."""


class Trigger(Protocol):
    """The authority over parts. Only the line's loop calls it; nothing waits."""

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""

    def arm(self, now_ns: int, parts: int | None) -> None:
        """Parts count from now on; ``parts`` is what the cameras can show, None without end."""

    def disarm(self) -> None:
        """No part comes any more."""

    def next_due_ns(self) -> int | None:
        """When :meth:`fire` must be called, if nothing happens before; None where an event tells."""

    def fire(self, now_ns: int) -> Arrival | None:
        """The next part that has come; None where none has. Call it until it says None."""

    def close(self) -> None:
        """Lets go of what it listens to."""
