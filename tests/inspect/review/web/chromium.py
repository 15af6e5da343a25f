"""A real browser for the tests of pages, and what every page has to stand: axe, no script, no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from .quality_bench import PASSWORD, ServedBench

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: tests/peers/install.sh installs it"
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Until it is left."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def context_of(
    browser: Browser,
    bench: ServedBench,
    name: str,
    *,
    theme: Literal["light", "dark"] = "light",
    has_script: bool = True,
) -> BrowserContext:
    """Somebody's browser, with a session."""
    context = browser.new_context(
        viewport={"width": 1024, "height": 768},
        color_scheme=theme,
        java_script_enabled=has_script,
        locale="en-GB",
    )
    cookies = bench.cookie(name)
    context.add_cookies([{"name": key, "value": value, "url": bench.url} for key, value in cookies.items()])
    return context


def sign_in(page: Page, bench: ServedBench, name: str) -> None:
    """By the form, as people do."""
    page.goto(f"{bench.url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")


def check_pages(browser: Browser, bench: ServedBench, name: str, paths: list[str], shots: Path) -> None:
    """Every page in both themes: no violation of WCAG that axe finds, no strange request, no scrolling
    sideways, no fault in the console."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for theme in THEMES:
        context = context_of(browser, bench, name, theme=theme)
        page = context.new_page()
        strange = _strange(page, bench)
        for path in paths:
            answer = page.goto(bench.url + path)
            assert answer is not None, path
            assert answer.status == 200, path
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            found = axe.run(page)
            assert found.violations_count == 0, f"{path} ({theme}): {found.generate_report()}"
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 1024, f"{path} scrolls sideways: {width} px"
            shot = path.partition("?")[0].strip("/").replace("/", "-")
            page.screenshot(path=shots / f"{shot}-{theme}.png", full_page=True)
        assert strange == []
        context.close()


def _strange(page: Page, bench: ServedBench) -> list[str]:
    """What a page asks of anybody else, and what its console complains of; it grows."""
    strange: list[str] = []

    def ask(request: Request) -> None:
        if not request.url.startswith(bench.url):
            strange.append(request.url)

    page.on("request", ask)
    page.on("console", lambda said: strange.append(said.text) if said.type == "error" else None)
    return strange
