"""Whether what stands on a part is as it was written: its rows in the line's ledger, and in the log here.

Each row is compared with its own digest and with the rows on either side of it. That the whole chain holds
says ``taktsight ledger verify`` alone, which reads all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taktsight.errors import LedgerError
from taktsight.inspect.ledger_rows import GENESIS, check_digest
from taktsight.inspect.ledger_tables import ADDED
from taktsight.inspect.review.parts.ledger_reader import LedgerReader, Row
from taktsight.inspect.review.store.chain import canonical, digest_of_row
from taktsight.inspect.review.store.decided import fields_of
from taktsight.inspect.review.store.judged import Judged
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Decision, Signature
from taktsight.inspect.review.web.words import N_

CHANGED = N_("The row was changed after it was written.")
BEFORE = N_("The row before it is gone, or is another one.")
AFTER = N_("The row after it does not follow from it.")
DECISION = N_("The decision is not what its row in the log says.")


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A row of the ledger that is about the part, and what is wrong with it."""

    row: Row
    fault: str
    """A sentence to translate; empty where nothing is wrong."""


def chain_rows(ledger: LedgerReader, rows: Iterable[Row]) -> tuple[ChainRow, ...]:
    """Rows in their order, each compared with its neighbours."""
    ordered = sorted(rows, key=lambda row: row["seq"])
    return tuple(ChainRow(row, _fault(ledger, row)) for row in ordered)


def _fault(ledger: LedgerReader, row: Row) -> str:
    try:
        # A ledger of before lacks some columns.
        check_digest({**dict.fromkeys(ADDED), **row})
    except (LedgerError, TypeError, ValueError):  # bytes or infinities, which no line writes
        return CHANGED
    before = GENESIS if row["seq"] == 1 else ledger.digest_at(row["seq"] - 1)
    if row["previous"] != before:
        return BEFORE
    after = ledger.by_seq([row["seq"] + 1]).get(row["seq"] + 1)
    return AFTER if after is not None and after["previous"] != row["digest"] else ""


def fault_of_decision(store: ReviewStore, decision: Decision) -> str:
    """A sentence where the log does not bear a decision out; empty where it does."""
    found = store.log(decision.id - 1, 1)
    if not found or found[0].seq != decision.id or digest_of_row(found[0]) != found[0].digest:
        return DECISION
    row = found[0]
    said = fields_of(decision, Judged("", (), decision.frames, ()), decision.truth)  # type: ignore[arg-type]  # has them
    is_same = row.actor == decision.reviewer and row.utc == decision.utc and row.action == "decide"
    return "" if is_same and row.new == canonical(said) else DECISION


def is_signature_logged(store: ReviewStore, signature: Signature) -> bool:
    """Whether the log bears a signature out."""
    found = store.log(signature.id - 1, 1)
    if not found or found[0].seq != signature.id or digest_of_row(found[0]) != found[0].digest:
        return False
    row = found[0]
    said = {name: getattr(signature, name) for name in ("full_name", "meaning", "digest")}
    there = (row.action, row.actor, row.utc, row.subject, row.new)
    return there == ("sign", signature.actor, signature.utc, signature.subject, canonical(said))
