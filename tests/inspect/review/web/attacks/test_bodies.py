"""Bodies of requests that are too large, malformed or of the wrong kind, on every page that takes one."""

from __future__ import annotations

import pytest

from taktsight.inspect.review.web.routes import Page

from ..served_records import Served
from .attacked_routes import ENDS_SESSION, POSTS, attacked, mutated, rows, said


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
