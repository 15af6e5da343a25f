"""What every gate does with a verdict, and what it says of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from taktsight.inspect.conductor import Answer
from taktsight.records import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of a verdict: for the meters and the ledger."""

    answer: Answer
    verdict: Verdict
    """What the gate was told. What it was not told is UNINSPECTED, for it did nothing."""
    told_ns: int
    """When the gate had it; monotonic clock."""


class Gate(Protocol):
    """Takes the verdict of each part, in trigger order. Only the line's loop calls it; nothing waits."""

    @property
    def missing(self) -> str:
        """What it needs before parts may come, in words; "" where it is ready."""

    @property
    def is_settled(self) -> bool:
        """Whether everything it was given has become of something."""

    def arm(self, now_ns: int) -> None:
        """Parts come from now on."""

    def hold(self) -> None:
        """Parts may go by that nobody counts, until :meth:`arm` is called again: safe, and said."""

    def disarm(self) -> None:
        """No part comes any more; what it was given is still carried out."""

    def abandon(self, why: str) -> None:
        """What it was given and has not carried out never will be: nothing passes, and it says so."""

    def act(self, answer: Answer) -> None:
        """Takes the verdict of a part.

        Raises:
            LineError: If the gate cannot act; it does nothing for this part, nor for those after it.
        """

    def acted(self) -> list[Acted]:
        """What became of verdicts since it was asked last, in trigger order."""

    def next_due_ns(self) -> int | None:
        """When :meth:`advance` must be called; None while nothing is due."""

    def advance(self, now_ns: int) -> None:
        """Does what is due.

        Raises:
            LineError: If the gate cannot act any more.
        """

    def close(self) -> None:
        """Goes to the safe state, and lets go."""


def not_told(answer: Answer, verdict: Verdict, why: str, now_ns: int) -> Acted:
    """A part whose verdict the gate did not get."""
    said = "" if verdict.outcome is Outcome.UNINSPECTED else f" {verdict.outcome.value}"
    reasons = (f"the gate was not told{said}: {why}", *verdict.reasons)
    return Acted(answer, Verdict(Outcome.UNINSPECTED, reasons), now_ns)
