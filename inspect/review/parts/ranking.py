"""The parts that wait, ranked: what is in memory follows index, decisions, audit lists and alarms."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taktsight.bundle import Bundle
from taktsight.inspect.review.parts.audits import Audits
from taktsight.inspect.review.parts.chance import (
    UNKNOWN,
    Chances,
    Floats,
    Ints,
    learn,
    limit_table,
    positions_of,
    wrong,
)
from taktsight.inspect.review.parts.drifting import Drifting
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.ledger_reader import as_json
from taktsight.inspect.review.parts.looks import Looks, Store
from taktsight.inspect.review.parts.priority import WEIGHT_OF, Ranked, age_factors, costs
from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.parts.search import after_prefix, as_milliseconds
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.inspect.review.parts.waiting import BITS, BY_NUMBER, Columns, Waiting, columns_of
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import GOOD, Why
from taktsight.recipe import Limit, Recipe

MAX_LEARNED = 5000
"""Decisions that P(wrong) is learned from, the newest."""
MAX_SERIALS = 50_000
"""Parts whose serial begins as a filter says, that are looked for among those that wait."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What ages do not change."""

    columns: Columns
    chances: Chances
    price: tuple[float, float]
    p_wrong: Floats
    cost: Floats


class Ranking:
    """Any thread may ask; following takes its turn."""

    def __init__(
        self,
        index: PartIndex,
        store: Store,
        limits: Mapping[str, Sequence[Limit]],
        bundles: Sequence[Bundle],
    ) -> None:
        """``limits``: of recipes, by their digest."""
        self._index = index
        self._looks = Looks(index, store)
        self.audits = Audits(index)
        self._drifting = Drifting(index)
        self._limits = dict(limits)
        self._described = {each.name: each.severity for bundle in bundles for each in bundle.card.described}
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._chances = Chances()
        self._table: dict[tuple[int, int], tuple[float, float]] = {}
        self._weights: dict[int, float] = {}
        self._weighed: _Weighed | None = None
        self._generation = -1
        self._names = -1

    def follow(self) -> None:
        """Takes in what is new. Comes back soon."""
        with self._lock:
            changed = self._looks.sync()
            decided = bool(changed)
            changed = [*changed, *self.audits.sync(), *self._drifting.sync()]
            with self._index.connections.one() as connection:
                self._waiting.follow(connection, changed, self._index.generation)
                names = connection.execute("SELECT count(*) FROM names").fetchone()[0]
                is_new = (self._index.generation, names) != (self._generation, self._names)
                if is_new:
                    self._read_names(connection)
                if is_new or decided:
                    self._chances = self._learn(connection)
            self._generation, self._names = self._index.generation, names

    def ranked(self, filters: Filters, settings: Settings, now_ms: int) -> Ranked:
        """The waiting parts that pass the filters, in no order yet."""
        weighed = self._weighed_now(settings)
        columns, p_wrong, cost = weighed.columns, weighed.p_wrong, weighed.cost
        rows = self._passing(columns, filters)
        if rows is not None:
            columns, p_wrong, cost = columns.at_rows(rows), p_wrong[rows], cost[rows]
        return Ranked(columns, p_wrong, cost, age_factors(columns, now_ms))

    def of_parts(self, seqs: Sequence[int], whys: int, settings: Settings, now_ms: int) -> Ranked:
        """Parts that may not wait at all, in the order of their numbers."""
        with self._index.connections.one() as connection:
            columns = read_columns(connection, seqs)
        columns = replace(columns, whys=np.full(columns.seq.shape, whys, np.int64))
        p_wrong = self._wrong(columns, self._chances)
        return Ranked(
            columns, p_wrong, costs(columns, settings, self._weights), age_factors(columns, now_ms)
        )

    def _weighed_now(self, settings: Settings) -> _Weighed:
        """P(wrong) and cost of all that waits; made again where anything they come from is another one."""
        columns, chances = self._waiting.columns, self._chances
        known, price = self._weighed, (settings.cost_escape, settings.cost_overkill)
        if known and known.columns is columns and known.chances is chances and known.price == price:
            return known
        cost = costs(columns, settings, self._weights)
        self._weighed = found = _Weighed(columns, chances, price, self._wrong(columns, chances), cost)
        return found

    def _wrong(self, columns: Columns, chances: Chances) -> Floats:
        defective = chances.of_positions(self._positions(columns))
        found = wrong(defective, columns.outcome)
        # Where people disagree, or parts look otherwise than those that the limits were set with, a score
        # says no more than it does of a part that nobody judged.
        unsure = (columns.whys & (BITS[Why.DISAGREEMENT] | BITS[Why.DRIFT])) != 0
        return np.where(unsure, np.maximum(found, UNKNOWN), found)

    def _positions(self, columns: Columns) -> Floats:
        review, reject = np.full(columns.seq.shape, np.nan), np.full(columns.seq.shape, np.nan)
        for (recipe, label), (low, high) in self._table.items():
            rows = (columns.recipe == recipe) & (columns.label == label)
            review[rows], reject[rows] = low, high
        return positions_of(columns.score, columns.outcome, review, reject)

    def _read_names(self, connection: sqlite3.Connection) -> None:
        names: dict[str, dict[int, str]] = {"label": {}, "recipe": {}}
        for number, kind, name in connection.execute(
            "SELECT id, kind, name FROM names WHERE kind <> 'lot'"
        ):
            names[kind][number] = name
        self._table = limit_table(self._limits, names["recipe"], names["label"])
        self._weights = {
            number: WEIGHT_OF[self._described[label]]
            for number, label in names["label"].items()
            if label in self._described
        }

    def _learn(self, connection: sqlite3.Connection) -> Chances:
        query = (
            "SELECT part, truth FROM looks WHERE undone = 0 AND truth IS NOT NULL AND part > 0 "
            "AND why <> 'known' AND blind = 0 ORDER BY id DESC LIMIT ?"
        )
        truths = {row[0]: row[1] for row in connection.execute(query, (MAX_LEARNED,)).fetchall()[::-1]}
        columns = read_columns(connection, sorted(truths))
        defective = np.array([truths[seq] != GOOD for seq in columns.seq.tolist()], np.bool_)
        return learn(self._positions(columns), defective)

    def _passing(self, columns: Columns, filters: Filters) -> Ints | None:
        """Rows that pass; None for all."""
        if filters == Filters():
            return None
        passing = np.ones(columns.seq.shape, np.bool_)
        if filters.outcomes:
            wanted = np.array([outcome in filters.outcomes for outcome in OUTCOMES])
            passing &= wanted[columns.outcome]
        if filters.whys:
            passing &= (columns.whys & sum(BITS.get(why, 0) for why in filters.whys)) != 0
        for moment, is_since in ((filters.since, True), (filters.until, False)):
            if moment is not None:
                edge = as_milliseconds(moment)
                passing &= (columns.at >= edge) if is_since else (columns.at < edge)
        with self._index.connections.one() as connection:
            for name, kind, numbers in (
                (filters.label, "label", columns.label),
                (filters.lot, "lot", columns.lot),
            ):
                if name:
                    passing &= numbers == _number(connection, kind, name)
            if filters.run is not None or filters.station is not None:
                passing &= _of_runs(columns.run, _runs(connection, filters))
            if filters.serial:
                passing &= _among(columns.seq, _with_serial(connection, filters.serial))
        return np.flatnonzero(passing)


def limits_of(bundles: Sequence[Bundle], recipes: Sequence[Recipe] = ()) -> dict[str, tuple[Limit, ...]]:
    """Limits by the digest of the recipe that judges by them.

    Args:
        bundles: judge by their own recipe where a station names none.
        recipes: of stations, as :func:`taktsight.inspect.references.read_recipe` returns them.
    """
    own = [bundle.card.own_recipe() for bundle in bundles]
    return {recipe.digest: recipe.limits for recipe in (*own, *recipes)}


def read_columns(connection: sqlite3.Connection, seqs: Sequence[int]) -> Columns:
    """Parts by the numbers of their verdicts' rows, ascending; those that are not there are left out."""
    return columns_of(connection.execute(BY_NUMBER, (as_json(seqs),)).fetchall(), {})


def _among(ascending: Ints, wanted: Ints) -> NDArray[np.bool_]:
    """(N,) whether each is wanted; sorts the few and not the many."""
    found = np.zeros(ascending.shape, np.bool_)
    places = np.searchsorted(ascending, wanted)
    inside = places < ascending.size
    places, wanted = places[inside], wanted[inside]
    found[places[ascending[places] == wanted]] = True
    return found


def _of_runs(run: Ints, wanted: Sequence[int]) -> NDArray[np.bool_]:
    table = np.zeros(max([*wanted, int(run.max(initial=0))]) + 1, np.bool_)
    table[list(wanted)] = True
    return np.asarray(table[run])


def _number(connection: sqlite3.Connection, kind: str, name: str) -> int:
    query = "SELECT id FROM names WHERE kind = ? AND name = ?"
    found = connection.execute(query, (kind, name)).fetchone()
    return int(found[0]) if found else -1


def _runs(connection: sqlite3.Connection, filters: Filters) -> list[int]:
    query = "SELECT id FROM runs WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR station = ?2)"
    return [row[0] for row in connection.execute(query, (filters.run, filters.station))]


def _with_serial(connection: sqlite3.Connection, serial: str) -> NDArray[np.int64]:
    beginning = serial.casefold()
    query = "SELECT seq FROM parts WHERE serial >= ? AND serial < ? LIMIT ?"
    found = connection.execute(query, (beginning, after_prefix(beginning), MAX_SERIALS))
    return np.array([row[0] for row in found], np.int64)
