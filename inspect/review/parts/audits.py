"""Audit lists beside the review: passed parts that were drawn to be looked at once more.

    RECORDS/review/audits/*.csv     as ``taktsight audit draw records/ --list`` writes them

The column ``truth`` stays empty there: what was decided stands in the store, and the figures are taken
from it.
"""

from __future__ import annotations

import csv
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import DataError, ReviewError
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.ledger_reader import as_json
from taktsight.inspect.review.parts.looks import settle_part
from taktsight.inspect.review.store.values import GOOD, PartKey, Why
from taktsight.quality.audit_draw import Allocation, Drawn, draw
from taktsight.quality.audit_estimate import Stratum
from taktsight.quality.audit_file import audit_list
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)

FOLDER = "audits"
MAX_LIST_BYTES = 32 << 20
MAX_PASSED = 1_000_000
"""Passed parts that one draw from the ledger can be of."""
By = str
"""What strata are made of: "", "run", "day" or "lot"."""


@dataclass(frozen=True, slots=True)
class AuditProgress:
    """How far a list has come."""

    name: str
    drawn: int
    decided: int
    defective: int
    strata: tuple[Stratum, ...]
    """Parts passed, looked at and found defective, of strata of which any was looked at: what
    :func:`taktsight.quality.audit_estimate.estimate` takes."""


class Audits:
    """Keeps the index up to date with the lists."""

    def __init__(self, index: PartIndex) -> None:
        self._index = index
        self._folder = index.folder / FOLDER
        self._seen: tuple[object, ...] = ()

    def sync(self) -> list[int]:
        """Takes in lists that are new, changed or gone: numbers of the parts it is about."""
        stamp = (self._index.generation, self._stamp())
        if stamp == self._seen:
            return []
        wanted = {seq for drawn in self.lists().values() for each in drawn if (seq := self._seq(each.part))}
        changed = replace_why(self._index, Why.AUDIT, wanted)
        self._seen = stamp
        return changed

    def lists(self) -> dict[str, tuple[Drawn, ...]]:
        """Name → its rows; one that cannot be read is left out, and said in the log."""
        found = {}
        for path in self._files():
            try:
                found[path.stem] = tuple(_rows(path))
            except DataError as error:
                log.warning("%s", error)
        return found

    def draw(
        self,
        name: str,
        parts: int,
        seed: int,
        *,
        run: str,
        by: By = "",
        allocation: Allocation = "proportional",
    ) -> tuple[Drawn, ...]:
        """Draws passed parts of a run that is in the index, as ``taktsight audit draw`` does, and writes
        the list.

        Args:
            name: of the list; letters, digits, ``-`` and ``_``.
            parts: how many.
            seed: it repeats the draw.
            run: of which run.
            by: strata; "" for none.
            allocation: to strata.

        Raises:
            ReviewError: If a list of this name is there, or the name is none.
            DataError: If no part of the run passed.
        """
        path = self._folder / f"{name}.csv"
        if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 80 or path.exists():
            raise ReviewError(f"{name[:80]!r} is no name of a new audit list, or there is one of it")
        drawn = draw(self._passed(run, by), parts, seed, allocation)
        with whole_file(path) as file:
            file.write(audit_list(drawn))
        return drawn

    def progress(self) -> tuple[AuditProgress, ...]:
        """Of each list, by its name."""
        return tuple(self._progress(name, drawn) for name, drawn in sorted(self.lists().items()))

    def _progress(self, name: str, drawn: Sequence[Drawn]) -> AuditProgress:
        truths = self._truths([seq for each in drawn if (seq := self._seq(each.part))])
        counts: dict[str, list[int]] = {}
        for each in drawn:
            truth = truths.get(self._seq(each.part) or 0)
            count = counts.setdefault(each.stratum, [each.passed, 0, 0])
            count[1] += truth is not None
            count[2] += truth not in (None, GOOD)
        strata = tuple(Stratum(stratum, *count) for stratum, count in counts.items() if count[1])
        decided, defective = (sum(count[place] for count in counts.values()) for place in (1, 2))
        return AuditProgress(name, len(drawn), decided, defective, strata)

    def _truths(self, seqs: Sequence[int]) -> Mapping[int, str]:
        query = (
            "SELECT part, truth FROM looks WHERE undone = 0 AND blind = 0 AND truth IS NOT NULL "
            "AND why <> 'known' AND part IN (SELECT value FROM json_each(?)) ORDER BY id"
        )
        with self._index.connections.one() as connection:
            return {row[0]: row[1] for row in connection.execute(query, (as_json(seqs),))}

    def _passed(self, run: str, by: By) -> dict[str, str]:
        column = {
            "": "''",
            "run": "''",
            "day": "date(at / 1000, 'unixepoch')",
            "lot": "coalesce(names.name, '')",
        }
        if by not in column:
            raise ReviewError(f"an audit has strata by run, day or lot, not by {by[:40]!r}")
        query = (
            f"SELECT trigger, {column[by]} FROM parts LEFT JOIN names ON names.id = parts.lot "  # noqa: S608
            "WHERE outcome = 0 AND parts.seq BETWEEN (SELECT first FROM runs WHERE name = ?1) "
            "AND (SELECT last FROM runs WHERE name = ?1) "
            "AND run = (SELECT id FROM runs WHERE name = ?1) LIMIT ?2"
        )
        with self._index.connections.one() as connection:
            return {f"{run}:{row[0]}": row[1] for row in connection.execute(query, (run, MAX_PASSED))}

    def _seq(self, part: str) -> int | None:
        run, _, trigger = part.rpartition(":")
        if not run or not trigger.isdecimal() or len(trigger) > 18 or not self._index.ledger.is_there:
            return None
        return self._index.ledger.seq_of(PartKey(run, int(trigger)))

    def _stamp(self) -> tuple[object, ...]:
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in self._files())

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.csv"))


def replace_why(index: PartIndex, why: Why, wanted: set[int]) -> list[int]:
    """Sets the parts that wait for a reason: those of which that changed."""
    with index.writing() as connection:
        query = "SELECT part FROM whys WHERE why = ?"
        there = {row[0] for row in connection.execute(query, (why.value,))}
        for part in there - wanted:
            connection.execute("DELETE FROM whys WHERE part = ? AND why = ?", (part, why.value))
        for part in wanted - there:
            connection.execute("INSERT INTO whys VALUES (?, ?)", (part, why.value))
        changed = sorted(there ^ wanted)
        for part in changed:
            settle_part(connection, part, is_decided=_is_decided(connection, part))
    return changed


def _is_decided(connection: sqlite3.Connection, part: int) -> bool:
    query = (
        "SELECT truth IS NOT NULL FROM looks WHERE part = ? AND undone = 0 AND blind = 0 "
        "AND why <> 'known' AND choice <> 'skip' ORDER BY id DESC LIMIT 1"
    )
    found = connection.execute(query, (part,)).fetchone()
    return bool(found and found[0])


def _rows(path: Path) -> Iterator[Drawn]:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise DataError(f"{path}: is larger than any audit list")
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                yield Drawn(row["part"], row["stratum"], int(row["passed"]), int(row["audited"]))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: is no audit list: {error}") from error
