"""How far two people agree on the same part: blind doubles held against the decisions that stand.

A decision that was undone, escalated or skipped says nothing of the part, and makes no pair. Of known
parts, how many were judged as they are. Nobody is named here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Decision, PartKey, Why
from taktsight.quality.kappas import Kappa, cohen_kappa

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the blind doubles show."""

    doubles: int
    """Parts that two people judged, neither knowing of the other."""
    kappa: Kappa | None
    """Cohen's, of first and second look; None before there is a pair."""
    known: int = 0
    """Looks at known parts."""
    known_right: int = 0


class Doubles:
    """Follows a store; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decided = 0
        self._changed = 0
        self._pairs: dict[PartKey, tuple[tuple[str, str], ...]] = {}
        self._known: dict[PartKey, tuple[int, int]] = {}
        self._shown: Agreed | None = None

    def of(self, store: ReviewStore, golden: Callable[[PartKey], str | None]) -> Agreed:
        """What stands now.

        Args:
            store: of the decisions.
            golden: the truth of a golden sample; None of any other part.
        """
        with self._lock:
            if self._follow(store, golden) or self._shown is None:
                self._shown = self._agreed()
            return self._shown

    def _follow(self, store: ReviewStore, golden: Callable[[PartKey], str | None]) -> bool:
        """Reads again the parts that were looked at blind, of those that changed."""
        touched: set[PartKey] = set()
        while decisions := store.decisions(self._decided, CHUNK):
            self._decided = decisions[-1].id
            for each in decisions:
                if each.blind or each.why is Why.KNOWN:
                    self._pairs.setdefault(each.part, ())
                    touched.add(each.part)
        while changes := store.changes(self._changed, CHUNK):
            self._changed = changes[-1][0]
            touched |= {part for _, part in changes if part in self._pairs}
        for part in touched:
            made = store.decisions_of(part)
            self._pairs[part] = pairs_of(made)
            self._known[part] = known_of(made, golden(part))
        return bool(touched)

    def _agreed(self) -> Agreed:
        pairs = [pair for key in sorted(self._pairs) for pair in self._pairs[key]]
        return Agreed(
            doubles=len(pairs),
            kappa=kappa_of(pairs),
            known=sum(looks for looks, _ in self._known.values()),
            known_right=sum(right for _, right in self._known.values()),
        )


def pairs_of(made: tuple[Decision, ...]) -> tuple[tuple[str, str], ...]:
    """First and second look at one part: what each says that it is.

    A blind look is held against the last one of somebody else that was made before it and was not blind.
    """
    found = []
    valid = [each for each in made if each.undone_by is None and each.truth is not None]
    for second in valid:
        if second.why is not Why.SECOND or not second.blind:
            continue
        before = [
            each.truth
            for each in valid
            if each.id < second.id and not each.blind and each.reviewer != second.reviewer
        ]
        if before and before[-1] is not None and second.truth is not None:
            found.append((before[-1], second.truth))
    return tuple(found)


def known_of(made: tuple[Decision, ...], truth: str | None = None) -> tuple[int, int]:
    """Looks at a part as a known one, and how many of them were right.

    Args:
        made: all decisions on the part.
        truth: of a golden sample; of other parts it is what people agreed on.
    """
    valid = [each for each in made if each.undone_by is None and each.truth is not None]
    truths = [each.truth for each in valid if each.why is not Why.KNOWN and not each.blind]
    looks = [each for each in valid if each.why is Why.KNOWN]
    truth = truth or (truths[-1] if truths else None)
    if truth is None:
        return 0, 0
    return len(looks), sum(each.truth == truth for each in looks)


def kappa_of(pairs: list[tuple[str, str]]) -> Kappa | None:
    """Cohen's kappa of the pairs, by what the part is said to be: good, or which defect."""
    if not pairs:
        return None
    names = sorted({name for pair in pairs for name in pair})
    codes = np.array([[names.index(name) for name in pair] for pair in pairs], np.intp)
    return cohen_kappa(codes[:, :1], codes[:, 1:], len(names))
