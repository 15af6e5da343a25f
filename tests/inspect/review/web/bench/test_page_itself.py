"""What the bench's page carries: a form that needs no script, small scripts, and not a word too many."""

from __future__ import annotations

import gzip

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, expect

from taktsight.inspect.review.web.assets import assets

from ..chromium import needs_chromium
from .at_bench import context_of, made_by, wait_prepared, wait_shown
from .serving_bench import Serving

pytestmark = needs_chromium
MOST_SCRIPT_BYTES = 170_000


def test_without_a_script_a_form_does_it_all(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "anna", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/review?why=reject")
    page.get_by_role("link", name="Start reviewing").click()
    part = page.url.split("/review/")[1].split("?")[0].replace("%3A", ":")
    assert page.locator(".plain svg image").count() == 2, "one tile of each view"
    page.get_by_label("Missed defect").check()
    page.select_option("#f-label", "spot")
    page.fill("#f-note", "by hand")
    for name, value in (("x0", "10"), ("y0", "20"), ("x1", "30"), ("y1", "50")):
        page.fill(f"#f-{name}", value)
    page.get_by_role("button", name="Save and go on").click()
    decision = made_by(served, "anna", part)[0]
    assert (decision.marks[0].box_px, decision.note) == ((10, 20, 30, 50), "by hand")
    assert part not in page.url.replace("%3A", ":")
    assert "why=reject" in page.url
    page.get_by_role("button", name="Undo my last decision").click()
    assert made_by(served, "anna", part)[0].undone_by is not None
    page.get_by_label("Missed defect").check()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator(".refused")).to_contain_text("which defect")
    context.close()


def test_scripts_of_the_bench_are_small() -> None:
    scripts = [
        each.content
        for name, each in assets().items()
        if name in ("js/bench.js", "vendor/openseadragon.min.js") or name.startswith("js/bench/")
    ]
    assert len(scripts) > 10
    assert sum(len(gzip.compress(each)) for each in scripts) <= MOST_SCRIPT_BYTES


def test_no_page_tells_more_than_it_must(anna: BrowserContext, served: Serving) -> None:
    """No path of a file, no request to elsewhere, no word of blind doubles, no error in the console."""
    page = anna.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.goto(f"{served.url}/review/next")
    wait_shown(page, "")
    wait_prepared(page)
    content = page.content()
    assert ".png" not in content.replace("image/png", "")
    assert "images/" not in content
    for word in ("second", "known_share", "is_blind"):
        assert word not in content
    assert all(url.startswith((served.url, "blob:", "data:")) for url in asked)
    assert errors == []
