"""A line's records with a few parts, and the store that people write to beside them."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.passwords import Work
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.book import FILE
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, NewDecision, PartKey, Why

RUN = "20300102T030405Z-ab12"
CHEAP = Work(memory_kib=64, passes=1)
"""What a digest costs does not matter to most tests."""
PASSWORD = "seven quiet lathes"
PEOPLE = {
    "anna": Role.REVIEWER,
    "ben": Role.REVIEWER,
    "carl": Role.SUPERVISOR,
    "dora": Role.ENGINEER,
    "eva": Role.AUDITOR,
    "frank": Role.ADMIN,
}
OUTCOMES = ("REJECT", "PASS", "REVIEW", "UNINSPECTED")


def make_records(folder: Path, parts: int = 8) -> Path:
    """A ledger of so many parts: a reject, a pass, a review, an uninspected one, and so on."""
    ledger = Ledger.create(folder)
    entries = []
    for number in range(1, parts + 1):
        outcome = OUTCOMES[(number - 1) % 4]
        reasons = {"REJECT": ("spot: score 1.00 ≥ 0.60",), "REVIEW": ("scratch: score 0.41 ≥ 0.30",)}
        frames = {"top": f"{number:064x}"} if outcome != "UNINSPECTED" else {}
        entry = Entry("verdict", number, outcome=outcome, reasons=reasons.get(outcome, ()), number=number)
        entries.append(replace(entry, frames=frames))
    ledger.append(RUN, entries, (), "2030-01-02T03:04:05.000+00:00")
    ledger.close()
    return folder


def said(number: int, choice: Choice = Choice.FALSE_REJECT, **changed: Any) -> NewDecision:
    """A decision on a part, as a page sends it."""
    fields: dict[str, Any] = {
        "label": None,
        "note": "",
        "marks": (),
        "why": Why.REJECT,
        "blind": False,
        "request_id": str(uuid.uuid4()),
    }
    return NewDecision(PartKey(RUN, number), choice, **(fields | changed))


@dataclass
class Clock:
    """The time, as a test wants it."""

    now: datetime = field(default_factory=lambda: datetime(2030, 1, 2, 8, tzinfo=timezone.utc))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **spans: float) -> None:
        self.now += timedelta(**spans)


def with_people(store: ReviewStore) -> Accounts:
    """One account of each role, and a second reviewer."""
    accounts = Accounts(store)
    for name, role in PEOPLE.items():
        accounts.add("frank", name, role, PASSWORD, f"{name.title()} Example")
    return accounts


def tamper(folder: Path, *statements: str) -> None:
    """Edits the file behind the store's back: whoever can write it can drop its triggers too."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        triggers = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
        ]
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
