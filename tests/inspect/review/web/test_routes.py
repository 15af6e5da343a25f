"""What pages may rely on: events that end, errors that are shown, work that does not block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import Response

from taktsight.errors import LedgerError
from taktsight.inspect.review.people.roles import May, Role
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.app import make_app
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.cookies import session_cookie
from taktsight.inspect.review.web.opening import open_bench
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Page, get, post, stream
from taktsight.inspect.review.web.serving import listen
from taktsight.inspect.review.web.visit import Visit

from ..records import make_records
from .running_bench import ADMIN, PASSWORD


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Bench]:
    """A bench in this process, with an admin."""
    bench = open_bench(make_records(tmp_path).folder, Address(port=0))
    bench.accounts.add("console", ADMIN, Role.ADMIN, PASSWORD)
    yield bench
    bench.stop()


@contextmanager
def answering(bench: Bench, pages: Sequence[Page]) -> Iterator[httpx.Client]:
    """A browser with a session, and pages that answer it."""
    address, listening = listen(bench.address)
    bench = replace(bench, address=address)
    app = make_app(bench, [*PAGES, *pages])
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    account = bench.accounts.authenticate(ADMIN, PASSWORD, "")
    cookies = {session_cookie(address): bench.sessions.begin(account, "")}
    headers = {"accept": "text/html", "accept-language": "en"}
    try:
        with httpx.Client(
            base_url=address.url, cookies=cookies, headers=headers, trust_env=False, timeout=60
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def test_locked_record_is_said_and_can_be_tried_again(opened: Bench) -> None:
    def busy(_visit: Visit) -> Response:
        raise LedgerError("review.sqlite stays locked")

    with answering(opened, [get("/busy", May.SEE, busy)]) as client:
        answer = client.get("/busy")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "Please try again in a moment" in answer.text


def test_defect_of_a_page_gives_nothing_away(opened: Bench) -> None:
    def broken(_visit: Visit) -> Response:
        raise KeyError("/secret/place")

    with answering(opened, [get("/broken", May.SEE, broken)]) as client:
        answer = client.get("/broken")
        assert client.get("/help").status_code == 200
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"]
    assert "secret" not in answer.text
    assert "Something went wrong here" in answer.text


def test_slow_page_holds_up_no_other(opened: Bench) -> None:
    done = threading.Event()

    def slow(visit: Visit) -> Response:
        done.wait(60)
        return visit.json({})

    with answering(opened, [get("/slow", May.SEE, slow, pool="pictures")]) as client:
        waiting = [threading.Thread(target=client.get, args=("/slow",)) for _ in range(8)]
        for each in waiting:
            each.start()
        assert client.get("/help").status_code == 200
        done.set()
        for each in waiting:
            each.join(30)


def test_events_come_and_end_with_the_bench(opened: Bench) -> None:
    async def count(_visit: Visit) -> AsyncIterator[str]:
        for number in range(10**6):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.01)

    with answering(opened, [stream("/events", May.SEE, count)]) as client:
        with client.stream("GET", "/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(lines) == "data: 0"
            threading.Timer(0.2, opened.stopping.set).start()
            assert sum(1 for _ in lines) < 10**6
        opened.stopping.clear()


def test_events_are_not_for_strangers(opened: Bench) -> None:
    async def nothing(_visit: Visit) -> AsyncIterator[str]:
        yield "data: secret\n\n"

    with answering(opened, [stream("/events", May.SEE, nothing)]) as client:
        client.cookies.clear()
        answer = client.get("/events", headers={"accept": "text/event-stream"})
    assert answer.status_code == 401
    assert "secret" not in answer.text


def test_json_is_taken_with_the_token_in_a_header(opened: Bench) -> None:
    def tell(visit: Visit) -> Response:
        return visit.json({"got": visit.form.json, "who": visit.name})

    with answering(opened, [post("/tell", May.DECIDE, tell)]) as client:
        page = client.get("/help").text
        token = page.split('name="csrf" value="')[1][:64]
        assert client.post("/tell", json={"a": 1}).status_code == 403
        told = client.post("/tell", json={"a": 1}, headers={"x-csrf-token": token})
    assert told.json() == {"got": {"a": 1}, "who": ADMIN}


def test_dripping_body_is_given_up(opened: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from taktsight.inspect.review.web import forms

    monkeypatch.setattr(forms, "BODY_S", 0.2)

    def drip() -> Iterator[bytes]:
        yield b"csrf="
        time.sleep(1.5)
        yield b"x"

    with answering(opened, []) as client:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/log", content=drip(), headers=kind).status_code == 408
