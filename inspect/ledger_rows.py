"""Rows of the ledger: made of an entry, each with its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from taktsight.errors import LedgerError
from taktsight.inspect.ledger_tables import ADDED
from taktsight.inspect.messages import Entry

GENESIS = "0" * 64
"""What the first row carries as the digest of the row before it."""

Row = Mapping[str, Any]


def row_of(seq: int, run: str, entry: Entry, utc: str, previous: str) -> dict[str, Any]:
    """The row of an entry, with its digest.

    Args:
        seq: its place in the ledger.
        run: name of the run.
        entry: what is recorded.
        utc: when.
        previous: digest of the row before it.
    """
    row = {
        "seq": seq,
        "run": run,
        "number": entry.number,
        "kind": entry.kind,
        "trigger": entry.trigger,
        "serial": None if entry.serial is None else _readable(entry.serial),
        "utc": utc,
        "outcome": entry.outcome,
        "reasons": _json([_readable(reason) for reason in entry.reasons]),
        "cycle_ns": entry.cycle_ns,
        "stage_ns": _json(entry.stage_ns),
        # float32 → double → shortest decimal: it reads back as the same float32.
        "scores": _json(entry.scores),
        "health": _json(entry.health) if entry.health else None,
        "bundle": entry.bundle,
        "recipe": entry.recipe,
        "frames": _json(entry.frames) if entry.frames else None,
        "previous": previous,
    }
    return row | {"digest": digest_of(row)}


def check_digest(row: Row) -> None:
    """Whether a row is as it was written.

    Raises:
        LedgerError: If it was changed.
    """
    if digest_of(row) != row["digest"]:
        raise LedgerError(
            f"ledger row {row['seq']} was changed: {row['kind']} of part {row['trigger']}, run {row['run']}"
        )


def digest_of(row: Row) -> str:
    """Of everything a row holds, the digest of the row before it among that."""
    left_out = {"digest"} | {name for name in ADDED if row[name] is None}
    return hashlib.sha256(_json({key: row[key] for key in row if key not in left_out}).encode()).hexdigest()


def _readable(text: str) -> str:
    """The text; what is no Unicode in it, as of a file's name in another encoding, is spelled out."""
    return text.encode(errors="backslashreplace").decode()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
