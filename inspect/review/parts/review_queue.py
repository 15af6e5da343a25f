"""The review queue: which part a person looks at next, and why.

Parts that were flagged, drawn for an audit, disputed or near an alarm of drift wait here until somebody
has decided. In between come blind doubles and parts whose truth is known, which the list of the queue
never shows. The same store and index give the same queue; docs/review_queue.md says how it is ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from taktsight.bundle import Bundle
from taktsight.inspect.review.parts import doubles
from taktsight.inspect.review.parts.audits import AuditProgress
from taktsight.inspect.review.parts.index import PartIndex, utc_now
from taktsight.inspect.review.parts.known import KnownPart, KnownParts
from taktsight.inspect.review.parts.looks import Store
from taktsight.inspect.review.parts.priority import Ranked, in_turn
from taktsight.inspect.review.parts.queue_items import QueueItem, QueuePage
from taktsight.inspect.review.parts.ranking import Ranking, limits_of
from taktsight.inspect.review.parts.rows import EVERY, Filters
from taktsight.inspect.review.parts.waiting import WHYS, whys_of
from taktsight.inspect.review.pictures.ids import read_secret
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.recipe import Recipe

MAX_PAGE = 200
MAX_PLACE = 100_000
"""Nobody turns pages so far."""
TRIED = 256
"""Parts that a reviewer is offered one after the other, until one is nobody else's."""
LATELY = 200
"""Decisions over which each Why gets its share."""


class Queue:
    """Any thread may ask."""

    def __init__(
        self,
        index: PartIndex,
        store: Store,
        settings: Settings | None = None,
        *,
        bundles: Sequence[Bundle] = (),
        recipes: Sequence[Recipe] = (),
        golden: Sequence[Bundle] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """A queue over an index and what people decided.

        Args:
            index: somebody else lets it follow the ledger.
            store: of decisions.
            settings: None for those of the store, as they are when somebody asks.
            bundles: give limits and weights of labels.
            recipes: of stations that do not judge by a bundle's own.
            golden: bundles whose samples come among the known parts; with a store that takes decisions on
                parts of :meth:`KnownParts.judged`, which no ledger has. Without, known parts are those of
                the ledger on which people agree.
            now: ages are counted to it.
        """
        self._index = index
        self._store = store
        self._settings = settings
        self._now = now
        self._secret = read_secret(index.folder)
        self._ranking = Ranking(index, store, limits_of(bundles, recipes), bundles)
        self.known = KnownParts(index, golden)
        self.audits = self._ranking.audits

    def follow(self) -> None:
        """Takes in what is new of index, store, audit lists and alarms.

        Every question does so too; where somebody calls this in between, no question waits for it.
        """
        self._ranking.follow()

    def page(self, filters: Filters = EVERY, after: str | None = None, most: int = 50) -> QueuePage:
        """Parts in their order.

        Args:
            filters: which.
            after: ``next`` of the page before.
            most: how many.
        """
        self._ranking.follow()
        settings = self._settings_now()
        ranked = self._ranking.ranked(filters, settings, self._now_ms())
        place = min(int(after), MAX_PLACE) if after and after.isdecimal() and len(after) < 8 else 0
        most = min(most, MAX_PAGE)
        rows = in_turn(ranked, settings, self._decided_lately(), place + most)[place:].tolist()
        total = int(ranked.columns.seq.size)
        items = self._items(ranked, rows)
        return QueuePage(items, total, str(place + most) if place + most < total and rows else None)

    def next_for(
        self,
        reviewer: str,
        filters: Filters = EVERY,
        held: Collection[PartKey] = (),
        besides: Collection[PartKey] = (),
    ) -> QueueItem | None:
        """The part that somebody looks at next, which nobody else is looking at; None where none is left.

        It is the reviewer's for as long as a claim lasts. What the reviewer has skipped or escalated is not
        offered again.

        Args:
            reviewer: for whom.
            filters: which parts.
            held: parts that the reviewer was given before and has not decided yet: they count in the blocks
                of blind doubles and known parts as if they were.
            besides: other parts that are not to be given now.
        """
        self._ranking.follow()
        settings = self._settings_now()
        passed_over = {*held, *besides}
        known = self._known_turn(reviewer, settings, len(held))
        if known is not None and known.part.key not in passed_over:
            return known
        second = self._second_turn(reviewer, settings, len(held), passed_over)
        if second is not None:
            return second
        for item in self._candidates(reviewer, filters, settings, len(passed_over)):
            if item.part.key in passed_over:
                continue
            if self._store.claim(reviewer, item.part.key) is None:
                return item
        return None

    def item(self, reviewer: str, key: PartKey) -> QueueItem | None:
        """A part as the queue would hand it to this reviewer now; None where it is not known at all.

        With what a decision on it is recorded is said here and not by the page: a form could be read.
        """
        self._ranking.follow()
        settings = self._settings_now()
        golden = self.known.part(key)
        if golden is not None:
            return _known_item(golden)
        seq = self._index.ledger.seq_of(key)
        if seq is None:
            return None
        turn = self._known_turn(reviewer, settings)
        if turn is not None and turn.part.key == key:
            return turn
        if any(second.part == seq for second in self._seconds_for(reviewer, settings)):
            return self._second(seq, settings)
        ranked = self._ranking.ranked(EVERY, settings, self._now_ms())
        row = int(ranked.columns.seq.searchsorted(seq))
        if row < ranked.columns.seq.size and ranked.columns.seq[row] == seq:
            return next(iter(self._items(ranked, [row])), None)
        return self._unwaited(seq, settings)

    def total(self, filters: Filters = EVERY) -> int:
        """How many parts wait."""
        self._ranking.follow()
        return int(self._ranking.ranked(filters, self._settings_now(), self._now_ms()).columns.seq.size)

    def audit_progress(self) -> tuple[AuditProgress, ...]:
        """How far each audit list has come, with what was decided until now."""
        self._ranking.follow()
        return self.audits.progress()

    def _candidates(
        self, reviewer: str, filters: Filters, settings: Settings, more: int
    ) -> Iterator[QueueItem]:
        ranked = self._ranking.ranked(filters, settings, self._now_ms())
        rows = in_turn(
            ranked, settings, self._decided_lately(), TRIED + more + self._own_waiting(reviewer)
        ).tolist()
        with self._index.connections.one() as connection:
            seqs = ranked.columns.seq[rows].tolist()
            seen = doubles.parts_seen_by(connection, reviewer, seqs)
        left = [row for row, seq in zip(rows, seqs, strict=True) if seq not in seen]
        for start in range(0, len(left), 8):
            yield from self._items(ranked, left[start : start + 8])

    def _own_waiting(self, reviewer: str) -> int:
        """Waiting parts that the reviewer skipped or escalated: none of them is offered."""
        query = (
            "SELECT count(DISTINCT part) FROM looks JOIN parts ON parts.seq = looks.part "
            "WHERE reviewer = ? AND undone = 0 AND is_waiting <> 0"
        )
        with self._index.connections.one() as connection:
            return min(int(connection.execute(query, (reviewer,)).fetchone()[0]), MAX_PLACE)

    def _known_turn(self, reviewer: str, settings: Settings, held: int = 0) -> QueueItem | None:
        """The known part that this reviewer gets now; None where it is not its turn."""
        if settings.known_share <= 0:
            return None
        block = doubles.block_of(settings.known_share)
        with self._index.connections.one() as connection:
            count = doubles.looks_by(connection, reviewer) + held
            purpose = f"known\0{reviewer}"
            if not doubles.is_turn(self._secret, purpose, count, block):
                return None
            agreed = doubles.agreed(connection)
            seen = doubles.parts_seen_by(connection, reviewer, [seq for seq, _ in agreed])
        pool: list[KnownPart | tuple[int, str]] = [*self.known.all()]
        pool += [(seq, truth) for seq, truth in agreed if seq not in seen]
        if not pool:
            return None
        found = pool[doubles.pick(self._secret, f"{purpose}\0{count}", len(pool))]
        if isinstance(found, KnownPart):
            return _known_item(found)
        return self._of_part(found[0], settings, Why.KNOWN, truth=found[1])

    def _second_turn(
        self, reviewer: str, settings: Settings, held: int, passed_over: Collection[PartKey]
    ) -> QueueItem | None:
        """The part that this reviewer judges blind now; None where it is not its turn, or none waits."""
        waiting = self._seconds_for(reviewer, settings)
        block = max(1, doubles.block_of(settings.blind_share) // 2)
        with self._index.connections.one() as connection:
            count = doubles.looks_by(connection, reviewer) + held
        if not waiting or not doubles.is_turn(self._secret, f"slot\0{reviewer}", count, block):
            return None
        for second in waiting[:TRIED]:
            item = self._second(second.part, settings)
            # Who decided it first may still have it claimed, and is done with it.
            if item is None or item.part.key in passed_over:
                continue
            if self._store.claim(reviewer, item.part.key) in (None, second.first):
                return item
        return None

    def _seconds_for(self, reviewer: str, settings: Settings) -> list[doubles.Second]:
        with self._index.connections.one() as connection:
            waiting = doubles.seconds(connection, self._secret, settings.blind_share)
            seen = doubles.parts_seen_by(connection, reviewer, [second.part for second in waiting])
        return [second for second in waiting if second.first != reviewer and second.part not in seen]

    def _second(self, seq: int, settings: Settings) -> QueueItem | None:
        return self._of_part(seq, settings, Why.SECOND)

    def _of_part(
        self, seq: int, settings: Settings, why: Why, *, truth: str | None = None
    ) -> QueueItem | None:
        """A part that does not wait like others, and is shown blind."""
        ranked = self._ranking.of_parts([seq], 0, settings, self._now_ms())
        for item in self._items(ranked, range(ranked.columns.seq.size)):
            return _as(item, why, is_blind=True, truth=truth)
        return None

    def _unwaited(self, seq: int, settings: Settings) -> QueueItem | None:
        """A part that waits for nothing, and that somebody opened by its name."""
        ranked = self._ranking.of_parts([seq], 0, settings, self._now_ms())
        for item in self._items(ranked, range(ranked.columns.seq.size)):
            outcome = item.part.outcome.value.lower()
            return _as(item, Why.AUDIT if outcome == "pass" else Why(outcome))
        return None

    def _items(self, ranked: Ranked, rows: Sequence[int]) -> tuple[QueueItem, ...]:
        columns, priority = ranked.columns, ranked.priority
        by_seq = {int(columns.seq[row]): row for row in rows}
        return tuple(
            QueueItem(
                part,
                whys_of(int(columns.whys[by_seq[part.seq]])),
                float(priority[by_seq[part.seq]]),
                float(ranked.p_wrong[by_seq[part.seq]]),
                float(ranked.cost[by_seq[part.seq]]),
                float(ranked.age[by_seq[part.seq]]),
            )
            for part in self._index.parts(list(by_seq))
        )

    def _decided_lately(self) -> Mapping[Why, int]:
        query = (
            "SELECT why, count(*) FROM (SELECT why FROM looks WHERE undone = 0 "
            "AND why NOT IN ('known', 'second') ORDER BY id DESC LIMIT ?) GROUP BY why"
        )
        with self._index.connections.one() as connection:
            found = {row[0]: row[1] for row in connection.execute(query, (LATELY,))}
        return {why: found[why.value] for why in WHYS if why.value in found}

    def _settings_now(self) -> Settings:
        return self._settings or self._store.settings()

    def _now_ms(self) -> int:
        return round(self._now().timestamp() * 1000)


def _as(item: QueueItem, why: Why, *, is_blind: bool = False, truth: str | None = None) -> QueueItem:
    numbers = (item.priority, item.p_wrong, item.cost, item.age)
    return QueueItem(item.part, (why,), *numbers, is_blind, truth)


def _known_item(known: KnownPart) -> QueueItem:
    return QueueItem(known.row, (Why.KNOWN,), 0.0, 0.0, 0.0, 1.0, is_blind=True, truth=known.truth)
