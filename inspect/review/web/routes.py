"""How a page says what it answers to, and who may see it. What names no permission does not start.

    routes = [
        get("/review", May.SEE, show_queue),
        post("/review/{id}/decide", May.DECIDE, decide),
        stream("/live/events", May.SEE, follow),
    ]

``get`` and ``post`` take plain functions of a :class:`Visit` and return a response. They run in a thread
pool and may block. ``stream`` takes a function of a visit that returns an asynchronous iterator of texts,
which are sent as Server-Sent Events. By the time any of them is called, the session, the permission, the
size and, of a POST, the origin and the CSRF token are checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.bench import Bench, Pool
from taktsight.inspect.review.web.forms import MOST_BYTES, read_form
from taktsight.inspect.review.web.guard import check_origin
from taktsight.inspect.review.web.visit import Stranger, Visit, open_visit

Handler = Callable[[Visit], Response]
Source = Callable[[Visit], AsyncIterator[str]]


class Open(str, Enum):
    """Who may see a page that needs none of the permissions."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True)
class Page:
    """One address, one method, one permission."""

    path: str
    method: Literal["GET", "POST"]
    needs: May | Open
    handler: Handler | None
    source: Source | None = None
    pool: Pool = "pages"
    most_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        if not isinstance(self.needs, (May, Open)):
            raise ValueError(f"{self.method} {self.path}: names no permission, got {self.needs!r}")
        if not self.path.startswith("/"):
            raise ValueError(f"{self.path!r}: an address begins with /")


def get(path: str, needs: May | Open, handler: Handler, *, pool: Pool = "pages") -> Page:
    """A page that is read."""
    return Page(path, "GET", needs, handler, pool=pool)


def post(
    path: str, needs: May | Open, handler: Handler, *, pool: Pool = "pages", most_bytes: int = MOST_BYTES
) -> Page:
    """A form or JSON that is sent, ``most_bytes`` at most."""
    return Page(path, "POST", needs, handler, pool=pool, most_bytes=most_bytes)


def stream(path: str, needs: May | Open, source: Source) -> Page:
    """Events that go on until the browser leaves, the session ends or the bench stops."""
    return Page(path, "GET", needs, None, source=source)


def routes_of(bench: Bench, pages: Sequence[Page]) -> list[Route]:
    """The pages as Starlette has them.

    Raises:
        ValueError: If one is none of ours, or an address is taken twice; nothing is served then.
    """
    taken: set[tuple[str, str]] = set()
    routes = []
    for page in pages:
        if not isinstance(page, Page):
            raise ValueError(f"{page!r} was not made by get, post or stream: it names no permission")
        if (page.method, page.path) in taken:
            raise ValueError(f"{page.method} {page.path} is taken twice")
        taken.add((page.method, page.path))
        routes.append(Route(page.path, partial(_answer, bench, page), methods=[page.method]))
    return routes


async def _answer(bench: Bench, page: Page, request: Request) -> Response:
    """Reads what came, and has it answered in the page's pool."""
    if page.method == "POST":
        check_origin(request)
    form = await read_form(request, page.most_bytes) if page.method == "POST" else None
    loop = asyncio.get_running_loop()

    def work() -> Response | Visit:
        try:
            visit = open_visit(bench, request, form)
            _check(visit, page.needs)
        except Stranger as stranger:
            return stranger.answer(request)
        if form is not None:
            visit.check_token()
        return page.handler(visit) if page.handler else visit

    done = await loop.run_in_executor(bench.pools[page.pool], work)
    if isinstance(done, Response):
        return done
    assert page.source is not None
    return StreamingResponse(_events(done, page.source), media_type="text/event-stream")


def _check(visit: Visit, needs: May | Open) -> None:
    if needs is Open.ANYONE:
        return
    if visit.session is None:
        raise Stranger
    if isinstance(needs, May):
        visit.demand(needs)


ALIVE_S = 15.0
"""A comment goes out so often where nothing else does: a browser that left is noticed by it."""


async def _events(visit: Visit, source: Source) -> AsyncIterator[str]:
    """The source's events until somebody stops, with a sign of life between them."""
    events = aiter(source(visit))
    coming: asyncio.Future[str] | None = None
    quiet_s = 0.0
    try:
        while not visit.bench.stopping.is_set():
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=0.5)
            quiet_s = 0.0 if done else quiet_s + 0.5
            if done:
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    return
                coming = None
                yield event
            elif quiet_s >= ALIVE_S:
                quiet_s = 0.0
                if not await _is_still_signed_in(visit):
                    return
                yield ": alive\n\n"
    finally:
        if coming is not None:
            coming.cancel()


async def _is_still_signed_in(visit: Visit) -> bool:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(visit.bench.pools["pages"], visit.is_still_signed_in)
