"""Who is logged in: kept at the server; of a token only its digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from taktsight.inspect.review.people.accounts import Account, key_of
from taktsight.inspect.review.people.passwords import digest_of_token
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.settings import settings_of
from taktsight.inspect.review.store.tables import accounts, sessions, settings

if TYPE_CHECKING:
    from taktsight.inspect.review.store.store import ReviewStore

MOST = 10
"""Sessions of one account; the eleventh ends the one that was idle longest."""
TOUCH_S = 30.0
"""A session's last request is written no oftener than this: a page is no reason to write."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in."""

    name: str
    full_name: str
    role: Role
    """As it is now, not as it was at the login."""
    csrf: str
    """Stands in every form; only who holds the token can know it."""
    begun: datetime
    last_seen: datetime


class Sessions:
    """The sessions of one store."""

    def __init__(self, store: ReviewStore) -> None:
        self._book = store.book

    def begin(self, account: Account, address: str) -> str:
        """A new session's token, for the cookie alone."""
        token = secrets.token_urlsafe(32)
        key = key_of(account.name)
        with self._book.change() as change:
            now = change.now.timestamp()
            connection = change.connection
            ended = sa.delete(sessions).where(_is_over(connection, now))
            connection.execute(ended)
            mine = sa.select(sessions.c.token).where(sessions.c.account == key)
            oldest = list(
                connection.execute(mine.order_by(sessions.c.seen.desc()).offset(MOST - 1)).scalars()
            )
            connection.execute(sa.delete(sessions).where(sessions.c.token.in_(oldest)))
            row = {"token": digest_of_token(token), "account": key, "address": address[:100]}
            connection.execute(sa.insert(sessions), row | {"begun": now, "seen": now})
        return token

    def of(self, token: str) -> Session | None:
        """Whose session it is; None where it is over, or its account closed."""
        now = self._book.clock().timestamp()
        kept = digest_of_token(token)
        query = (
            sa.select(sessions, accounts)
            .join(accounts, accounts.c.key == sessions.c.account)
            .where(sessions.c.token == kept, accounts.c.enabled)
        )
        with self._book.reading() as connection:
            row = connection.execute(query.where(~_is_over(connection, now))).mappings().first()
        if row is None:
            return None
        if now - row["seen"] > TOUCH_S:
            with self._book.change() as change:
                touched = sa.update(sessions).where(sessions.c.token == kept)
                change.connection.execute(touched.values(seen=now))
        return _session(dict(row), token, self._book.clock())

    def end(self, token: str) -> None:
        """Logs out; a token that is none is no mistake."""
        kept = digest_of_token(token)
        query = (
            sa.select(accounts.c.name)
            .join(sessions, sessions.c.account == accounts.c.key)
            .where(sessions.c.token == kept)
        )
        with self._book.change() as change:
            name = change.connection.execute(query).scalar()
            if name is not None:
                change.connection.execute(sa.delete(sessions).where(sessions.c.token == kept))
                change.write(name, "log out", name)


def csrf_of(token: str) -> str:
    """The secret of a session's forms: made of its token, so nothing that is kept gives it away."""
    return hmac.new(token.encode(errors="backslashreplace"), b"taktsight csrf", hashlib.sha256).hexdigest()


def _is_over(connection: sa.Connection, now: float) -> sa.ColumnElement[bool]:
    rows = connection.execute(sa.select(settings.c.key, settings.c.value)).all()
    rules = settings_of((row.key, row.value) for row in rows)
    too_old = sessions.c.begun < now - rules.session_h * 3600
    too_idle = sessions.c.seen < now - rules.idle_min * 60
    # A clock that was put back must not make a session last.
    return sa.or_(too_old, too_idle, sessions.c.begun > now + 60)


def _session(row: Mapping[str, Any], token: str, now: datetime) -> Session:
    return Session(
        row["name"],
        row["full_name"],
        Role(row["role"]),
        csrf_of(token),
        datetime.fromtimestamp(row["begun"], now.tzinfo),
        now,
    )
