"""A store beside a line's records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.store.store import ReviewStore

from .bench import CHEAP, Clock, make_records, with_people


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where people write, in the records of a line with eight parts."""
    return make_records(tmp_path / "records") / "review"


@pytest.fixture
def clock() -> Clock:
    """Stands still until a test moves it."""
    return Clock()


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[ReviewStore]:
    """An empty store."""
    opened = ReviewStore.open(folder, clock, CHEAP)
    yield opened
    opened.close()


@pytest.fixture
def accounts(store: ReviewStore) -> Accounts:
    """One account of each role; skipped by name without argon2-cffi."""
    pytest.importorskip("argon2")
    return with_people(store)
