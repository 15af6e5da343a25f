"""A shift at the bench without a mouse: 200 parts, blind doubles among them, and the kappa shown."""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from taktsight.inspect.review.store.values import Choice, NewDecision, Why

from ..records import PASS, REJECT, REVIEW, make_records
from .bench.at_bench import context_of, fact, start, wait_sent, wait_shown
from .bench.serving_bench import Serving, serve
from .chromium import chromium, needs_chromium

pytestmark = needs_chromium
PARTS = 200
BEFORE = 70
"""Parts that somebody else has decided by then."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    outcomes = (REJECT, REVIEW, PASS) * ((PARTS + BEFORE) // 2 + 10)
    made = make_records(tmp_path_factory.mktemp("shift"), outcomes, views=("top",))
    serving = serve(made.folder, made.bundle)
    store = serving.bench.store
    store.change_setting("sue", "blind_share", 0.4, "many doubles in one shift")
    for item in serving.bench.queue.page(most=BEFORE).items:
        request = str(uuid.uuid4())
        choice = Choice.FALSE_REJECT if item.part.key.trigger % 3 == 1 else Choice.CONFIRM
        label = "spot" if choice is Choice.CONFIRM else None
        why = item.whys[0]
        store.decide("otto", NewDecision(item.part.key, choice, label, "", (), why, False, request))
    yield serving
    serving.stop()


def test_200_parts_by_keyboard_and_the_kappa_shown_is_that_of_the_database(served: Serving) -> None:
    rng = random.Random(5)
    with chromium() as browser:
        page = start(context_of(browser, served, "anna"), served)
        shown = [fact(page, "shown")]
        for number in range(PARTS):
            page.keyboard.press(rng.choice("ccf"))
            if number + 1 < PARTS:
                shown.append(wait_shown(page, shown[-1]))
        wait_sent(page, PARTS)
        supervisor = context_of(browser, served, "sue").new_page()
        supervisor.goto(f"{served.url}/review")
        figure = supervisor.locator(".figure", has_text="Kappa of blind doubles").locator(".value")
        kappa_shown = figure.inner_text()
        doubles = supervisor.locator(".figure", has_text="neither knowing").locator(".value").inner_text()

    mine = [each for each in served.bench.store.decisions(most=2000) if each.reviewer == "anna"]
    assert [str(each.part) for each in mine] == shown, "each part once, in the order they were shown"
    whys = Counter(each.why for each in mine)
    assert whys[Why.SECOND] >= PARTS * 0.05
    assert all(each.blind == (each.why in (Why.SECOND, Why.KNOWN)) for each in mine)
    pairs = pairs_of_database(served.bench.records / "review")
    assert len(pairs) == whys[Why.SECOND] == int(doubles)
    assert 0 < len(set(pairs)) <= 4
    assert kappa_shown == f"{kappa(pairs):.2f}"


def pairs_of_database(folder: Path) -> list[tuple[str, str]]:
    """First and second look, with nothing but SQL."""
    with sqlite3.connect(folder / "review.sqlite") as connection:
        return connection.execute(
            "SELECT a.truth, b.truth FROM decisions a JOIN decisions b "
            "ON a.run = b.run AND a.trigger = b.trigger "
            "AND a.reviewer = 'otto' AND b.reviewer = 'anna' AND b.why = 'second' AND b.blind = 1 "
            "WHERE a.truth IS NOT NULL AND b.truth IS NOT NULL"
        ).fetchall()


def kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's, by its definition."""
    n = len(pairs)
    observed = sum(first == second for first, second in pairs) / n
    firsts, seconds = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    expected = sum(firsts[name] * seconds[name] for name in firsts) / n**2
    return (observed - expected) / (1 - expected)
