"""Decisions reach the bench once and in order, whatever the connection does."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import BrowserContext, expect

from taktsight.inspect.review.store.values import Choice

from ..chromium import needs_chromium
from .at_bench import decide, fact, made_by, start, wait_prepared, wait_sent
from .serving_bench import Serving

pytestmark = needs_chromium
PRESSED = 20


def test_decisions_without_a_connection_are_kept_and_sent_once_in_order(
    anna: BrowserContext, served: Serving
) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    page.wait_for_timeout(1500)  # what is fetched ahead arrives
    first = fact(page, "shown")
    anna.set_offline(True)
    second = decide(page, "c")
    third = decide(page, "f")
    expect(page.locator("#outbox .state")).to_contain_text("No connection")
    assert not made_by(served, "anna", first)
    anna.set_offline(False)
    wait_sent(page, 2)
    decisions = [made_by(served, "anna", part) for part in (first, second)]
    assert [[each.choice for each in made] for made in decisions] == [
        [Choice.CONFIRM],
        [Choice.FALSE_REJECT],
    ]
    assert decisions[0][0].id < decisions[1][0].id
    assert third != second
    expect(page.locator("#outbox .state")).to_have_text("Connected")


def test_decisions_that_wait_survive_a_closed_page(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    anna.route("**/api/decide", lambda route: route.abort())
    decide(page, "c")
    page.wait_for_function("() => document.getElementById('bench').dataset.waiting === '1'")
    page.close()
    anna.unroute("**/api/decide")
    assert not made_by(served, "anna", part)
    page = start(anna, served)
    wait_sent(page, 1)
    assert len(made_by(served, "anna", part)) == 1


def test_an_answer_that_is_lost_makes_no_second_decision(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    lost: list[int] = []

    def lose_the_first_answer(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
            return
        lost.append(route.fetch().status)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/api/decide", lose_the_first_answer)
    decide(page, "c")
    wait_sent(page, 1)
    assert lost == [200]
    assert len(made_by(served, "anna", part)) == 1


SLOW_DISK = """
const make = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  const transaction = make.call(this, stores, mode, options);
  if (mode === "readwrite") {
    const until = performance.now() + (options?.durability === "strict" ? 300 : 200);
    const stay = () => {
      if (performance.now() < until) transaction.objectStore("entries").get(0).onsuccess = stay;
    };
    stay();
  }
  return transaction;
};
"""
"""Of the browser's computer: what is written to it takes so many milliseconds."""


def test_decision_that_is_sent_while_it_is_written_overtakes_none_before_it(
    anna: BrowserContext, served: Serving
) -> None:
    anna.add_init_script(SLOW_DISK)
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    page.wait_for_timeout(1500)  # what is fetched ahead arrives
    chance = random.Random(3)
    shown = [fact(page, "shown")]
    for _ in range(PRESSED):
        shown.append(decide(page, "c"))
        page.wait_for_timeout(chance.choice((0, 100, 200, 300, 400, 600, 800)))
    wait_sent(page, PRESSED)
    numbers = [[each.id for each in made_by(served, "anna", part)] for part in shown[:PRESSED]]
    assert [len(each) for each in numbers] == [1] * PRESSED
    assert numbers == sorted(numbers)
