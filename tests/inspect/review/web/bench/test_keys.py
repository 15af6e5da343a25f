"""What keys do at the bench, and that every one of them can be another."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, expect

from taktsight.inspect.review.store.values import Choice

from ..chromium import needs_chromium
from .at_bench import context_of, decide, fact, made_by, start, wait_prepared, wait_sent, wait_shown
from .serving_bench import Serving

pytestmark = needs_chromium


def test_keys_that_an_account_chose_are_used_and_shown(browser: Browser, served: Serving) -> None:
    served.bench.accounts.set_preferences("otto", {"keys": {"confirm": "j"}})
    context = context_of(browser, served, "otto")
    page = start(context, served, "?why=reject")
    part = fact(page, "shown")
    expect(page.locator('.buttons [data-key="confirm"]')).to_have_text("J")
    page.keyboard.press("?")
    expect(page.locator("dialog .keys div", has_text="Confirm the verdict").locator("kbd")).to_have_text(
        "j"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    decide(page, "j")
    wait_sent(page, 1)
    assert [each.choice for each in made_by(served, "otto", part)] == [Choice.CONFIRM]
    context.close()
    served.bench.accounts.set_preferences("otto", {})


def test_undo_brings_the_part_back_and_stands_in_the_log(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    after = decide(page, "c")
    wait_sent(page, 1)
    page.keyboard.press("u")
    assert wait_shown(page, after) == part
    assert [each.undone_by is None for each in made_by(served, "anna", part)] == [False]
    decide(page, "f")
    wait_sent(page, 3)
    assert made_by(served, "anna", part)[-1].choice is Choice.FALSE_REJECT


def test_a_note_a_skip_and_an_escalation(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    noted = fact(page, "shown")
    page.keyboard.press("n")
    page.keyboard.type("burr at the edge")
    page.keyboard.press("Escape")
    skipped = decide(page, "c")
    escalated = decide(page, "s")
    decide(page, "e")
    wait_sent(page, 3)
    assert made_by(served, "anna", noted)[0].note == "burr at the edge"
    assert made_by(served, "anna", skipped)[0].choice is Choice.SKIP
    assert made_by(served, "anna", escalated)[0].choice is Choice.ESCALATE


def test_overlay_golden_sample_and_zoom_answer_to_their_keys(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    mode = page.locator("#overlay-mode")
    expect(mode).to_have_text("Overlay: Outline")
    page.keyboard.press("o")
    expect(mode).to_have_text("Overlay: Mask")
    page.keyboard.press("g")
    expect(page.locator(".stage:not(.behind) .view.golden")).to_have_count(2)
    page.keyboard.press("g")
    expect(page.locator(".stage:not(.behind) .view.golden")).to_have_count(0)
    page.keyboard.press("x")
    expect(page.locator(".tools [data-do=blink]")).to_have_attribute("aria-pressed", "true")
    for key in ("1", "6", "2", "-", "0", "v", "x"):
        page.keyboard.press(key)
    expect(page.locator("#panel .reasons")).to_contain_text("spot: score")
