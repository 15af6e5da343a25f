"""A browser at the bench: opened as one of the people, and what its script says of itself."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page, expect

from taktsight.inspect.review.store.values import Decision, PartKey

from .serving_bench import Serving

HEIGHT, WIDTH = 480, 640
"""Of the pictures of its parts."""
WAIT_MS = 60_000
"""For a machine that does much else; what takes longer is a fault."""
expect.set_options(timeout=WAIT_MS)


def context_of(browser: Browser, serving: Serving, name: str, **options: object) -> BrowserContext:
    """A browser profile in which this person is signed in."""
    wanted = {"viewport": {"width": 1280, "height": 800}} | options
    context = browser.new_context(**wanted)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([serving.cookie_of(name)])  # type: ignore[list-item]
    return context


def start(context: BrowserContext, serving: Serving, query: str = "") -> Page:
    """The bench with the first part on it, drawn."""
    page = context.new_page()
    page.goto(f"{serving.url}/review/next{query}")
    wait_shown(page, "")
    return page


def fact(page: Page, name: str) -> str:
    """What the bench's element says of its state."""
    return page.locator("#bench").get_attribute(f"data-{name}") or ""


def wait_shown(page: Page, before: str) -> str:
    """Until another part than this one is drawn: its name."""
    page.wait_for_function(
        "before => { const b = document.getElementById('bench').dataset;"
        " return b.shown && b.shown === b.part && b.shown !== before; }",
        arg=before,
    )
    return fact(page, "shown")


def wait_prepared(page: Page) -> None:
    """Until the next part is drawn behind the one that is seen."""
    page.wait_for_function("() => Boolean(document.getElementById('bench').dataset.prepared)")


def wait_sent(page: Page, count: int) -> None:
    """Until the server has acknowledged so many decisions of this page."""
    page.wait_for_function(
        "count => Number(document.getElementById('bench').dataset.acks ?? 0) >= count", arg=count
    )


def decide(page: Page, key: str) -> str:
    """Presses a key and waits for the next part: its name."""
    before = fact(page, "shown")
    page.keyboard.press(key)
    return wait_shown(page, before)


def made_by(served: Serving, name: str, part: str) -> list[Decision]:
    """What this person decided of a part, first to last."""
    found = served.bench.store.decisions_of(PartKey.parse(part))
    return [each for each in found if each.reviewer == name]
