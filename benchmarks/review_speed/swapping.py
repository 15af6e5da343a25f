"""How long from the key that decides until the next 12 MP frame is drawn, and until the decision is safe.

In a real browser, which sees the key: from the time that it gives the event to the first frame after the
bench has drawn the next picture whole, at the zoom that fits; and to the server's acknowledgement, which
comes after the decision is on the disk. That it is drawn whole is looked at: a moment later, not one pixel
of it is another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Page, sync_playwright

from taktsight.benchmarks.review_speed.line_beside import SERIAL, line_beside, write_station
from taktsight.inspect.realtime import yield_to_everyone
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.cookies import session_cookie

TAKT_MS = 200.0
LAYERS = 4
VIEWPORT = {"width": 1920, "height": 1080}
KEY = "f"
SPARE = 8
"""Parts more than are reviewed: the next ones are prepared to the end."""
WAIT_MS = 60_000
START_S = 60.0
WATCH = (Path(__file__).with_name("watching.js")).read_text(encoding="utf-8")


def measure_swapping(
    folder: Path, parts: int = 100, *, channels: int, looked_at_s: float = 1.0
) -> dict[str, Any]:
    """Times, ms, of so many decisions, with the line running.

    Args:
        folder: an empty one.
        parts: to decide on.
        channels: of the camera.
        looked_at_s: how long somebody looks at a part.
    """
    station = write_station(
        folder, channels=channels, layers=LAYERS, takt_ms=TAKT_MS, waiting=parts + SPARE
    )
    aside = ThreadPoolExecutor(1, initializer=_step_aside)
    with line_beside(station) as line, _bench(station) as (url, cookie), aside:
        measured = aside.submit(_review, url, cookie, parts, looked_at_s).result()
    swaps, acks = measured["swaps"], measured["acks"]
    if len(swaps) < parts or len(acks) < parts:
        raise RuntimeError(f"{parts} decisions, {len(swaps)} pictures after them, {len(acks)} acknowledged")
    return {
        "pixels": "4000×3000",
        "channels": channels,
        "parts": parts,
        "looked_at_s": looked_at_s,
        "swap_ms": _percentiles([swap["ms"] for swap in swaps]),
        "not_whole": sum(swap["differs"] for swap in swaps),
        "acknowledged_ms": _percentiles(acks),
        "sent_ms": _percentiles(measured["sent"]),
        "takt_ms": TAKT_MS,
        "line_parts": line.parts,
        "line_misses": line.misses,
        "line_cycle_p50_ms": line.cycle_p50_ms,
        "line_cycle_p99_ms": line.cycle_p99_ms,
    }


def _step_aside() -> None:
    """In a plant the browser is another computer's; here it takes of this one what the line leaves, as the
    bench does. What a thread starts is scheduled as the thread is.
    """
    yield_to_everyone()


def _review(url: str, cookie: dict[str, str], parts: int, looked_at_s: float) -> dict[str, Any]:
    with _browser(cookie) as page:
        return _decide(page, url, parts, looked_at_s)


def _decide(page: Page, url: str, parts: int, looked_at_s: float) -> dict[str, Any]:
    until_s = time.monotonic() + START_S
    while "/review/" not in page.url and time.monotonic() < until_s:  # the bench reads the records on
        page.goto(f"{url}/review/next?serial={SERIAL}")
    page.wait_for_function("() => document.getElementById('bench')?.dataset.prepared")
    time.sleep(2 * looked_at_s)
    for number in range(1, parts + 1):
        page.keyboard.press(KEY)
        time.sleep(looked_at_s)
        page.wait_for_function("count => window.measured.swaps.length >= count", arg=number)
    page.wait_for_function("count => window.measured.acks.length >= count", arg=parts)
    found: dict[str, Any] = page.evaluate("window.measured")
    return found


@contextmanager
def _bench(station: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The verb in a process of its own, and a reviewer's session."""
    from tests.inspect.review.web.running_bench import running_bench

    with closing(ReviewStore.open(station.parent / "records" / "review")) as store:
        account = Accounts(store).add("system", "anna", Role.REVIEWER, "kupfer winter lampe", "Anna Berg")
        with running_bench(station) as bench:
            name = session_cookie(Address(port=urlsplit(bench.url).port or 0))
            token = Sessions(store).begin(account, "127.0.0.1")
            yield bench.url, {"name": name, "value": token, "url": bench.url}


@contextmanager
def _browser(cookie: dict[str, str]) -> Iterator[Page]:
    from tests.inspect.review.web.chromium import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        context.add_cookies([cookie])  # type: ignore[list-item]
        context.add_init_script(WATCH)
        yield context.new_page()
        browser.close()


def _percentiles(times_ms: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times_ms, (50, 95))
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(times_ms), 1)}
