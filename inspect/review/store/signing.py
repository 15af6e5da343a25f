"""Signatures in the shape of 21 CFR 11: who, meaning what, the password again, bound to the record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from taktsight.errors import ReviewError
from taktsight.inspect.review.store.book import Book
from taktsight.inspect.review.store.chain import digest_of, readable
from taktsight.inspect.review.store.decided import of_part
from taktsight.inspect.review.store.judged import judged_part
from taktsight.inspect.review.store.tables import log, signatures, undos
from taktsight.inspect.review.store.values import MEANINGS, Meaning, PartKey, Signature

if TYPE_CHECKING:
    from taktsight.inspect.review.store.store import ReviewStore

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUBJECT = re.compile(r"[a-z]+:\S.{0,300}")


def sign(
    store: ReviewStore, actor: str, password: str, meaning: Meaning, subject: str, digest: str, address: str
) -> Signature:
    """See :meth:`ReviewStore.sign`."""
    from taktsight.inspect.review.people.accounts import Accounts
    from taktsight.inspect.review.people.roles import May, may

    if meaning not in MEANINGS:
        raise ReviewError(f"{meaning!r} is no meaning of a signature; {', '.join(MEANINGS)} are")
    if not _DIGEST.fullmatch(digest) or not _SUBJECT.fullmatch(subject):
        raise ReviewError(f"{subject[:80]!r} with {digest[:80]!r} is no record with its SHA-256")
    account = Accounts(store).confirm(actor, password, address)
    if not may(account.role, May.SIGN):
        raise ReviewError(f"{account.name}, {account.role.value}, may not sign")
    fields = {"full_name": account.full_name, "meaning": meaning, "digest": digest}
    with store.book.change() as change:
        _check_decision(change.connection, subject, digest)
        seq = change.write(account.name, "sign", subject, new=fields)
        row: dict[str, Any] = fields | {"id": seq, "utc": change.utc, "actor": account.name}
        row["subject"] = readable(subject)
        change.connection.execute(sa.insert(signatures), row)
    return Signature(**row)


def signatures_of(book: Book, subject: str) -> tuple[Signature, ...]:
    """All signatures under a record, in order."""
    query = sa.select(signatures).where(signatures.c.subject == readable(subject)).order_by(signatures.c.id)
    with book.reading() as connection:
        return tuple(Signature(**row) for row in connection.execute(query).mappings())


def check_signature(signature: Signature, digest: str) -> None:
    """Whether the record is still the one that was signed.

    Args:
        signature: under the record.
        digest: of the record as it is now.

    Raises:
        ReviewError: If it is another one.
    """
    if signature.digest != digest:
        raise ReviewError(
            f"{signature.subject} is not what {signature.full_name} signed at {signature.utc}: its digest "
            f"was {signature.digest[:16]}…, now it is {digest[:16]}…"
        )


def digest_of_decision(book: Book, decision_id: int) -> str | None:
    """Digest of a decision as a record: that of its row in the log, with all rows before it."""
    with book.reading() as connection:
        return _digest_of_decision(connection, str(decision_id))


def digest_of_part(book: Book, part: PartKey) -> str:
    """See :meth:`ReviewStore.digest_of_part`."""
    judged = judged_part(book.folder.parent, part)
    with book.reading() as connection:
        numbers = [decision.id for decision in of_part(connection, part)]
        undone = sa.select(undos.c.id).where(undos.c.decision.in_(numbers))
        said = sa.select(log.c.digest).where(sa.or_(log.c.seq.in_(numbers), log.c.seq.in_(undone)))
        rows = list(connection.execute(said.order_by(log.c.seq)).scalars())
    return digest_of({"part": str(part), "ledger": judged.digests, "review": rows})


def _check_decision(connection: sa.Connection, subject: str, digest: str) -> None:
    kind, _, number = subject.partition(":")
    if kind == "decision" and _digest_of_decision(connection, number) != digest:
        raise ReviewError(f"{subject} does not exist, or is not the record that you saw")


def _digest_of_decision(connection: sa.Connection, number: str) -> str | None:
    if not re.fullmatch(r"[0-9]{1,18}", number):
        return None
    query = sa.select(log.c.digest).where(log.c.seq == int(number), log.c.action == "decide")
    digest: str | None = connection.execute(query).scalar()
    return digest
