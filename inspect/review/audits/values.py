"""An audit as it stands in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taktsight.inspect.review.store.values import PartKey

ACTION = "draw audit"
BY = ("", "day", "run", "score")
"""What strata can be made of: nothing, the day, the run, the tenth that the score lies in."""


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """A passed part that somebody looks at once more."""

    key: PartKey
    serial: str
    """Empty where it has none."""
    stratum: str


@dataclass(frozen=True, slots=True)
class Audit:
    """A draw. A later one of the same population and seed contains it."""

    id: int
    """Number of the log row."""
    utc: str
    actor: str
    seed: int
    by: str
    allocation: str
    run: str
    """Empty: of all runs."""
    since: str
    """A day, or empty."""
    first: int
    """Rows of the ledger that the population lies between, both among them."""
    last: int
    strata: Mapping[str, int]
    """Stratum → parts that passed."""
    others: Mapping[str, int]
    """Outcome → parts of the same rows that did not pass."""
    parts: tuple[DrawnPart, ...]
    """Of each stratum in the order that they were drawn in: any number of first ones is a random sample."""
    claim_ppm: float
    reason: str

    @property
    def passed(self) -> int:
        """Parts that the audit speaks of."""
        return sum(self.strata.values())
