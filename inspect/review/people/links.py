"""Links that work once: for the first admin, and for whoever lost a password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import (
    Account,
    Accounts,
    account_of,
    alter,
    end_sessions,
    insert,
    key_of,
    row_of_account,
)
from taktsight.inspect.review.people.passwords import check_password, digest_of_token
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.book import SYSTEM, Change
from taktsight.inspect.review.store.tables import accounts, links

FIRST_ADMIN_S = 24 * 3600.0
RESET_S = 24 * 3600.0
SPENT = "this link was used, has run out or never was one; ask for another"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link that still works is for."""

    kind: Literal["first admin", "reset"]
    name: str
    """Whose password it sets; "" for the first admin, who chooses a name."""


class Links:
    """The links of the accounts of one store."""

    def __init__(self, people: Accounts) -> None:
        self._book = people.book
        self._people = people

    def first_admin(self) -> str:
        """A token for the first admin; those of before work no more.

        Raises:
            ReviewError: If there is an account already.
        """
        with self._book.change() as change:
            if _anybody(change.connection):
                raise ReviewError("there are accounts already; an admin makes more, or a reset link")
            change.connection.execute(sa.delete(links).where(links.c.kind == "first admin"))
            return _put(change, SYSTEM, "first admin", "", FIRST_ADMIN_S)

    def reset(self, actor: str, name: str) -> str:
        """A token that sets a new password; the one of before works no more.

        Raises:
            ReviewError: If there is no such account.
        """
        with self._book.change() as change:
            row = row_of_account(change.connection, name)
            if row is None:
                raise ReviewError(f"there is no account {name[:64]!r}")
            change.connection.execute(sa.delete(links).where(links.c.account == row["name"]))
            return _put(change, actor, "reset", row["name"], RESET_S)

    def look(self, token: str) -> Link | None:
        """What a link is for; None where it works no more. It can still be used after this."""
        with self._book.reading() as connection:
            row = self._valid(connection, token)
        return Link(row["kind"], row["account"]) if row else None

    def redeem(self, token: str, password: str, name: str = "", full_name: str = "") -> Account:
        """Uses a link: makes the first admin with this name, or sets the password of its account.

        Raises:
            ReviewError: If it works no more, or name or password are refused; it still works then.
        """
        link = self.look(token)
        if link is None:
            raise ReviewError(SPENT)
        whose = link.name or name
        key = key_of(whose)
        check_password(password, whose)
        digest = self._people.passwords.digest(password)
        with self._book.change() as change:
            if not self._valid(change.connection, token):
                raise ReviewError(SPENT)
            change.connection.execute(sa.delete(links).where(links.c.token == digest_of_token(token)))
            if link.kind == "first admin":
                if _anybody(change.connection):
                    raise ReviewError(SPENT)
                insert(change, "link", key, whose, Role.ADMIN, digest, full_name)
            else:
                alter(change, "link", "set password", whose, {"password": digest}, "by reset link")
                end_sessions(change.connection, key)
            row = row_of_account(change.connection, whose)
        if row is None:
            raise ReviewError(SPENT)
        return account_of(row)

    def _valid(self, connection: sa.Connection, token: str) -> dict[str, Any] | None:
        now = self._book.clock().timestamp()
        query = sa.select(links).where(links.c.token == digest_of_token(token), links.c.expires > now)
        row = connection.execute(query).mappings().first()
        return dict(row) if row else None


def _put(change: Change, actor: str, kind: str, account: str, lasts_s: float) -> str:
    token = secrets.token_urlsafe(32)
    change.connection.execute(sa.delete(links).where(links.c.expires < change.now.timestamp()))
    row = {"token": digest_of_token(token), "kind": kind, "account": account}
    change.connection.execute(sa.insert(links), row | {"expires": change.now.timestamp() + lasts_s})
    change.write(actor, "make link", account or "first admin", new={"kind": kind})
    return token


def _anybody(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(accounts.c.key).limit(1)).first() is not None
