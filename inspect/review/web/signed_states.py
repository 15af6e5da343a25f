"""Whether a signature under a part is of the record as it is now, or as it was when it was signed.

A record grows: a decision is added after somebody has signed. The signature is then of what stood there
before it, and that can be computed again, for rows are never changed. Anything else it may be of is not
this record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from taktsight.inspect.review.store.book import Book
from taktsight.inspect.review.store.chain import digest_of
from taktsight.inspect.review.store.tables import decisions, log, undos
from taktsight.inspect.review.store.values import PartKey, Signature

State = Literal["holds", "earlier", "broken"]
"""``earlier``: it holds for the record as it was when it was signed; something was added since."""


@dataclass(frozen=True, slots=True)
class RecordRows:
    """What the digest of a part as a record is made of."""

    part: PartKey
    ledger: tuple[str, ...]
    """Digests of its rows in the line's ledger, in order."""
    review: tuple[tuple[int, str], ...]
    """Number and digest of each row of the log that decides on it or undoes that, in order."""

    def digest(self, *, ledger: int | None = None, before: int | None = None) -> str:
        """Of the record: of so many rows of the ledger, with what the log said before some row."""
        said = [digest for seq, digest in self.review if before is None or seq < before]
        return digest_of({"part": str(self.part), "ledger": self.ledger[:ledger], "review": said})

    def state_of(self, signature: Signature) -> State:
        """What a signature is of."""
        if signature.digest == self.digest():
            return "holds"
        # "late" is the one row that a line adds once the part has its verdict.
        for count in range(len(self.ledger), 0, -1):
            if signature.digest == self.digest(ledger=count, before=signature.id):
                return "earlier"
        return "broken"


def record_rows(book: Book, part: PartKey, ledger: tuple[str, ...]) -> RecordRows:
    """The rows as they are now. Their digest is :meth:`ReviewStore.digest_of_part`.

    Args:
        book: of the store.
        part: of the ledger.
        ledger: digests of its rows there, in order.
    """
    here = sa.and_(decisions.c.run == part.run, decisions.c.trigger == part.trigger)
    made = sa.select(decisions.c.id).where(here)
    undone = sa.select(undos.c.id).where(undos.c.decision.in_(made))
    said = sa.select(log.c.seq, log.c.digest).where(sa.or_(log.c.seq.in_(made), log.c.seq.in_(undone)))
    with book.reading() as connection:
        rows = tuple((row.seq, row.digest) for row in connection.execute(said.order_by(log.c.seq)))
    return RecordRows(part, ledger, rows)
