"""Attacks on every page there is. They are made from PAGES: a page that is added is attacked as well."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import Response

from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.values import Choice
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.cookies import session_cookie, set_cookie
from taktsight.inspect.review.web.guard import HEADERS
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Open, Page

from . import no_way_out
from .attacked_routes import (
    ENDS_SESSION,
    GETS,
    IN_PLACE,
    POSTS,
    STREAMS,
    Addresses,
    address,
    is_allowed,
    is_private,
    mutated,
    needs_permission,
    parameters,
    raw,
    real_values,
    said,
)
from .running_bench import PASSWORD, post, token
from .served_records import Served, certified_spots, path_of, serving

EVIL = "evil.example"
OUTSIDE = f"http://{EVIL}:8099/steal"
TRAVERSALS = (
    "..",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cwindows%5cwin.ini",
    "%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "%c0%ae%c0%ae%2fetc%2fpasswd",
    "review.sqlite%00.png",
    "..%252f..%252fledger.sqlite",
    "file:%2f%2f%2fetc%2fpasswd",
    "x%0d%0aSet-Cookie:%20a=b",
    "A" * 3000,
)
SECRETS = (b"root:", b"Traceback", b"SQLite format", b"secret.key", b"argon2id$")


@pytest.fixture(scope="module")
def way_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("way") / "out"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, way_out: Path) -> Iterator[Served]:
    """A bench whose process connects to nothing."""
    place = tmp_path_factory.mktemp("attacked")
    certified_spots(place / "spots.takt")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_way_out.forbid(way_out).items():
            patch.setenv(name, value)
        with serving(place) as running:
            yield running


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


def test_session_is_the_servers_to_give(served: Served) -> None:
    name = next(iter(served.people["admin"].cookies))
    fixed = "attackers-own-session-token-0123456789abcdef"
    with served.running.client(cookies={name: fixed}) as victim:
        assert victim.get("/parts").status_code == 303
        answer = post(victim, "/login", {"name": "auditor", "password": PASSWORD})
        assert answer.status_code == 303
        given = answer.cookies[name]
        assert given != fixed
        with served.running.client(cookies={name: fixed}) as attacker:
            assert attacker.get("/parts").status_code == 303
        flags = next(
            line for line in answer.headers.get_list("set-cookie") if line.startswith(name)
        ).lower()
        assert {"httponly", "samesite=strict", "path=/"} <= {flag.strip() for flag in flags.split(";")}
        assert "domain" not in flags
    with served.running.client(cookies={name: given}) as signed_in:
        assert signed_in.get("/parts").status_code == 200
        signed_in.post("/logout", data={"csrf": token(signed_in, "/help")})
    with served.running.client(cookies={name: given}) as replayed:
        assert replayed.get("/parts").status_code == 303


def rows(served: Served) -> int:
    return len(served.store.log(0, 100_000))


def attacked(served: Served, page: Page) -> str:
    return address(page, real_values(served, page))


@pytest.mark.parametrize("page", POSTS, ids=said)
def test_forged_post_does_nothing(served: Served, page: Page) -> None:
    client, path = served.people["engineer"], attacked(served, page)
    own, other = token(client, "/help"), token(served.people["supervisor"], "/help")
    before = rows(served)
    forged: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": other}, {}),
        ({"csrf": own[:-1]}, {}),
        ({"csrf": own.upper() + " "}, {}),
        ({}, {"x-csrf-token": other}),
        ({"csrf": own}, {"origin": f"https://{EVIL}"}),
        ({"csrf": own}, {"origin": "null"}),
        ({"csrf": own}, {"origin": f"{served.url}.{EVIL}"}),
        ({"csrf": own}, {"sec-fetch-site": "cross-site"}),
        ({"csrf": own}, {"sec-fetch-site": "same-site"}),
    ]
    for fields, headers in forged:
        answer = client.post(path, data=fields or {"x": "y"}, headers=headers)
        assert answer.status_code == 403, (fields, headers)
    assert client.post(f"{path}?csrf={own}", data={"x": "y"}).status_code == 403
    assert client.post(path, json={"csrf": other}).status_code == 403
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        if (method, page.path) not in {(each.method, each.path) for each in PAGES}:
            assert client.request(method, path, headers={"x-csrf-token": own}).status_code in (404, 405)
    assert rows(served) == before
    assert client.get("/help").status_code == 200  # and the session goes on


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_role_gets_what_the_table_says_of_every_page(served: Served, role: Role) -> None:
    client = served.people[role.value]
    csrf = token(client, "/help")
    wrong = []
    for page in filter(needs_permission, (*GETS, *POSTS)):
        path = attacked(served, page)
        form = {"data": {"csrf": csrf}} if page.method == "POST" else {}
        answer = client.request(page.method, path, timeout=120, **form)  # type: ignore[arg-type]
        if (answer.status_code == 403) == is_allowed(role, page) or answer.status_code == 500:
            wrong.append((said(page), answer.status_code))
    for page in filter(needs_permission, STREAMS):
        with client.stream("GET", attacked(served, page)) as answer:
            if (answer.status_code == 403) == is_allowed(role, page):
                wrong.append((said(page), answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("page", [page for page in PAGES if is_private(page)], ids=said)
def test_stranger_gets_nothing(served: Served, page: Page) -> None:
    path = attacked(served, page)
    name = next(iter(served.people["admin"].cookies))
    for value in ("", "x" * 43, "../..", "null", "%00"):
        with served.running.client(cookies={name: value} if value else None) as stranger:
            for accept in ("text/html", "application/json"):
                form = {"data": {"csrf": "x"}} if page.method == "POST" else {}
                answer = stranger.request(page.method, path, headers={"accept": accept}, **form)  # type: ignore[arg-type]
                assert answer.status_code in (303, 401)
                if answer.status_code == 303:
                    assert answer.headers["location"].startswith("/login?next=")
                assert served.made.parts[1].serial not in answer.text


@pytest.mark.parametrize("page", GETS, ids=said)
def test_answer_carries_its_headers_and_no_other_name(served: Served, page: Page) -> None:
    path, place = attacked(served, page), urlsplit(served.url).netloc
    forwarded = {
        "x-forwarded-host": EVIL,
        "x-forwarded-proto": "https",
        "forwarded": f"host={EVIL}",
        "x-original-url": "/people",
        "x-rewrite-url": "/people",
        "referer": f"https://{EVIL}/",
    }
    answer = served.people["admin"].get(path, headers=forwarded, timeout=120)
    assert answer.status_code != 500
    assert EVIL not in answer.text + str(answer.headers)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "server" not in answer.headers
    kept = answer.headers["cache-control"]
    assert kept == "no-store" or (kept.startswith("private") and page.path.startswith("/pictures")), kept
    for hosts in ([EVIL], [place, EVIL], [f"{place}.{EVIL}"], [f"{EVIL}:80@{place}"], []):
        head = "".join(f"Host: {host}\r\n" for host in hosts)
        reply = raw(served, f"GET {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n")
        assert reply.split(b" ", 2)[1:2] in ([b"421"], [b"400"]), (hosts, reply[:80])
        assert b"set-cookie" not in reply.lower()


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in PAGES if page.source is None for name in parameters(page)],
    ids=lambda value: value if isinstance(value, str) else said(value),
)
def test_no_path_leads_anywhere_else(served: Served, page: Page, name: str) -> None:
    place = urlsplit(served.url).netloc
    cookie = "; ".join(f"{key}={value}" for key, value in served.people["admin"].cookies.items())
    values = real_values(served, page)
    for traversal in TRAVERSALS:
        # Put in as it is: client libraries would tidy it up.
        path = address(page, values | {name: IN_PLACE}).replace(IN_PLACE, traversal)
        head = (
            f"{page.method} {path} HTTP/1.1\r\nHost: {place}\r\nCookie: {cookie}\r\nConnection: close\r\n"
        )
        head += "Content-Length: 0\r\n\r\n" if page.method == "POST" else "\r\n"
        reply = raw(served, head)
        status = int(reply.split(b" ", 2)[1])
        assert status < 500, (traversal, reply[:200])
        assert b"\r\nset-cookie: a=b" not in reply.lower()
        for secret in SECRETS:
            assert secret not in reply, (traversal, secret)


PICTURES = [page for page in PAGES if "{image}" in page.path]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def image_names(served: Served) -> set[str]:
    """Those that a page tells."""
    page = served.people["auditor"].get(path_of(served.made.parts[1])).text
    named = set(re.findall(r"/pictures/([\w-]{34})/", page))
    assert named
    return named


def with_letter(name: str, place: int, moved: int) -> str:
    """The name with another letter at a place."""
    letter = LETTERS[(LETTERS.index(name[place]) + moved) % 64]
    return f"{name[:place]}{letter}{name[place + 1 :]}"


def test_image_names_cannot_be_guessed(served: Served) -> None:
    auditor, named = served.people["auditor"], image_names(served)
    guesses = {"A" * 34, "0" * 34}
    guesses |= {with_letter(name, place, 16) for name in named for place in (0, 15, 16, 32, 33)}
    for page in PICTURES:
        for guess in guesses:
            assert auditor.get(address(page, {"image": guess, "level": "0"})).status_code == 404


def test_image_name_has_one_spelling(served: Served) -> None:
    auditor = served.people["auditor"]
    for name in image_names(served):
        for moved in range(1, 16):
            path = f"/pictures/{with_letter(name, 33, moved)}/thumbnail"
            assert auditor.get(path).status_code == 404


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


@pytest.mark.parametrize("page", POSTS, ids=said)
def test_oversize_and_malformed_bodies_are_refused(served: Served, page: Page) -> None:
    client, path = served.people["engineer"], attacked(served, page)
    before = rows(served)
    many = b"&".join(b"a%d=b" % number for number in range(5000))
    bodies = [
        (b"a=" + b"y" * (page.most_bytes + 1), "application/x-www-form-urlencoded", {413}),
        (b'"' + b"y" * (page.most_bytes + 1), "application/json", {413}),
        (many, "application/x-www-form-urlencoded", {400, 403, 413}),
        (b"[" * 50_000, "application/json", {400, 413}),
        (b'{"a": NaN}', "application/json", {400}),
        (b'{"a": 1e999', "application/json", {400}),
        (b"\xff\xfe\x00", "application/json", {400}),
        (b"csrf=%ff%fe&a=%00", "application/x-www-form-urlencoded", {400, 403}),
        (b"<a/>", "application/xml", {415}),
        (b"x", "text/plain", {415}),
        (b"x", "multipart/form-data", {400}),
        (b"", "", {403, 415}),
    ]  # fmt: skip
    for content, kind, codes in bodies:
        answer = client.post(path, content=content, headers={"content-type": kind} if kind else {})
        assert answer.status_code in codes, (kind, content[:20], answer.status_code)
    assert rows(served) == before


def test_mutated_multipart_takes_no_page_down(served: Served) -> None:
    client = served.people["supervisor"]
    pages = [page for page in POSTS if page.path != ENDS_SESSION]
    parts = {"csrf": "0" * 64, "name": "x", "digest": "0" * 64, "meaning": "reviewed"}
    head = '--x\r\nContent-Disposition: form-data; name="'
    whole = "".join(f'{head}{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    upload = f'{head}f"; filename="../../x.png"\r\n\r\n\x89PNG\r\n--x--\r\n'
    for number, content in enumerate(mutated((whole + upload).encode("latin-1"), 7, 120)):
        path = attacked(served, pages[number % len(pages)])
        kind = "multipart/form-data; boundary=x"
        answer = client.post(path, content=content, headers={"content-type": kind})
        assert answer.status_code in (400, 403, 413, 415, 422), (number, answer.status_code)
    assert client.get("/help").status_code == 200


def test_cookies_over_tls_are_for_this_host_alone() -> None:
    safe = Address(certificate=Path("bench.pem"))
    response = Response()
    set_cookie(response, safe, session_cookie(safe), "x")
    flags = response.headers["set-cookie"].lower()
    assert flags.startswith("__host-taktsight-")
    assert "; secure" in flags
    assert "domain" not in flags


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


def test_answers_for_scripts_are_json_and_errors_tell_nothing(served: Served) -> None:
    for page in GETS:
        path = address(page, {})
        answer = served.people["reviewer"].get(path, headers={"accept": "application/json"})
        if answer.status_code >= 400:
            assert set(json.loads(answer.text)) == {"error"}
            assert str(served.made.folder) not in answer.text


def test_browser_asks_nobody_else(served: Served, way_out: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium: tests/peers/install.sh installs it")
    playwright = pytest.importorskip("playwright.sync_api")
    from .chromium import FLAGS

    asked: list[str] = []
    errors: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context()
        context.add_cookies([served.cookie("admin")])
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for page, _ in html_pages(served, served.people["admin"]):
            if page.needs is not Open.ANYONE:
                tab.goto(served.url + attacked(served, page), wait_until="load")
        browser.close()
    assert [url for url in asked if not url.startswith((f"{served.url}/", "data:", "blob:"))] == []
    assert [error for error in errors if "Content Security Policy" in error] == []
    assert no_way_out.tried(way_out) == []
