"""What axe finds on every page, light and dark, and how many bytes of script the bench takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from taktsight.benchmarks.review_speed.plant import Place, Plant

THEMES = ("light", "dark")
WAIT_MS = 60_000
BENCH = "/review/{id}"
SCRIPT = ".js"


def measure_looks(plant: Plant) -> dict[str, Any]:
    """Violations of each page, and bytes of the bench's scripts as they are sent, packed."""
    shown = _one_of_each(plant)
    violations: dict[str, int] = {}
    with _browser() as browser:
        for theme in THEMES:
            for place in shown:
                found = _violations(browser, plant, place, theme)
                violations[f"{place.route} {theme}"] = len(found)
                for each in found:
                    print(f"{place.path} {theme}: {each}", flush=True)
        scripts = _scripts(browser, plant)
    return {"violations": violations, "script_bytes": scripts}


def _one_of_each(plant: Plant) -> Sequence[Place]:
    """Of each page one address; of the sign-in, which leads whoever is signed in away, as nobody's."""
    pages: dict[str, Place] = {}
    for place in plant.places:
        if place.is_page and not place.is_file:
            pages.setdefault(place.route, place)
    pages["/login"] = replace(pages["/login"], cookie="")
    return list(pages.values())


def _violations(browser: Browser, plant: Plant, place: Place, theme: str) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    with _page(browser, plant, place, theme) as page:
        page.goto(plant.url + place.path, wait_until="load")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def _scripts(browser: Browser, plant: Plant) -> dict[str, int]:
    """Name → bytes, of every script that the bench loads."""
    place = next(place for place in plant.places if place.route == BENCH)
    asked: list[str] = []
    with _page(browser, plant, place, "light") as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(plant.url + place.path, wait_until="networkidle")
    with httpx.Client(trust_env=False, headers={"accept-encoding": "gzip"}) as client:
        return {
            url.partition("/static/")[2].partition("/")[2]: _packed(client, url)
            for url in dict.fromkeys(asked)
            if url.endswith(SCRIPT)
        }


def _packed(client: httpx.Client, url: str) -> int:
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        return sum(len(piece) for piece in answer.iter_raw())


@contextmanager
def _browser() -> Iterator[Browser]:
    from tests.inspect.review.web.chromium import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def _page(browser: Browser, plant: Plant, place: Place, theme: str) -> Iterator[Page]:
    options: dict[str, Any] = {"color_scheme": theme, "viewport": {"width": 1280, "height": 800}}
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT_MS)
    if place.cookie:
        name, _, value = place.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": plant.url}])
    yield context.new_page()
    context.close()
