"""The decisions of a store, each with its digest in a log that was found whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.dataset_card import Reviews
from taktsight.errors import DataError, LedgerError
from taktsight.inspect.review.store.values import Decision

FOLDER = "review"
"""Within the records."""
CHUNK = 1000
_NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that was decided."""

    decisions: Sequence[Decision]
    """In order; undone ones among them."""
    digests: Mapping[int, str]
    """Number of a row of the log → its digest."""

    @property
    def reviews(self) -> Reviews:
        """For the card."""
        rows = [row for each in self.decisions for row in (each.id, each.undone_by) if row is not None]
        last = max(rows, default=0)
        return Reviews(
            decisions=len(self.decisions), last_row=last, last_digest=self.digests.get(last, _NOTHING)
        )


def read_decisions(records: Path) -> Made:
    """All decisions on the parts of these records.

    Raises:
        LedgerError: If the log of the reviews was tampered with.
        DataError: If nobody has reviewed anything.
    """
    from taktsight.inspect.review.store.book import FILE, Book
    from taktsight.inspect.review.store.store import ReviewStore

    folder = records / FOLDER
    if not (folder / FILE).is_file():
        raise DataError(f"{folder / FILE}: there is none: nobody has reviewed a part of these records")
    store = ReviewStore(Book.read_only(folder))
    try:
        found = store.verify()
        if not found.is_whole:
            raise LedgerError(
                f"{folder / FILE}: {found.fault}: the decisions prove nothing; restore the folder, and "
                "train on nothing of it meanwhile"
            )
        decisions: list[Decision] = []
        while chunk := store.decisions(decisions[-1].id if decisions else 0, CHUNK):
            decisions += chunk
        digests: dict[int, str] = {}
        while rows := store.log(max(digests, default=0), CHUNK):
            digests |= {row.seq: row.digest for row in rows}
    finally:
        store.close()
    return Made(decisions, digests)
