"""Addresses, hosts and names of pictures that somebody made up: they lead nowhere and tell nothing."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from taktsight.inspect.review.web.guard import HEADERS
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Page

from ..served_records import Served, path_of
from .attacked_routes import (
    EVIL,
    GETS,
    IN_PLACE,
    address,
    attacked,
    parameters,
    raw,
    real_values,
    said,
)

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
PICTURES = [page for page in PAGES if "{image}" in page.path]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


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


def test_answers_for_scripts_are_json_and_errors_tell_nothing(served: Served) -> None:
    for page in GETS:
        path = address(page, {})
        answer = served.people["reviewer"].get(path, headers={"accept": "application/json"})
        if answer.status_code >= 400:
            assert set(json.loads(answer.text)) == {"error"}
            assert str(served.made.folder) not in answer.text
