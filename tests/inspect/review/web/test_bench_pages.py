"""The queue and the bench for everybody: in both themes, at every size, for screen readers, for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")
import httpx
from axe_playwright_python.sync_playwright import Axe  # has no stubs
from playwright.sync_api import Browser, expect

from taktsight.errors import ReviewError
from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.inspect.review.web.brushes import box_of, counts_of
from taktsight.inspect.review.web.offers import Offer, Offers
from taktsight.inspect.review.web.pages.bench_api import description

from ..records import PASS, REJECT, REVIEW, UNINSPECTED, make_records
from .bench.at_bench import context_of, fact, wait_prepared, wait_shown
from .bench.serving_bench import Serving, serve
from .chromium import chromium, needs_chromium

SMALL = """() => ['a[href]', 'button', 'input', 'select', 'summary']
  .flatMap(kind => [...document.querySelectorAll(`main ${kind}`)])
  .filter(each => each.checkVisibility() && !each.closest('p'))
  .map(each => [each, (each.closest('label') ?? each).getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.5 || box.width < 43.5))
  .map(([each, box]) => `${each.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    outcomes = (REJECT, REVIEW, PASS, UNINSPECTED) * 20
    made = make_records(tmp_path_factory.mktemp("pages"), outcomes)
    serving = serve(made.folder, made.bundle)
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def client_of(served: Serving, name: str) -> httpx.Client:
    cookie = served.cookie_of(name)
    headers = {"x-csrf-token": csrf_of(served, cookie["value"])}
    return httpx.Client(
        base_url=served.url, cookies={cookie["name"]: cookie["value"]}, headers=headers, trust_env=False
    )


def csrf_of(served: Serving, token: str) -> str:
    session = served.bench.sessions.of(token)
    assert session
    return session.csrf


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1024, 768), (1920, 1080)])
def test_axe_finds_nothing_and_everything_is_large_enough_for_a_finger(
    browser: Browser, served: Serving, scheme: str, size: tuple[int, int]
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    context = context_of(browser, served, "sue", color_scheme=scheme, viewport=viewport)
    page = context.new_page()
    page.goto(f"{served.url}/review")
    assert violations(page) == []
    assert page.evaluate(SMALL) == []
    page.goto(f"{served.url}/review/next")
    wait_shown(page, "")
    wait_prepared(page)
    assert violations(page) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    assert violations(page) == []
    context.close()


def violations(page: object) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


@needs_chromium
def test_the_queue_is_reached_by_keyboard_alone(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "anna", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/review?outcome=REVIEW")
    assert page.locator(".queue .verdict").all_inner_texts() == ["REVIEW"] * 20
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.start')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()
    assert "/review/" in page.url
    context.close()


def test_filters_restrict_the_queue_and_stay_in_the_address(served: Serving) -> None:
    with client_of(served, "anna") as client:
        everything = client.get("/review").text
        one = client.get("/review", params={"serial": "L05-00002"}).text
        none = client.get("/review", params={"since": "2036-01-01T00:00"}).text
        label = client.get("/review", params={"label": "spot", "outcome": "REJECT", "why": "reject"}).text
    assert "60 parts wait" in everything
    assert "1 part waits" in one
    assert "Nothing waits here" in none
    assert "20 parts wait" in label
    assert "/review/next?" in label
    assert "Kappa" not in everything, "a reviewer is measured, not shown to others"


def test_who_may_not_decide_is_shown_no_form(served: Serving) -> None:
    with client_of(served, "audrey") as client:
        assert "Start reviewing" not in client.get("/review").text
        assert client.get("/review/next").status_code == 403
        part = str(served.bench.queue.page().items[0].part.key)
        page = client.get(f"/review/{part}")
        assert page.status_code == 200
        assert 'name="choice"' not in page.text
        assert client.post("/api/decide", json={}).status_code == 403


def test_pictures_are_kept_by_the_browser_and_shown_to_nobody_else(served: Serving) -> None:
    frame = next(iter(served.bench.queue.page().items[0].part.frames.values()))
    path = f"/pictures/{frame.image_id}/thumbnail"
    with client_of(served, "anna") as client:
        answer = client.get(path)
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "image/jpeg"
        assert client.get(f"/pictures/{frame.image_id}/tiles/7/0_0").headers["content-type"] == "image/png"
        for wrong in (f"/pictures/{frame.image_id}x/thumbnail", f"/pictures/{frame.image_id}/tiles/99/0_0"):
            assert client.get(wrong).status_code == 404
    assert httpx.get(served.url + path, trust_env=False).status_code in (303, 401)


def test_an_offer_tells_nothing_and_cannot_be_changed() -> None:
    offers = Offers(b"s" * 32)
    part = PartKey("20260105T060000", 7)
    plain = Offer(part, "anna", Why.REJECT, is_hidden=True)
    double = Offer(part, "anna", Why.SECOND, is_hidden=True, seen=12345)
    sealed = [offers.seal(each) for each in (plain, plain, double)]
    assert len(set(sealed)) == 3
    assert len({len(each) for each in sealed}) == 1
    assert offers.open(sealed[2]) == double
    assert double.is_blind
    for wrong in ("", "x", sealed[0][:-1], sealed[0][1:], "A" + sealed[0][1:], "é" * 40, sealed[0] * 20):
        with pytest.raises(ReviewError):
            offers.open(wrong)


def test_an_offer_is_of_one_person(served: Serving) -> None:
    with client_of(served, "anna") as anna, client_of(served, "otto") as otto:
        item = anna.get("/api/next").json()["items"][0]
        body = {"offer": item["offer"], "choice": "skip", "request_id": "0123456789"}
        stolen = otto.post("/api/decide", json=body)
        assert stolen.status_code == 422
        assert "somebody else" in stolen.json()["error"]
        assert anna.post("/api/decide", json=body).status_code == 200


def test_runs_of_a_brush_are_read_and_checked() -> None:
    assert box_of(counts_of("52203"), 4, 4) == (1, 1, 3, 3)
    for wrong in ("5", "P", "oooooooooooo", "52203~", "0"):
        with pytest.raises(ReviewError):
            box_of(counts_of(wrong), 4, 4)


def test_schemathesis_finds_no_answer_that_is_not_described(served: Serving, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    with client_of(served, "anna") as client:
        told = client.get("/api/openapi.json").json()
        assert told == json.loads(json.dumps(description()))
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        token = client.headers["x-csrf-token"]
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(told))
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    )
    options = [
        "--checks",
        checks,
        "--max-examples",
        "12",
        "--seed",
        "7",
        "--phases",
        "examples,coverage,fuzzing",
    ]
    headers = ["--header", f"Cookie: {cookie}", "--header", f"X-CSRF-Token: {token}"]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(file), "--url", served.url]
    done = subprocess.run(
        [*command, *options, *headers, "--no-color"],
        check=False,
        capture_output=True,
        text=True,
        timeout=550,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@needs_chromium
def test_the_bench_speaks_the_reader_s_language(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "audrey", locale="de-DE")
    page = context.new_page()
    part = served.bench.queue.page().items[0].part.key
    page.goto(f"{served.url}/review/{part}")
    wait_shown(page, "")
    assert fact(page, "decides") == "no"
    expect(page.locator('.tools [data-do="golden"]')).to_have_text("Goldmuster")
    context.close()
