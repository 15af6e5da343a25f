"""Draws audits from the passed parts of the ledger, and reads them back from the log."""

from __future__ import annotations

import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

from taktsight.errors import DataError, LedgerError, ReviewError
from taktsight.inspect.review.audits.values import ACTION, BY, Audit, DrawnPart
from taktsight.inspect.review.figures.noted import Noted, noted
from taktsight.inspect.review.parts.audits import FOLDER
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import PartKey
from taktsight.quality.audit_draw import Allocation, Drawn, draw
from taktsight.quality.audit_file import audit_list
from taktsight.records import Outcome
from taktsight.whole_files import make_folder, whole_file

MOST_PASSED = 1_000_000
"""Parts that one audit can be drawn from."""
MOST_DRAWN = 10_000
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class AuditAsked:
    """What somebody wants audited."""

    parts: int
    claim_ppm: float
    seed: int | None = None
    """None: made up, and noted."""
    by: str = ""
    allocation: str = "proportional"
    run: str = ""
    since: str = ""
    """A day, "2026-01-05"; empty: from the first part on."""
    reason: str = ""


def draw_audit(store: ReviewStore, index: PartIndex, actor: str, asked: AuditAsked) -> Audit:
    """Draws an audit and notes it in the log.

    Raises:
        ReviewError: If what was asked for cannot be.
        DataError: If no part passed.
        ConfigError: If there are more strata than parts.
    """
    _check(asked)
    passed, others, names = _population(index, asked)
    seed = secrets.randbelow(1 << 31) if asked.seed is None else asked.seed
    drawn = draw(
        {str(key): stratum for key, stratum in passed.items()},
        asked.parts,
        seed,
        cast(Allocation, asked.allocation),
    )
    seqs = [names[key][0] for key in passed]
    new = {
        "seed": seed,
        "by": asked.by,
        "allocation": asked.allocation,
        "run": asked.run,
        "since": asked.since,
        "first": min(seqs),
        "last": max(seqs),
        "strata": dict(sorted(Counter(passed.values()).items())),
        "others": dict(sorted(others.items())),
        "parts": [[one.part, names[PartKey.parse(one.part)][1], one.stratum] for one in drawn],
        "claim_ppm": asked.claim_ppm,
    }
    seq = store.note(actor, ACTION, "audit", None, new, asked.reason[:2000])
    return _drawn(store, index, seq)


def enlarge(store: ReviewStore, index: PartIndex, actor: str, audit: Audit, parts: int) -> Audit:
    """A larger audit that contains this one: the same population, seed and strata.

    Raises:
        ReviewError: If it would not be larger, or the index no longer has the population.
    """
    if parts <= len(audit.parts):
        raise ReviewError(f"the audit has {len(audit.parts)} parts already; say a larger number")
    asked = AuditAsked(
        parts, audit.claim_ppm, audit.seed, audit.by, audit.allocation, audit.run, audit.since, audit.reason
    )
    _check(asked)
    passed, _, names = _population(index, asked, audit.last)
    if Counter(passed.values()) != Counter(audit.strata):
        raise ReviewError(
            "the ledger no longer has the parts that this audit was drawn from; draw a new one"
        )
    drawn = draw(
        {str(key): stratum for key, stratum in passed.items()},
        parts,
        audit.seed,
        cast(Allocation, audit.allocation),
    )
    new = {
        **{
            name: getattr(audit, name)
            for name in ("seed", "by", "allocation", "run", "since", "first", "last")
        },
        "strata": dict(audit.strata),
        "others": dict(audit.others),
        "parts": [[one.part, names[PartKey.parse(one.part)][1], one.stratum] for one in drawn],
        "claim_ppm": audit.claim_ppm,
        "enlarges": audit.id,
    }
    seq = store.note(actor, ACTION, "audit", {"parts": len(audit.parts)}, new, audit.reason)
    return _drawn(store, index, seq)


def keep_list(index: PartIndex, audit: Audit) -> None:
    """Writes the list beside the review where it is gone: the queue takes its parts from there.

    Raises:
        LedgerError: If it cannot be written.
    """
    path = index.folder / FOLDER / f"audit-{audit.id}.csv"
    if path.exists():
        return
    drawn = Counter(part.stratum for part in audit.parts)
    rows = [
        Drawn(str(part.key), part.stratum, audit.strata[part.stratum], drawn[part.stratum])
        for part in audit.parts
    ]
    try:
        make_folder(path.parent)
        with whole_file(path) as file:
            file.write(audit_list(rows))
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written: {error.strerror}") from error


def _drawn(store: ReviewStore, index: PartIndex, seq: int) -> Audit:
    audit = next(one for one in audits(store, seq - 1) if one.id == seq)
    keep_list(index, audit)
    return audit


def audits(store: ReviewStore, after: int = 0) -> list[Audit]:
    """Those that were drawn, in order."""
    return [_audit(row) for row in noted(store, (ACTION,), after)]


def _audit(row: Noted) -> Audit:
    new = row.new
    return Audit(
        id=row.seq,
        utc=row.utc,
        actor=row.actor,
        seed=new["seed"],
        by=new["by"],
        allocation=new["allocation"],
        run=new["run"],
        since=new["since"],
        first=new["first"],
        last=new["last"],
        strata=new["strata"],
        others=new["others"],
        parts=tuple(
            DrawnPart(PartKey.parse(key), serial, stratum) for key, serial, stratum in new["parts"]
        ),
        claim_ppm=new["claim_ppm"],
        reason=row.reason,
    )


def _check(asked: AuditAsked) -> None:
    if asked.by not in BY or asked.allocation not in ("proportional", "equal"):
        raise ReviewError(f"strata by {asked.by[:20]!r}, {asked.allocation[:20]!r}: there are none such")
    if not 1 <= asked.parts <= MOST_DRAWN:
        raise ReviewError(f"an audit has 1 to {MOST_DRAWN:,} parts, not {asked.parts}")
    if not 0 < asked.claim_ppm < 1_000_000:
        raise ReviewError(f"a claim lies between 0 and 1,000,000 ppm, not at {asked.claim_ppm:g}")
    if asked.seed is not None and not 0 <= asked.seed < 1 << 53:
        raise ReviewError("a seed is a whole number of 0 or more")


Named = dict[PartKey, tuple[int, str]]
"""Row in the ledger and serial."""


def _population(
    index: PartIndex, asked: AuditAsked, last: int | None = None
) -> tuple[dict[PartKey, str], Counter[str], Named]:
    """Passed parts with their strata, how many others there were, and what the passed ones are called."""
    passed: dict[PartKey, str] = {}
    others: Counter[str] = Counter()
    names: Named = {}
    for row in _rows(index, asked, last):
        outcome = OUTCOMES[row["outcome"]]
        if outcome is not Outcome.PASS:
            others[outcome.value] += 1
            continue
        if len(passed) == MOST_PASSED:
            raise ReviewError(
                f"more than {MOST_PASSED:,} parts passed there: choose a run, or a later day to begin with"
            )
        key = PartKey(row["run"], row["trigger"])
        passed[key] = _stratum(row, asked.by)
        names[key] = (row["seq"], row["serial"] or "")
    if not passed:
        raise DataError("no part passed there, so there is none to audit")
    return passed, others, names


def _rows(index: PartIndex, asked: AuditAsked, last: int | None) -> Iterator[sqlite3.Row]:
    query = (
        "SELECT parts.seq AS seq, runs.name AS run, trigger, serial, at, outcome, score FROM parts "
        "JOIN runs ON runs.id = parts.run WHERE parts.seq > ? AND parts.seq <= ? "
        "AND (? = '' OR runs.name = ?) AND at >= ? ORDER BY parts.seq LIMIT ?"
    )
    end, seq = (1 << 62) if last is None else last, 0
    while True:
        values = (seq, end, asked.run, asked.run, _since_ms(asked.since), CHUNK)
        with index.connections.one() as connection:
            rows = connection.execute(query, values).fetchall()
        yield from rows
        if len(rows) < CHUNK:
            return
        seq = rows[-1]["seq"]


def _since_ms(day: str) -> int:
    if not day:
        return 0
    try:
        return round(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp() * 1000)
    except ValueError:
        raise ReviewError(f"{day[:20]!r} is no day; a day is written 2026-01-05") from None


def _stratum(row: sqlite3.Row, by: str) -> str:
    if by == "day":
        return f"{datetime.fromtimestamp(row['at'] / 1000, timezone.utc):%Y-%m-%d}"
    if by == "run":
        return str(row["run"])
    if by == "score":
        tenth = min(9, int(10 * (row["score"] or 0.0)))
        return f"score {tenth / 10:.1f}–{(tenth + 1) / 10:.1f}"
    return "all"
