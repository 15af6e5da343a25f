"""What the pages do: log, people, settings, help, errors; in three languages."""

from __future__ import annotations

import sqlite3

import httpx
import pytest

from taktsight.inspect.review.audits.values import ACTION as DRAW
from taktsight.inspect.review.figures.frozen import FREEZE, RELEASE
from taktsight.inspect.review.store.book import FILE
from taktsight.inspect.review.store.verify import ACTIONS as WRITTEN
from taktsight.inspect.review.studies.values import CLOSE, LOOK, PLAN
from taktsight.inspect.review.web.log_said import ACTIONS

from .running_bench import PASSWORD, RunningBench, post, token


def test_log_shows_who_changed_what(people: dict[str, httpx.Client]) -> None:
    engineer = people["engineer"]
    sent = {"key": "blind_share", "value": "0.08", "reason": "new reviewers"}
    assert post(engineer, "/settings/bench", sent).status_code == 303
    page = engineer.get("/log", params={"action": "set"}).text
    assert "new reviewers" in page
    assert "<del>0.05</del> → <ins>0.08</ins>" in page
    assert "the engineer" in page


def test_log_says_every_action_in_words(people: dict[str, httpx.Client]) -> None:
    assert set(ACTIONS) >= {*WRITTEN, FREEZE, RELEASE, DRAW, PLAN, LOOK, CLOSE, "export"}
    admin = people["admin"]
    assert "Added an account" in admin.get("/log", params={"action": "add account"}).text
    assert post(admin, "/settings/looks", {"language": "de", "theme": "auto"}).status_code == 303
    assert "Konto angelegt" in admin.get("/log", params={"action": "add account"}).text
    assert post(admin, "/settings/looks", {"language": "en", "theme": "auto"}).status_code == 303


def test_log_filters_and_pages(people: dict[str, httpx.Client]) -> None:
    auditor = people["auditor"]
    everything = auditor.get("/log").text
    assert 'id="row-1"' in everything
    assert "No row is like that" in auditor.get("/log", params={"actor": "nobody"}).text
    assert "No row is like that" in auditor.get("/log", params={"until": "2001-01-01"}).text
    before = auditor.get("/log", params={"before": "3"}).text
    assert 'id="row-2"' in before
    assert 'id="row-3"' not in before
    assert "after=2" in before
    assert 'id="row-4"' in auditor.get("/log", params={"after": "3"}).text


@pytest.mark.parametrize(
    "strange", ["'; DROP TABLE log; --", "%", "_", "\\", "<script>alert(1)</script>", "-1", "9" * 30]
)
def test_strange_filters_are_only_texts(people: dict[str, httpx.Client], strange: str) -> None:
    for name in ("actor", "action", "subject", "since", "until", "before", "after"):
        answer = people["auditor"].get("/log", params={name: strange})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


def test_whole_log_is_said_to_be_whole(people: dict[str, httpx.Client]) -> None:
    assert "Whole: " in post(people["auditor"], "/log", {}).text


def test_changed_log_is_found_and_named(own_bench: RunningBench) -> None:
    with own_bench.signed_in() as admin:
        with sqlite3.connect(own_bench.records / "review" / FILE) as file:
            triggers = file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                file.execute(f"DROP TRIGGER {name}")
            file.execute("UPDATE log SET actor = 'nobody' WHERE seq = 3")
        file.close()
        page = post(admin, "/log", {}).text
    assert "The log is not as it was written" in page
    assert "log row 3 was changed" in page


def test_new_account_gets_a_link_and_no_password(
    bench: RunningBench, people: dict[str, httpx.Client]
) -> None:
    with bench.make_person(people["admin"], "karl", "reviewer") as karl:
        assert karl.get("/help").status_code == 200
        assert "/link/" not in people["admin"].get("/people").text
        assert post(people["admin"], "/people/karl/close", {}).status_code == 303
        assert karl.get("/help").status_code == 303
    with bench.client() as again:
        assert post(again, "/login", {"name": "karl", "password": PASSWORD}).status_code == 401


def test_last_admin_stays(people: dict[str, httpx.Client]) -> None:
    for change, sent in (("close", {}), ("role", {"role": "reviewer"})):
        answer = post(people["admin"], f"/people/ines/{change}", sent)
        assert answer.status_code == 422
        assert "last admin" in answer.text


def test_role_counts_from_the_next_request(bench: RunningBench, people: dict[str, httpx.Client]) -> None:
    with bench.make_person(people["admin"], "rosa", "supervisor") as rosa:
        assert rosa.get("/log").status_code == 200
        assert post(people["admin"], "/people/rosa/role", {"role": "reviewer"}).status_code == 303
        assert rosa.get("/log").status_code == 403


def test_keys_can_be_others_but_not_the_same(people: dict[str, httpx.Client]) -> None:
    client = people["reviewer"]
    page = client.get("/settings").text
    names = [line.split('"')[0] for line in page.split('name="key-')[1:]]
    keys = {f"key-{name}": chr(0x61 + place) for place, name in enumerate(names)}
    assert post(client, "/settings/keys", keys).status_code == 303
    assert "<kbd>a</kbd></td><td>Confirm" in client.get("/help").text
    clash = post(client, "/settings/keys", keys | {f"key-{names[1]}": "A"})
    assert clash.status_code == 422
    assert "have the same key" in clash.text
    assert post(client, "/settings/keys", keys | {f"key-{names[1]}": "<b>"}).status_code == 422
    assert post(client, "/settings/keys", {"all": "default"}).status_code == 303
    assert "<kbd>c</kbd></td><td>Confirm" in client.get("/help").text


@pytest.mark.parametrize(("language", "word"), [("de", "Hilfe"), ("zh", "帮助"), ("en", "Help")])
def test_pages_speak_the_chosen_language(people: dict[str, httpx.Client], language: str, word: str) -> None:
    client = people["supervisor"]
    assert post(client, "/settings/looks", {"language": language, "theme": "dark"}).status_code == 303
    page = client.get("/help").text
    assert f'<html lang="{language}">' in page
    assert f"<h1>{word}</h1>" in page
    assert "dark.css" in page
    assert "media=" not in page


@pytest.mark.parametrize(
    ("accepted", "word"),
    [("de-CH, en;q=0.5", "Anmelden"), ("zh-CN", "登录"), ("fr, en", "Sign in"), ("q=;;", "Sign in")],
)
def test_sign_in_page_speaks_the_browsers_language(bench: RunningBench, accepted: str, word: str) -> None:
    with bench.client() as client:
        assert f"<h1>{word}</h1>" in client.get("/login", headers={"accept-language": accepted}).text


def test_setting_out_of_bounds_is_refused(people: dict[str, httpx.Client]) -> None:
    for value in ("0.01", "nan", "1e999", "two"):
        answer = post(
            people["engineer"], "/settings/bench", {"key": "blind_share", "value": value, "reason": ""}
        )
        assert answer.status_code in (400, 422)
    assert post(people["engineer"], "/settings/bench", {"key": "secret", "value": "1"}).status_code == 422


def test_error_page_says_what_and_where_to_go(people: dict[str, httpx.Client]) -> None:
    answer = people["reviewer"].get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    forbidden = people["reviewer"].get("/log")
    assert forbidden.status_code == 403
    assert "not for your role" in forbidden.text
    assert people["reviewer"].get("/nowhere", headers={"accept": "application/json"}).json() == {
        "error": "Not Found"
    }
    assert people["reviewer"].put("/help").status_code == 405


def test_names_are_never_markup(bench: RunningBench, people: dict[str, httpx.Client]) -> None:
    full_name = "<img src=x onerror=alert(1)>"
    assert (
        post(
            people["admin"], "/people", {"name": "mallory", "full_name": full_name, "role": "reviewer"}
        ).status_code
        == 303
    )
    for page in ("/people", "/log"):
        assert "<img" not in people["admin"].get(page).text


def test_token_is_none_of_another_session(bench: RunningBench) -> None:
    with bench.signed_in() as one, bench.signed_in() as other:
        assert token(one, "/log") != token(other, "/log")
