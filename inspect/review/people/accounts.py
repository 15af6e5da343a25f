"""Accounts of the people who review: made, changed and logged in to; every step stands in the log."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from taktsight.errors import ReviewError
from taktsight.inspect.review.people import limits
from taktsight.inspect.review.people.passwords import Passwords, check_password
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.book import SYSTEM, Change
from taktsight.inspect.review.store.chain import canonical, logged
from taktsight.inspect.review.store.tables import accounts, sessions

if TYPE_CHECKING:  # the store signs with accounts, and accounts write into the store
    from taktsight.inspect.review.store.store import ReviewStore

MAX_PREFERENCES = 8192
_NAME = re.compile(r"[\w.@-]+(?: [\w.@-]+)*")
WRONG = "name or password is wrong, or the account is closed"


class LoginRefused(ReviewError):  # noqa: N818  # what it is, not that it is an error
    """Nobody was logged in. The words do not tell whether there is such an account."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many tries: wait {wait} s, then try again" if wait else WRONG)
        self.wait_s = wait
        """Seconds until another try is looked at; 0 where that is now."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in."""

    name: str
    full_name: str
    """Printed beside a signature."""
    role: Role
    enabled: bool


class Accounts:
    """The accounts of one store."""

    def __init__(self, store: ReviewStore) -> None:
        self.book = store.book
        self.passwords = Passwords(store.work)

    def add(self, actor: str, name: str, role: Role, password: str, full_name: str = "") -> Account:
        """A new account.

        Raises:
            ReviewError: If the name is taken or none, or the password is refused.
        """
        key = key_of(name)
        check_password(password, name)
        digest = self.passwords.digest(password)
        with self.book.change() as change:
            insert(change, actor, key, name, role, digest, full_name)
        return Account(name, full_name or name, role, enabled=True)

    def all(self) -> list[Account]:
        """Every account, by name."""
        with self.book.reading() as connection:
            rows = connection.execute(sa.select(accounts).order_by(accounts.c.key)).mappings()
            return [account_of(dict(row)) for row in rows]

    def of(self, name: str) -> Account | None:
        """The account of this name."""
        with self.book.reading() as connection:
            row = row_of_account(connection, name)
        return account_of(row) if row else None

    def authenticate(self, name: str, password: str, address: str) -> Account:
        """The account, if this is its password; asked for in the log, granted or not.

        Raises:
            LoginRefused: If it is not, or was tried too often. Nothing tells whether the account exists:
                the words, the work and the rows written are the same.
        """
        return self._tried(name, password, address, "log in")

    def confirm(self, name: str, password: str, address: str = "") -> Account:
        """Says again who one is, as a signature asks for.

        Raises:
            LoginRefused: As :meth:`authenticate` does.
        """
        return self._tried(name, password, address, "confirm")

    def set_password(self, actor: str, name: str, password: str, reason: str = "") -> None:
        """Gives an account another password and ends its sessions.

        Raises:
            ReviewError: If there is no such account, or the password is refused.
        """
        check_password(password, name)
        digest = self.passwords.digest(password)
        with self.book.change() as change:
            alter(change, actor, "set password", name, {"password": digest}, reason)
            end_sessions(change.connection, key_of(name))

    def set_role(self, actor: str, name: str, role: Role, reason: str = "") -> None:
        """Gives an account another role, from its next request on.

        Raises:
            ReviewError: If there is no such account, or it is the last admin.
        """
        with self.book.change() as change:
            if role is not Role.ADMIN:
                _keep_an_admin(change.connection, name)
            alter(change, actor, "set role", name, {"role": role.value}, reason)

    def disable(self, actor: str, name: str, reason: str = "") -> None:
        """Closes an account and ends its sessions; what it wrote stays.

        Raises:
            ReviewError: If there is no such account, or it is the last admin.
        """
        with self.book.change() as change:
            _keep_an_admin(change.connection, name)
            alter(change, actor, "disable", name, {"enabled": False}, reason)
            end_sessions(change.connection, key_of(name))

    def enable(self, actor: str, name: str, reason: str = "") -> None:
        """Opens an account again.

        Raises:
            ReviewError: If there is no such account.
        """
        with self.book.change() as change:
            alter(change, actor, "enable", name, {"enabled": True}, reason)

    def preferences(self, name: str) -> dict[str, Any]:
        """What a person chose for themselves: language, theme, keys."""
        with self.book.reading() as connection:
            row = row_of_account(connection, name)
        preferences: dict[str, Any] = json.loads(row["preferences"]) if row else {}
        return preferences

    def set_preferences(self, name: str, preferences: Mapping[str, Any]) -> None:
        """Keeps what a person chose for themselves.

        Raises:
            ReviewError: If it is longer than 8 kB, or there is no such account.
        """
        text = canonical(dict(preferences))
        if len(text) > MAX_PREFERENCES:
            raise ReviewError(f"preferences have {MAX_PREFERENCES} characters at most")
        with self.book.change() as change:
            alter(change, name, "preferences", name, {"preferences": text}, "")

    def one_time_link(self) -> str:
        """A token for the first admin, printed once by the command line.

        Raises:
            ReviewError: If there is an account already.
        """
        from taktsight.inspect.review.people.links import Links

        return Links(self).first_admin()

    def reset_link(self, actor: str, name: str) -> str:
        """A token with which a person sets a new password.

        Raises:
            ReviewError: If there is no such account.
        """
        from taktsight.inspect.review.people.links import Links

        return Links(self).reset(actor, name)

    def redeem(self, token: str, password: str, name: str = "", full_name: str = "") -> Account:
        """Uses a link; see :meth:`taktsight.inspect.review.people.links.Links.redeem`."""
        from taktsight.inspect.review.people.links import Links

        return Links(self).redeem(token, password, name, full_name)

    def _tried(self, name: str, password: str, address: str, what: str) -> Account:
        address = address[:100]
        key = _folded(name)
        counted = limits.keys_of(key, address)
        self._refuse_early(counted)
        tried, row = self._begin_try(key, counted)
        try:
            fits = self.passwords.fits(row["password"] if row else None, password)
        except ReviewError:  # too many at once: this was no try
            with self.book.change() as change:
                limits.release(change.connection, tried)
            raise
        with self.book.change() as change:
            now = row_of_account(change.connection, name)
            if not (fits and row and now and now["enabled"] and now["password"] == row["password"]):
                wait = limits.wait_s(change.connection, counted, change.now)
                said = {"from": address, "wait_s": wait}
                change.write(SYSTEM, f"{what} refused", row["name"] if row else "?", new=said)
                account = None
            else:
                limits.release(change.connection, tried)
                change.write(now["name"], what, now["name"], new={"from": address})
                account = account_of(now)
        if account is None:
            raise LoginRefused(0)
        self._strengthen(account.name, row["password"] if row else "", password)
        return account

    def _refuse_early(self, counted: tuple[str, ...]) -> None:
        """Reads alone: a guess that is one too many costs neither a digest nor a row."""
        with self.book.reading() as connection:
            wait = limits.wait_s(connection, counted, self.book.clock())
        if wait:
            raise LoginRefused(wait)

    def _begin_try(self, key: str, counted: tuple[str, ...]) -> tuple[str, dict[str, Any] | None]:
        with self.book.change() as change:
            wait = limits.wait_s(change.connection, counted, change.now)
            if wait:
                raise LoginRefused(wait)
            tried = limits.reserve(change.connection, counted, change.now)
            return tried, row_of_account(change.connection, key)

    def _strengthen(self, name: str, kept: str, password: str) -> None:
        if not self.passwords.is_weak(kept):
            return
        digest = self.passwords.digest(password)
        with self.book.change() as change:
            row = row_of_account(change.connection, name)
            if row and row["password"] == kept:
                alter(
                    change,
                    SYSTEM,
                    "set password",
                    name,
                    {"password": digest},
                    "the work of a digest changed",
                )


def key_of(name: str) -> str:
    """One key for all ways to write a name.

    Raises:
        ReviewError: If it cannot be a name.
    """
    if len(name) > 64 or not _NAME.fullmatch(name) or _folded(name) in (SYSTEM, "console", "link"):
        raise ReviewError(
            f"{name[:64]!r} is no name for an account: up to 64 letters, digits, '.', '-', '_', '@'"
        )
    return _folded(name)


def insert(
    change: Change, actor: str, key: str, name: str, role: Role, digest: str, full_name: str
) -> None:
    """Adds an account within a change.

    Raises:
        ReviewError: If the name is taken.
    """
    if row_of_account(change.connection, name):
        raise ReviewError(f"there is an account {name!r} already")
    row = {
        "key": key,
        "name": name,
        "full_name": (full_name or name)[:200],
        "role": role.value,
        "enabled": True,
        "password": digest,
        "preferences": "{}",
    }
    change.write(actor, "add account", name, new=logged(row))
    change.connection.execute(sa.insert(accounts), row)


def alter(change: Change, actor: str, action: str, name: str, new: dict[str, Any], reason: str) -> None:
    """Changes fields of an account within a change.

    Raises:
        ReviewError: If there is no such account.
    """
    row = row_of_account(change.connection, name)
    if row is None:
        raise ReviewError(f"there is no account {name[:64]!r}")
    old = logged({key: row[key] for key in new})
    change.write(actor, action, row["name"], old=old, new=logged(new), reason=reason)
    change.connection.execute(sa.update(accounts).where(accounts.c.key == row["key"]).values(**new))


def row_of_account(connection: sa.Connection, name: str) -> dict[str, Any] | None:
    """The table's row; None where there is none."""
    query = sa.select(accounts).where(accounts.c.key == _folded(name))
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def account_of(row: Mapping[str, Any]) -> Account:
    """Of the table's row."""
    return Account(row["name"], row["full_name"], Role(row["role"]), bool(row["enabled"]))


def end_sessions(connection: sa.Connection, key: str) -> None:
    """Whoever is logged in with this account is no more."""
    connection.execute(sa.delete(sessions).where(sessions.c.account == key))


def _keep_an_admin(connection: sa.Connection, name: str) -> None:
    query = sa.select(accounts.c.key).where(accounts.c.role == Role.ADMIN.value, accounts.c.enabled)
    if list(connection.execute(query).scalars()) == [_folded(name)]:
        raise ReviewError(f"{name!r} is the last admin; make another one first")


def _folded(name: str) -> str:
    plain = name[:256].encode(errors="backslashreplace").decode().replace("\0", "")
    return unicodedata.normalize("NFKC", plain).casefold().strip()
