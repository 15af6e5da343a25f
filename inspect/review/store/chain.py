"""Rows of the log: each carries the digest of the row before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

GENESIS = "0" * 64
"""What the first row carries as the digest of the row before it."""
MAX_TEXT = 1 << 22


@dataclass(frozen=True, slots=True)
class LogRow:
    """Who did what, when, to what, from which value to which, and why."""

    seq: int
    utc: str
    actor: str
    action: str
    subject: str
    old: str | None
    """JSON; None where there was nothing."""
    new: str | None
    reason: str
    previous: str
    digest: str


def log_row(
    seq: int,
    utc: str,
    actor: str,
    action: str,
    subject: str,
    old: object,
    new: object,
    reason: str,
    previous: str,
) -> LogRow:
    """A row with its digest; ``old`` and ``new`` are anything JSON holds."""
    row = LogRow(
        seq,
        utc,
        readable(actor),
        action,
        readable(subject),
        None if old is None else canonical(old),
        None if new is None else canonical(new),
        readable(reason),
        previous,
        "",
    )
    return LogRow(**(asdict(row) | {"digest": digest_of_row(row)}))


def digest_of_row(row: LogRow) -> str:
    """Of everything a row holds but its digest; the digest of the row before it among that."""
    return digest_of({key: value for key, value in asdict(row).items() if key != "digest"})


def digest_of(record: object) -> str:
    """SHA-256 of a record as JSON, its keys sorted: what a signature is bound to."""
    return hashlib.sha256(canonical(record).encode()).hexdigest()


def canonical(value: object) -> str:
    """The one JSON text of a value; what is no Unicode in it is spelled out."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace").decode()


def readable(text: str) -> str:
    """The text as a database takes it: what is no Unicode is spelled out, and so is NUL."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def logged(account: Mapping[str, object]) -> dict[str, object]:
    """Fields of an account as the log has them: of a password's digest only a digest."""
    said = dict(account)
    if "password" in said:
        said["password"] = hashlib.sha256(f"{said['password']}".encode()).hexdigest()
    return said


def row_of(mapping: Mapping[str, object]) -> LogRow:
    """A row as the table has it."""
    return LogRow(**mapping)  # type: ignore[arg-type]  # the table's columns are the fields, a test compares
