"""Parts and models in a real browser: at every size, in both themes, without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from taktsight.inspect.review.store.values import Choice
from taktsight.records import Outcome

from .running_bench import PASSWORD
from .served_records import Served, certified_spots, path_of, serving

pytest.importorskip("playwright")
from playwright.sync_api import Browser, sync_playwright

from .chromium import CHROMIUM, FLAGS
from .test_browser import SMALL_TARGET, violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: tests/peers/install.sh installs it")
SIZES = ((1024, 768), (768, 1024), (1920, 1080))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("parts-browser")
    certified_spots(place / "spots.takt")
    with serving(place) as running:
        part = running.made.of(Outcome.REJECT)[0]
        wrong = running.decide("supervisor", part, Choice.FALSE_REJECT, note="dust")
        running.store.undo("supervisor", wrong.id, "looked again")
        running.decide("supervisor", part, note="a spot")
        assert running.sign("supervisor", part).status_code == 303
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def paths(served: Served) -> list[str]:
    reject, late = served.made.of(Outcome.REJECT)[0], served.made.of(Outcome.UNINSPECTED)[0]
    return ["/parts", "/parts?text=nothing", path_of(reject), path_of(late), "/models"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_at_every_size(browser: Browser, served: Served, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    context.add_cookies([served.cookie("engineer")])  # type: ignore[list-item]
    page = context.new_page()
    for path in paths(served):
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(served.url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, path)
            assert page.evaluate(SMALL_TARGET) == [], (width, path)
        assert violations(page) == [], path
    context.close()


def test_part_is_found_signed_and_model_approved_without_a_script(browser: Browser, served: Served) -> None:
    part = served.made.of(Outcome.REVIEW)[0]
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([served.cookie("engineer")])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(f"{served.url}/parts")
    page.fill("[name=text]", part.serial)
    page.click("form.filters button")
    assert page.locator("h1").inner_text() == part.serial
    assert page.locator(".views svg image").count() == len(served.made.views)
    page.check("[name=meaning][value=reviewed]")
    page.fill("[name=password]", PASSWORD)
    page.click("form.sign button")
    assert "Signed" in page.locator(".said").inner_text()
    assert "holds" in page.locator("section[aria-labelledby=signatures]").inner_text()
    page.goto(f"{served.url}/models")
    page.click("details.sign summary")
    page.check("[name=meaning][value=approved]")
    page.fill("[name=password]", PASSWORD)
    page.click("details.sign button")
    assert page.locator(".model .tag.good", has_text="approved").count() == 1
    context.close()


@pytest.mark.parametrize("language", ["de", "zh"])
def test_pages_are_translated(browser: Browser, served: Served, language: str) -> None:
    context = browser.new_context(locale=language)
    context.add_cookies([served.cookie("auditor")])  # type: ignore[list-item]
    page = context.new_page()
    for path in paths(served):
        page.goto(served.url + path)
        assert page.locator("html").get_attribute("lang") == language
        assert "%(" not in page.content()
    context.close()
