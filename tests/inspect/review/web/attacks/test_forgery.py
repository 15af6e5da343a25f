"""Sessions, tokens and roles that somebody made up, on every page there is.

They are made from PAGES: a page that is added is attacked as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.cookies import session_cookie, set_cookie
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Page

from ..running_bench import PASSWORD, post, token
from ..served_records import Served
from .attacked_routes import (
    EVIL,
    GETS,
    POSTS,
    STREAMS,
    attacked,
    is_allowed,
    is_private,
    needs_permission,
    rows,
    said,
)


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


def test_cookies_over_tls_are_for_this_host_alone() -> None:
    safe = Address(certificate=Path("bench.pem"))
    response = Response()
    set_cookie(response, safe, session_cookie(safe), "x")
    flags = response.headers["set-cookie"].lower()
    assert flags.startswith("__host-taktsight-")
    assert "; secure" in flags
    assert "domain" not in flags
