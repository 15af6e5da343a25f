"""Signing in: who may, who may not, and what a stranger learns of it."""

from __future__ import annotations

import re

import httpx
import pytest

from .running_bench import ADMIN, PASSWORD, RunningBench, post, token


def test_first_link_makes_the_admin_once(own_bench: RunningBench) -> None:
    with own_bench.client() as stranger:
        answer = stranger.get(own_bench.link)
        assert answer.status_code == 404
        assert "was used" in answer.text
    with own_bench.signed_in() as admin:
        assert "Inês Almeida" in admin.get("/people").text


def test_session_cookie_is_out_of_reach(bench: RunningBench) -> None:
    with bench.client() as client:
        answer = post(client, "/login", {"name": ADMIN, "password": PASSWORD})
    cookies = [each for each in answer.headers.get_list("set-cookie") if "visitor" not in each]
    assert len(cookies) == 1
    assert re.search("httponly", cookies[0], re.I)
    assert re.search("samesite=strict", cookies[0], re.I)
    assert not re.search("; secure|expires|max-age", cookies[0], re.I)


def test_sign_in_gives_a_new_token_each_time(bench: RunningBench) -> None:
    """A token that was planted before the sign-in is worth nothing after it."""
    name = f"taktsight-{bench.url.rpartition(':')[2]}"
    with bench.client() as client:
        client.cookies.set(name, "planted-by-somebody-else-000000000000", domain="127.0.0.1")
        assert post(client, "/login", {"name": ADMIN, "password": PASSWORD}).status_code == 303
        assert client.cookies[name] != "planted-by-somebody-else-000000000000"
        client.cookies.clear()
        client.cookies.set(name, "planted-by-somebody-else-000000000000")
        assert client.get("/help").headers["location"].startswith("/login")


def test_signing_out_ends_the_session_at_the_server(bench: RunningBench) -> None:
    with bench.signed_in() as client, bench.client() as thief:
        stolen = dict(client.cookies)
        thief.cookies.update(stolen)
        assert thief.get("/help").status_code == 200
        assert post(client, "/logout", {}, page="/help").status_code == 303
        assert thief.get("/help").status_code == 303


def test_wrong_name_and_wrong_password_look_the_same(own_bench: RunningBench) -> None:
    with own_bench.client() as client:
        known = post(client, "/login", {"name": ADMIN, "password": "not the password"})
        unknown = post(client, "/login", {"name": "anna", "password": "not the password"})
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace(ADMIN, "X") == unknown.text.replace("anna", "X")
    assert {name for name in known.headers if name != "date"} == {
        name for name in unknown.headers if name != "date"
    }


def test_sixth_guess_within_a_minute_is_not_looked_at(own_bench: RunningBench) -> None:
    with own_bench.client() as client:
        fields = {"name": ADMIN, "password": "not the password"}
        codes: list[int] = []
        while not codes or codes[-1] == 401:
            codes.append(post(client, "/login", fields).status_code)
        assert codes[-1] == 429
        assert 5 <= len(codes) - 1 <= 20, (
            "more than five only where the machine took over a minute for them"
        )
        right = post(client, "/login", {"name": ADMIN, "password": PASSWORD})
        assert right.status_code == 429
        assert int(right.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\tx", "evil"],
)
def test_sign_in_never_leads_elsewhere(bench: RunningBench, elsewhere: str) -> None:
    with bench.client() as client:
        page = client.get("/login", params={"next": elsewhere})
        assert 'name="next" value=""' in page.text
        sent = {"name": ADMIN, "password": PASSWORD, "next": elsewhere}
        assert post(client, "/login", sent).headers["location"] == "/login"
        assert client.get("/login", params={"next": elsewhere}).headers["location"].startswith("/")


def test_sign_in_leads_back_to_where_one_was(bench: RunningBench) -> None:
    with bench.client() as client:
        asked = client.get("/log?actor=ines")
        assert asked.headers["location"] == "/login?next=/log%3Factor%3Dines"
        page = client.get(asked.headers["location"])
        assert 'name="next" value="/log?actor=ines"' in page.text


def test_script_without_a_session_gets_no_page(bench: RunningBench) -> None:
    with bench.client() as client:
        answer = client.get("/help", headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()) == (401, {"error": "sign in"})


def test_password_change_ends_other_sessions(own_bench: RunningBench) -> None:
    with own_bench.signed_in() as here, own_bench.signed_in() as elsewhere:
        new = "kupfer sommer lampe"
        wrong = post(here, "/settings/password", {"old": "not it", "password": new, "again": new})
        assert wrong.status_code == 422
        done = post(here, "/settings/password", {"old": PASSWORD, "password": new, "again": new})
        assert done.status_code == 303
        assert here.get("/help").status_code == 200
        assert elsewhere.get("/help").status_code == 303


def test_link_of_nobody_says_nothing(bench: RunningBench) -> None:
    with bench.client() as client:
        for guess in ("x", "A" * 43, "%2e%2e", "%00"):
            assert client.get(f"/link/{guess}").status_code == 404


def test_form_of_a_stranger_needs_the_token_of_its_own_cookie(bench: RunningBench) -> None:
    with bench.client() as one, bench.client() as other:
        sent = {"name": ADMIN, "password": PASSWORD}
        foreign = token(other, "/login")
        token(one, "/login")
        assert one.post("/login", data=sent | {"csrf": foreign}).status_code == 403
        assert one.post("/login", data=sent).status_code == 403
        assert (
            httpx.post(f"{bench.url}/login", data=sent | {"csrf": foreign}, trust_env=False).status_code
            == 403
        )
