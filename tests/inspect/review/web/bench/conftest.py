"""A bench for each file of tests of what a reviewer does at it, and anna, who is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext

from taktsight.inspect.review.web.offers import Offers

from ...records import PASS, REJECT, REVIEW, UNINSPECTED, make_records
from ..chromium import chromium
from .at_bench import HEIGHT, WIDTH, context_of
from .serving_bench import Serving, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    outcomes = (REJECT, REVIEW, PASS, UNINSPECTED) * 40
    made = make_records(tmp_path_factory.mktemp("bench"), outcomes, size_px=(HEIGHT, WIDTH))
    serving = serve(made.folder, made.bundle)
    serving.bench.store.change_setting("sue", "known_share", 0.0, "each test knows what it gets")
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def anna(browser: Browser, served: Serving) -> Iterator[BrowserContext]:
    context = context_of(browser, served, "anna")
    yield context
    context.close()


@pytest.fixture(autouse=True)
def no_decoys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test knows what it gets."""
    monkeypatch.setattr(Offers, "is_decoy", lambda *_: False)
