"""Two people on one part: neither is overruled unasked, and who reviews blind learns nothing."""

from __future__ import annotations

import uuid

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, expect

from taktsight.inspect.review.store.values import Choice, Decision, NewDecision, PartKey, Why

from ..chromium import needs_chromium
from .at_bench import context_of, decide, fact, made_by, start, wait_prepared, wait_sent, wait_shown
from .serving_bench import Serving

pytestmark = needs_chromium


def decide_beside(served: Serving, name: str, part: str) -> Decision:
    """Somebody else decides, at another computer."""
    request = str(uuid.uuid4())
    return served.bench.store.decide(
        name,
        NewDecision(PartKey.parse(part), Choice.FALSE_REJECT, None, "dust", (), Why.REJECT, False, request),
    )


def test_two_people_on_one_part_see_what_the_other_said_and_choose(
    anna: BrowserContext, served: Serving
) -> None:
    page = start(anna, served, "?why=review")
    wait_prepared(page)
    part = fact(page, "shown")
    decide_beside(served, "otto", part)
    decide(page, "c")
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("A colleague decided meanwhile: False reject: good")
    expect(conflict).to_contain_text("dust")
    assert not made_by(served, "anna", part)
    conflict.locator(".decide-anyway").click()
    wait_sent(page, 1)
    expect(page.locator(".conflict")).to_have_count(0)
    assert [each.choice for each in made_by(served, "anna", part)] == [Choice.CONFIRM]


def test_a_conflict_can_be_left_as_the_other_said(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=review")
    wait_prepared(page)
    part = fact(page, "shown")
    decide_beside(served, "otto", part)
    decide(page, "c")
    page.locator(".conflict .keep-theirs").click()
    expect(page.locator(".conflict")).to_have_count(0)
    assert not made_by(served, "anna", part)


def test_two_reviewers_are_never_given_the_same_part(browser: Browser, served: Serving) -> None:
    contexts = [context_of(browser, served, name) for name in ("anna", "otto")]
    pages = [start(context, served) for context in contexts]
    shown = [fact(page, "shown") for page in pages]
    for _ in range(3):
        for place, page in enumerate(pages):
            wait_prepared(page)
            shown.append(decide(page, "s"))
            assert place < 2
    assert len(set(shown)) == len(shown)
    for context in contexts:
        context.close()


def test_blind_shows_neither_verdict_nor_reason_nor_colleagues(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "otto")
    page = context.new_page()
    page.goto(f"{served.url}/review")
    page.get_by_role("button", name="Blind: off").click()
    page.get_by_role("link", name="Start reviewing").click()
    part = wait_shown(page, "")
    text = page.locator("main").inner_text()
    assert "Verdict hidden" in text
    for word in ("REJECT", "REVIEW", "UNINSPECTED", "score", "Previous reviews"):
        assert word not in text
    assert page.locator("#overlay-mode").is_disabled()
    page.keyboard.press("f")
    wait_shown(page, part)
    wait_sent(page, 1)
    assert made_by(served, "otto", part)[0].truth == "good"
    assert made_by(served, "otto", part)[0].blind is False, "an ordinary part is decided by it"
    served.bench.accounts.set_preferences("otto", {})
    context.close()
