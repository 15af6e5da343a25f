"""The pages in a real browser: for everybody, at every size, without a script, without the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .chromium import chromium, needs_chromium
from .running_bench import ADMIN, PASSWORD, RunningBench

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, Request

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = needs_chromium
PAGES = ["/help", "/log", "/people", "/settings", "/nowhere"]
SMALL_TARGET = """() => [...document.querySelectorAll('a[href], button, input, select, summary')]
  .filter(each => each.checkVisibility() && !each.closest('.skip, p, td.changes'))
  .map(each => [each, (each.closest('label') ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.5 || box.width < 43.5))
  .map(([each, box]) => `${each.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def signed_in(browser: Browser, bench: RunningBench) -> Any:
    """Cookies of an admin's browser."""
    context = browser.new_context()
    sign_in(context.new_page(), bench)
    state = context.storage_state()
    context.close()
    return state


def sign_in(page: Page, bench: RunningBench) -> None:
    page.goto(f"{bench.url}/login")
    page.fill("[name=name]", ADMIN)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    assert "/login" not in page.url


def violations(page: Page) -> list[str]:
    axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    # The script comes through the protocol, not through the page: the page's policy lets nothing in.
    found = axe_playwright.Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:100]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES, "/login"])
def test_page_is_accessible_at_every_size(
    browser: Browser, bench: RunningBench, signed_in: Any, path: str, scheme: Any
) -> None:
    state = None if path == "/login" else signed_in
    context = browser.new_context(storage_state=state, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for width, height in ((1024, 768), (768, 1024), (1920, 1080), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(bench.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, path)
        assert page.evaluate(SMALL_TARGET) == [], (width, path)
    assert violations(page) == []
    context.close()


def test_first_account_page_is_accessible(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from ..records import make_records
    from .running_bench import running_bench

    with running_bench(make_records(tmp_path_factory.mktemp("first")).folder) as first:
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.goto(first.url + first.link)
        assert violations(page) == []
        page.fill("[name=name]", ADMIN)
        page.fill("[name=password]", PASSWORD)
        page.fill("[name=again]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"^(?!.*/link/)"))
        assert page.locator(".whoami").inner_text().endswith(ADMIN)
        context.close()


def test_everything_works_without_a_script(browser: Browser, bench: RunningBench) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, bench)
    page.goto(f"{bench.url}/log")
    page.fill("[name=actor]", "taktsight")
    page.click("form.filters button")
    assert "actor=taktsight" in page.url
    assert page.locator("tbody tr").count() > 0
    page.click("form[action='/log'][method=post] button")
    assert "Whole" in page.locator(".verified").inner_text()
    page.click(".person button")
    assert page.url.endswith("/login")
    context.close()


def test_no_page_asks_anybody_else(browser: Browser, bench: RunningBench, signed_in: Any) -> None:
    context: BrowserContext = browser.new_context(storage_state=signed_in)
    asked: list[str] = []
    refused: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page = context.new_page()
    page.on("request", note)
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    for path in PAGES[:-1]:
        page.goto(bench.url + path, wait_until="networkidle")
    assert [url for url in asked if not url.startswith(bench.url + "/")] == []
    assert refused == []
    context.close()


def test_everything_is_reached_by_keyboard(browser: Browser, bench: RunningBench, signed_in: Any) -> None:
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(f"{bench.url}/help")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    context.close()
