"""What holds for every answer: headers, hosts, origins, sizes, and who may ask."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.guard import HEADERS, is_known_host
from taktsight.inspect.review.web.routes import get, post, routes_of

from .running_bench import RunningBench, token

ADDRESSES = ["/", "/login", "/help", "/log", "/people", "/settings", "/nowhere", "/static/x/css/layout.css"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_carries_the_headers(bench: RunningBench, path: str) -> None:
    with bench.client() as client:
        answer = client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_policy_lets_nothing_in_from_elsewhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.7:8470", "[::1]:8470", "localhost:1", "line4.plant", "LINE4.plant."]
)
def test_own_names_and_numbers_are_known(host: str) -> None:
    assert is_known_host(host, {"localhost", "line4.plant"})


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b", "[x]", "0x7f.1"]
)
def test_strange_hosts_are_not(host: str) -> None:
    assert not is_known_host(host, {"localhost", "line4.plant"})


@pytest.mark.parametrize("path", ADDRESSES)
def test_rebound_name_gets_nothing(bench: RunningBench, path: str) -> None:
    with bench.client() as client:
        answer = client.get(path, headers={"host": "rebound.example"})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "header",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_form_of_another_site_is_refused(
    bench: RunningBench, people: dict[str, httpx.Client], header: dict[str, str]
) -> None:
    sent = {"csrf": token(people["admin"], "/log")}
    assert people["admin"].post("/log", data=sent, headers=header).status_code == 403
    own = {"origin": bench.url, "sec-fetch-site": "same-origin"}
    assert people["admin"].post("/log", data=sent, headers=own).status_code == 200


def test_page_without_a_permission_does_not_start() -> None:
    with pytest.raises(ValueError, match="names no permission"):
        get("/secret", None, lambda visit: visit.page("help.html"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="names no permission"):
        routes_of(None, [object()])  # type: ignore[list-item, arg-type]
    page = post("/twice", May.SEE, lambda visit: visit.page("help.html"))
    with pytest.raises(ValueError, match="taken twice"):
        routes_of(None, [page, page])  # type: ignore[arg-type]


def test_request_that_is_too_large_is_refused(bench: RunningBench, people: dict[str, httpx.Client]) -> None:
    admin = people["admin"]
    assert admin.post("/log", data={"csrf": token(admin, "/log"), "x": "y" * 70_000}).status_code == 413
    assert (
        admin.post("/log", content=b"{" * 70_000, headers={"content-type": "application/json"}).status_code
        == 413
    )


@pytest.mark.parametrize(
    ("content", "kind", "codes"),
    [
        (b"\xff\xfe=\xff", "application/x-www-form-urlencoded", {400, 403}),
        (b"--x\r\nnothing", "multipart/form-data; boundary=x", {400, 403}),
        (b"", "multipart/form-data", {400, 403}),
        (b"[" * 60_000, "application/json", {400}),
        (b'{"a": NaN}', "application/json", {400}),
        (b"<a/>", "application/xml", {415}),
    ],
)
def test_what_is_no_form_is_refused(
    people: dict[str, httpx.Client], content: bytes, kind: str, codes: set[int]
) -> None:
    answer = people["admin"].post("/log", content=content, headers={"content-type": kind})
    assert answer.status_code in codes


def test_file_is_not_taken_where_none_is_wanted(people: dict[str, httpx.Client]) -> None:
    admin = people["admin"]
    sent = {"csrf": token(admin, "/log")}
    answer = admin.post("/log", data=sent, files={"file": ("x.png", b"\x89PNG", "image/png")})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../../pyproject.toml",
        "/static/x/%2e%2e/%2e%2e/words.py",
        "/static/x/..%2f..%2fwords.py",
        "/static/x//etc/passwd",
        "/static/x/css/layout.css%00.png",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_assets(bench: RunningBench, path: str) -> None:
    place = urlsplit(bench.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "head",
    [
        "GET /login HTTP/1.1\r\n\r\n",
        "GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        "GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "a" * 70_000 + "\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\x00\x01\x02\r\n\r\n",
    ],
)
def test_malformed_request_is_refused_and_the_bench_goes_on(bench: RunningBench, head: str) -> None:
    place = urlsplit(bench.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as wire:
        wire.sendall(head.encode())
        wire.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(64)[:10] in (b"HTTP/1.1 4", b"")
    with bench.client() as client:
        assert client.get("/login").status_code == 200


def test_numbers_of_people_cannot_be_counted(people: dict[str, httpx.Client]) -> None:
    """Whoever may not see people learns nothing from the addresses of theirs."""
    for role in ("reviewer", "supervisor", "engineer", "auditor"):
        client = people[role]
        sent = {"csrf": token(client, "/help")}
        answers = [client.post(f"/people/{name}/role", data=sent) for name in ("ines", "nobody")]
        assert {answer.status_code for answer in answers} == {403}
        assert answers[0].text.replace("ines", "nobody") == answers[1].text
