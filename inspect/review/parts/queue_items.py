"""What the queue hands out."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.store.values import Why


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A part that waits for somebody."""

    part: PartRow
    whys: tuple[Why, ...]
    """For which it waits, the rarest first. A page shows ``shown``, never these: SECOND and KNOWN must not
    be told apart."""
    priority: float
    p_wrong: float
    cost: float
    age: float
    """The factor, 1 to 31."""
    is_blind: bool = False
    """Verdict and colleagues are hidden."""
    truth: str | None = None
    """Of a known part; no page shows it before its decision."""

    @property
    def why(self) -> Why:
        """What a decision on it is recorded with."""
        return self.whys[0]

    @property
    def shown(self) -> Why:
        """What the page may say: a known part looks like a blind double."""
        return Why.SECOND if self.why is Why.KNOWN else self.why


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Parts in the order they are worth; blind doubles and known parts are not among them."""

    items: tuple[QueueItem, ...]
    total: int
    """How many wait and pass the filters."""
    next: str | None
    """Names the page after this one; None of the last."""
