"""The wall in a real browser beside a real line: parts appear, a stop is said, a lost bench is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ...place import make_place
from ...running_line import RunningLine
from ..waiting import wait_until
from .chromium import chromium, needs_chromium
from .running_bench import ADMIN, PASSWORD, RunningBench, make_admin, running_bench

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = needs_chromium
SIZES = ((1024, 768), (1920, 1080), (3840, 2160))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningLine, RunningBench]]:
    """A line, two parts a second, and a bench with its station file."""
    place = make_place(tmp_path_factory.mktemp("wall"))
    station = place.endless(500, deadline_ms=450)
    running = RunningLine(station, "--no-live")
    try:
        running.wait_until(lambda: running.meters["acknowledged"] >= 3)
        with running_bench(station) as bench:
            make_admin(bench)
            yield running, bench
    finally:
        if running.process.poll() is None:
            running.kill_all()


@pytest.fixture
def context(browser: Browser, line: tuple[RunningLine, RunningBench]) -> Iterator[BrowserContext]:
    """A browser that is signed in; other computers than the bench's cannot be reached."""
    made = browser.new_context(bypass_csp=True)
    bench = line[1]
    page = made.new_page()
    page.goto(f"{bench.url}/login")
    page.fill("[name=name]", ADMIN)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_load_state()
    leave(page)
    yield made
    for opened in made.pages:
        leave(opened)
    made.close()


def leave(page: Page) -> None:
    """Closes a page. Not while its stream is open: Chromium then may never say that it closed."""
    page.goto("about:blank")
    page.close()


def newest(page: Page) -> int:
    return int(page.locator(".newest li").first.get_attribute("data-key") or 0)


def violations(page: Page) -> list[str]:
    axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe_playwright.Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


def test_parts_appear_while_somebody_looks(context: Any, line: tuple[RunningLine, RunningBench]) -> None:
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(line[1].url + "/")
    page.evaluate("window.stayed = true")
    before = newest(page)
    wait_until(lambda: newest(page) > before)
    keys = [int(item.get_attribute("data-key")) for item in page.locator(".newest li").all()]
    assert keys == sorted(keys, reverse=True)
    assert len(keys) == 6
    assert page.evaluate("window.stayed"), "the page loaded itself again"
    assert page.locator(".lost").is_hidden()
    assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wall_and_station_are_accessible_at_every_size(
    context: Any, line: tuple[RunningLine, RunningBench], scheme: str
) -> None:
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    for path in ("/", "/stations/press-4"):
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(line[1].url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
        assert violations(page) == []


def test_wall_fits_on_its_screen(context: Any, line: tuple[RunningLine, RunningBench]) -> None:
    page = context.new_page()
    for width, height in SIZES[1:]:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(line[1].url + "/")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), width


def test_charts_are_drawn_from_their_tables(context: Any, line: tuple[RunningLine, RunningBench]) -> None:
    page = context.new_page()
    page.goto(line[1].url + "/stations/press-4")
    page.wait_for_selector("#cycle-histogram canvas")
    counted = page.locator("#cycle-histogram details td").all()
    assert sum(int(cell.get_attribute("data-value")) for cell in counted) >= 3


def test_wall_works_without_a_script(browser: Browser, line: tuple[RunningLine, RunningBench]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{line[1].url}/login")
    page.fill("[name=name]", ADMIN)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    page.goto(line[1].url + "/")
    before = newest(page)
    wait_until(lambda: page.locator(".newest li").count() > 0 and newest(page) > before)  # by itself
    context.close()


def test_end_of_line_and_bench_are_said(context: Any, line: tuple[RunningLine, RunningBench]) -> None:
    running, bench = line
    page = context.new_page()
    page.goto(bench.url + "/")
    assert "Armed" in page.locator(".state").inner_text()
    running.stop()
    wait_until(lambda: "Stopped" in page.locator(".state").inner_text())
    assert "since" in page.locator("header .note").inner_text()
    assert page.locator(".tile.old").count() == 1
    bench.process.terminate()
    wait_until(lambda: page.locator(".lost").is_visible())
    assert "No connection to the bench since" in page.locator(".lost").inner_text()
