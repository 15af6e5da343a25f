"""What people write about parts: decided, undone, claimed, set and signed, all of it in one chained log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.passwords import Work
from taktsight.inspect.review.store import settings as setting_rules
from taktsight.inspect.review.store import signing
from taktsight.inspect.review.store.book import Book, Change, utc_now
from taktsight.inspect.review.store.chain import LogRow, readable
from taktsight.inspect.review.store.decided import WITH_UNDO, decision_of, fields_of, of_part, standing
from taktsight.inspect.review.store.judged import Judged, judged_part, truth_of
from taktsight.inspect.review.store.settings import Settings, Value, settings_of
from taktsight.inspect.review.store.tables import claims, decisions, settings, undos
from taktsight.inspect.review.store.values import (
    Choice,
    Conflict,
    Decision,
    Meaning,
    NewDecision,
    PartKey,
    Signature,
    Why,
)
from taktsight.inspect.review.store.verify import ACTIONS, Verification, verify

MAX_REASON = 2000


class ReviewStore:
    """The folder ``review`` in a line's records. Threads and processes may write it at the same time."""

    def __init__(self, book: Book, work: Work = Work()) -> None:  # noqa: B008  # frozen
        self.book = book
        self.work = work
        """What a password's digest costs."""

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Callable[[], datetime] = utc_now,
        work: Work = Work(),  # noqa: B008  # frozen
    ) -> ReviewStore:
        """Opens the store, makes it where there is none.

        Raises:
            LedgerError: If it cannot be written.
        """
        return cls(Book.create(folder, clock), work)

    def close(self) -> None:
        """Lets go of the file."""
        self.book.close()

    def decide(self, actor: str, new: NewDecision, judged: Judged | None = None) -> Decision:
        """Records what somebody says of a part; on the disk when this returns.

        Args:
            actor: who says it.
            new: what.
            judged: of a known part that no ledger has, as a golden sample; None for what the ledger says.

        Raises:
            Conflict: If somebody else decided since the page was made. Blind opinions conflict with none.
            ReviewError: If the part is unknown, or a defect is claimed and not named, or a golden sample is
                not decided on as what it is.
            LedgerError: If it cannot be written: nothing was, and it can be sent again.
        """
        if judged is not None and new.why is not Why.KNOWN:  # its truth would count as a part's
            raise ReviewError(f"part {new.part} is a golden sample, shown as {Why.KNOWN.value!r} alone")
        judged = judged or judged_part(self.book.folder.parent, new.part)
        truth = truth_of(new, judged)
        strange = {mark.view for mark in new.marks} - judged.frames.keys()
        if judged.frames and strange:
            raise ReviewError(f"part {new.part} has no view {', '.join(sorted(strange))[:200]}")
        with self.book.change() as change:
            earlier = _of_request(change.connection, actor, new)
            if earlier:
                return earlier
            made = of_part(change.connection, new.part)
            if not new.blind:
                _refuse_conflict(actor, new, made)
            fields = fields_of(new, judged, truth)
            old = standing(made)
            seq = change.write(
                actor,
                "decide",
                str(new.part),
                old={"decision": old.id, "truth": old.truth} if old else None,
                new=fields,
                reason=new.note,
            )
            row = fields | {"id": seq, "utc": change.utc, "reviewer": actor}
            change.connection.execute(sa.insert(decisions), row)
        return decision_of(row | {"undone_by": None})

    def undo(self, actor: str, decision_id: int, reason: str) -> Decision:
        """Takes a decision back by a new entry; the decision itself stays where it is.

        Raises:
            ReviewError: If there is no such decision, it was undone, or it is somebody else's and the
                actor's account may not overrule.
        """
        with self.book.change() as change:
            decision = _by_id(change.connection, decision_id)
            if decision is None:
                raise ReviewError(f"there is no decision {decision_id}")
            if decision.undone_by is not None:
                return _undone_by(change.connection, decision, actor)
            if decision.reviewer != actor and not _may_overrule(change.connection, actor):
                raise ReviewError(
                    f"decision {decision_id} is {decision.reviewer}'s; a supervisor may undo it"
                )
            self._write_undo(change, actor, decision, readable(reason[:MAX_REASON]))
        found = self.decision(decision_id)
        if found is None:
            raise ReviewError(f"there is no decision {decision_id}")
        return found

    def decision(self, decision_id: int) -> Decision | None:
        """One decision; None where there is none of this number."""
        with self.book.reading() as connection:
            return _by_id(connection, decision_id)

    def decisions_of(self, part: PartKey) -> tuple[Decision, ...]:
        """All decisions on a part, in order; undone and blind ones among them."""
        with self.book.reading() as connection:
            return of_part(connection, part)

    def decisions(self, after: int = 0, most: int = 1000) -> list[Decision]:
        """The next decisions after one, in order; what is undone later, ``changes`` tells."""
        query = WITH_UNDO.where(decisions.c.id > after).order_by(decisions.c.id).limit(most)
        with self.book.reading() as connection:
            return [decision_of(dict(row)) for row in connection.execute(query).mappings()]

    def changes(self, after: int = 0, most: int = 1000) -> list[tuple[int, PartKey]]:
        """Parts that were decided or undone after a row of the log, each with its row, in order."""
        made = sa.select(decisions.c.id, decisions.c.run, decisions.c.trigger)
        undone = sa.select(undos.c.id, decisions.c.run, decisions.c.trigger).join(
            decisions, decisions.c.id == undos.c.decision
        )
        either = sa.union_all(
            made.where(decisions.c.id > after), undone.where(undos.c.id > after)
        ).subquery()
        with self.book.reading() as connection:
            rows = connection.execute(sa.select(either).order_by(either.c.id).limit(most)).all()
        return [(row.id, PartKey(row.run, row.trigger)) for row in rows]

    def latest_truth(self, part: PartKey) -> str | None:
        """What the part is by the last decision that stands: "good", a label, or None where nobody says."""
        last = standing(self.decisions_of(part))
        return last.truth if last else None

    def claim(self, actor: str, part: PartKey) -> str | None:
        """Says that somebody looks at a part; the name of whoever else does already, for a while."""
        with self.book.change() as change:
            now, connection = change.now.timestamp(), change.connection
            lasts_s = _settings(connection).claim_s
            here = sa.and_(claims.c.run == part.run, claims.c.trigger == part.trigger)
            # A clock that was put back must not make a claim last.
            over = sa.or_(claims.c.until <= now, claims.c.until > now + lasts_s + 60)
            connection.execute(sa.delete(claims).where(over))
            other: str | None = connection.execute(sa.select(claims.c.actor).where(here)).scalar()
            if other is not None and other != actor:
                return other
            connection.execute(sa.delete(claims).where(here))
            row = {"run": part.run, "trigger": part.trigger, "actor": actor, "until": now + lasts_s}
            connection.execute(sa.insert(claims), row)
        return None

    def settings(self) -> Settings:
        """What holds now."""
        with self.book.reading() as connection:
            return _settings(connection)

    def change_setting(self, actor: str, key: str, new: Value, reason: str) -> None:
        """Sets one setting.

        Raises:
            ReviewError: If there is none of this name, or it cannot have that value.
        """
        value = setting_rules.checked(key, new)
        with self.book.change() as change:
            old = getattr(_settings(change.connection), key)
            change.write(actor, "set", key, old=old, new=value, reason=reason[:MAX_REASON])
            change.connection.execute(sa.delete(settings).where(settings.c.key == key))
            change.connection.execute(sa.insert(settings), {"key": key, "value": json.dumps(value)})

    def log(self, after: int = 0, most: int = 1000) -> list[LogRow]:
        """The next rows of the log, in order."""
        return self.book.log(after, most)

    def note(self, actor: str, action: str, subject: str, old: object, new: object, reason: str) -> int:
        """Records anything else that somebody did; the number of its row.

        Raises:
            ValueError: If the action is one that the store writes itself.
        """
        if action in ACTIONS:
            raise ValueError(f"{action!r} is written by what does it")
        with self.book.change() as change:
            return change.write(actor, action, subject, old=old, new=new, reason=reason)

    def sign(
        self, actor: str, password: str, meaning: Meaning, subject: str, digest: str, address: str = ""
    ) -> Signature:
        """Signs a record; the signer says the password again.

        Args:
            actor: name of the account.
            password: of this account.
            meaning: what the signature says.
            subject: what is signed, as "bundle:SHA256"; "decision:ID" is checked against the log.
            digest: SHA-256 of the record as it is now, see :func:`chain.digest_of`.
            address: where the request came from; "" where nobody knows.

        Raises:
            LoginRefused: If the password is wrong; counted like a login.
            ReviewError: If meaning, subject or digest cannot be signed, or the account may not.
        """
        return signing.sign(self, actor, password, meaning, subject, digest, address)

    def signatures_of(self, subject: str) -> tuple[Signature, ...]:
        """All signatures under a record, in order."""
        return signing.signatures_of(self.book, subject)

    def digest_of_part(self, part: PartKey) -> str:
        """Digest of a part as a record: the line's rows on it, and every decision and undo since.

        Raises:
            ReviewError: If the ledger does not know the part.
        """
        return signing.digest_of_part(self.book, part)

    def verify(self) -> Verification:
        """Whether log, head, signatures and tables are as they were written; names the first bad row."""
        return verify(self.book)

    def _write_undo(self, change: Change, actor: str, decision: Decision, reason: str) -> None:
        seq = change.write(
            actor,
            "undo",
            str(decision.part),
            old={"decision": decision.id, "truth": decision.truth},
            new={"decision": decision.id},
            reason=reason,
        )
        row = {"decision": decision.id, "id": seq, "actor": actor, "utc": change.utc, "reason": reason}
        change.connection.execute(sa.insert(undos), row)


def _settings(connection: sa.Connection) -> Settings:
    return settings_of((row.key, row.value) for row in connection.execute(sa.select(settings)))


def _by_id(connection: sa.Connection, decision_id: int) -> Decision | None:
    row = connection.execute(WITH_UNDO.where(decisions.c.id == decision_id)).mappings().first()
    return decision_of(dict(row)) if row else None


def _of_request(connection: sa.Connection, actor: str, new: NewDecision) -> Decision | None:
    """The decision that this request made already.

    Raises:
        ReviewError: If it was another person's, or on another part.
    """
    query = WITH_UNDO.where(decisions.c.request_id == new.request_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    found = decision_of(dict(row))
    if found.reviewer != actor or found.part != new.part:
        raise ReviewError(f"request {new.request_id} was another decision; send this one under a new id")
    return found


def _refuse_conflict(actor: str, new: NewDecision, made: tuple[Decision, ...]) -> None:
    others = [decision for decision in made if decision.reviewer != actor and decision.id > new.seen]
    other = standing(others)
    if other is not None and new.choice is not Choice.SKIP:
        raise Conflict(other)


def _undone_by(connection: sa.Connection, decision: Decision, actor: str) -> Decision:
    """The same undo sent again is no mistake."""
    query = sa.select(undos.c.actor).where(undos.c.decision == decision.id)
    who = connection.execute(query).scalar()
    if who != actor:
        raise ReviewError(f"decision {decision.id} was undone by {who} already")
    return decision


def _may_overrule(connection: sa.Connection, actor: str) -> bool:
    from taktsight.inspect.review.people.accounts import row_of_account
    from taktsight.inspect.review.people.roles import May, Role, may

    row = row_of_account(connection, actor)
    return row is not None and bool(row["enabled"]) and may(Role(row["role"]), May.OVERRULE)
