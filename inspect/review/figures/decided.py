"""What people said of parts, as it comes: which truth stands, who said what without knowing of others."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import decisions, undos
from taktsight.inspect.review.store.values import Choice, PartKey, Why
from taktsight.records import Outcome

CHUNK = 2000
BUDGET_S = 0.5
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said of a part."""

    id: int
    reviewer: str
    choice: Choice
    why: Why
    blind: bool
    truth: str | None
    is_undone: bool = False

    @property
    def speaks(self) -> bool:
        """Whether it says what the part is, and still does."""
        return self.truth is not None and not self.is_undone

    @property
    def settles(self) -> bool:
        """Whether it can be the truth of its part; as the store's ``standing`` has it."""
        is_silent = self.blind or self.why is Why.KNOWN or self.choice is Choice.SKIP
        return not is_silent and not self.is_undone


@dataclass(frozen=True, slots=True)
class Spoken:
    """One part, and all that was said of it."""

    key: PartKey
    seq: int
    """Of its verdict's row in the ledger; 0 where the ledger has none."""
    outcome: Outcome | None
    opinions: tuple[Opinion, ...]
    """In order."""

    @property
    def standing(self) -> Opinion | None:
        """The opinion that stands."""
        settling = [opinion for opinion in self.opinions if opinion.settles]
        return settling[-1] if settling else None

    @property
    def truth(self) -> str | None:
        """What the part is: "good", a label, or None where nobody says."""
        return self.standing.truth if self.standing else None

    def independent(self) -> dict[str, str]:
        """Reviewer → truth, of those who did not know what others said: the first, and all blind ones."""
        said: dict[str, str] = {}
        others: set[str] = set()
        for opinion in self.opinions:
            if opinion.why is Why.KNOWN or opinion.truth is None:
                continue
            if not opinion.is_undone and (opinion.blind or not others - {opinion.reviewer}):
                said[opinion.reviewer] = opinion.truth
            others.add(opinion.reviewer)
        return said


class Decided:
    """All decisions of a store; any thread may ask."""

    def __init__(self, store: ReviewStore, index: PartIndex) -> None:
        self._store = store
        self._index = index
        self._lock = threading.Lock()
        self._parts: dict[PartKey, Spoken] = {}
        self._part_of: dict[int, PartKey] = {}
        self._last = (0, 0)

    @property
    def version(self) -> tuple[int, int]:
        """Numbers of the last decision and the last undo that are in it: with them figures are kept."""
        return self._last

    def catch_up(self, budget_s: float = BUDGET_S) -> bool:
        """Takes in what is new; whether that was all of it."""
        until = time.monotonic() + budget_s
        with self._lock:
            while True:
                is_all = self._take()
                if is_all or time.monotonic() > until:
                    return is_all

    def parts(self) -> list[Spoken]:
        """Every part that somebody said something of, in the order it was first said."""
        with self._lock:
            return list(self._parts.values())

    def of(self, key: PartKey) -> Spoken | None:
        """One part; None where nobody said anything."""
        with self._lock:
            return self._parts.get(key)

    def _take(self) -> bool:
        made, undone = self._last
        new = (
            sa.select(
                *(decisions.c[name] for name in ("id", "run", "trigger", "reviewer", "choice", "why")),
                *(decisions.c[name] for name in ("blind", "truth")),
            )
            .where(decisions.c.id > made)
            .order_by(decisions.c.id)
            .limit(CHUNK)
        )
        gone = sa.select(undos.c.id, undos.c.decision).where(undos.c.id > undone).order_by(undos.c.id)
        with self._store.book.reading() as connection:
            rows = connection.execute(new).all()
            taken_back = connection.execute(gone).all()
        grouped: dict[PartKey, list[Opinion]] = defaultdict(list)
        for row in rows:
            opinion = Opinion(
                row.id, row.reviewer, Choice(row.choice), Why(row.why), bool(row.blind), row.truth
            )
            grouped[PartKey(row.run, row.trigger)].append(opinion)
        for key, opinions in grouped.items():
            known = self._parts.get(key) or self._new(key)
            self._parts[key] = replace(known, opinions=(*known.opinions, *opinions))
            self._part_of.update((opinion.id, key) for opinion in opinions)
        for row in taken_back:
            if row.decision not in self._part_of:  # its decision comes with the next rows
                break
            self._undo(row.decision)
            undone = row.id
        self._last = (rows[-1].id if rows else made, undone)
        return len(rows) < CHUNK

    def _new(self, key: PartKey) -> Spoken:
        verdict = self._index.ledger.of_part(key).get("verdict") if self._index.ledger.is_there else None
        if verdict is None:
            return Spoken(key, 0, None, ())
        return Spoken(key, verdict["seq"], _OUTCOMES.get(verdict["outcome"]), ())

    def _undo(self, decision: int) -> None:
        known = self._parts[self._part_of[decision]]
        opinions = tuple(
            replace(opinion, is_undone=True) if opinion.id == decision else opinion
            for opinion in known.opinions
        )
        self._parts[known.key] = replace(known, opinions=opinions)


def flagged_parts(parts: list[Spoken], first: int, last: int) -> Iterator[Spoken]:
    """Those between two rows of the ledger that did not pass though the station looked at them."""
    for part in parts:
        if first <= part.seq <= last and part.outcome in (Outcome.REJECT, Outcome.REVIEW):
            yield part
