"""The live stream of the wall, as Server-Sent Events.

One look serves everybody: a task looks twice a second while somebody follows, draws each language once, and
wakes those for whom something changed. Nothing is queued for a browser. One that is slow, or comes again
with ``Last-Event-ID``, gets what is now if it differs from what it has: no backlog can grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from taktsight.inspect.review.live.values import Wall
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.drawing import draw_piece
from taktsight.inspect.review.web.live_said import SAID, short_time
from taktsight.inspect.review.web.routes import stream
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.wall_bar import bar_of
from taktsight.inspect.review.web.words import words_of
from taktsight.records import Outcome

Result = TypeVar("Result")

MOST_STREAMS = 64
MOST_OF_ONE = 8
"""Of one account."""
LOOK_S = 0.5
BEAT_S = 5.0
"""A browser that hears nothing for three of them says so: its picture is old."""
SESSION_S = 15.0
"""How often it is asked whether the session goes on."""
RETRY_MS = 3000
BUSY_MS = 30_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """The tiles in one language."""

    id: str
    """Changes with what is shown."""
    html: str


@dataclass(slots=True)
class Follower:
    """One browser."""

    account: str
    language: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Streams:
    """Those that are open, of one bench. Lives in the server's event loop alone."""

    def __init__(self, bench: Bench, paths: Collection[str]) -> None:
        """``paths``: of the pages that there are."""
        self._bench = bench
        self._paths = paths
        self._open: list[Follower] = []
        self._drawn: dict[str, Drawn] = {}
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    async def follow(self, visit: Visit) -> AsyncIterator[str]:
        """Events for one browser, until it leaves or its session ends."""
        account = visit.name
        of_account = sum(each.account == account for each in self._open)
        if len(self._open) >= MOST_STREAMS or of_account >= MOST_OF_ONE:
            yield event("busy", "", retry_ms=BUSY_MS)
            return
        follower = Follower(account, visit.words.language)
        self._open.append(follower)
        try:
            self._look_on()
            seen = visit.request.headers.get("last-event-id") or visit.asked("after", 60)
            async for said in self._events(visit, follower, seen):
                yield said
            if self._bench.stopping.is_set():
                await asyncio.Event().wait()  # whoever reads us ends us
        finally:
            self._open.remove(follower)

    async def _events(self, visit: Visit, follower: Follower, seen: str) -> AsyncIterator[str]:
        yield event("beat", "", retry_ms=RETRY_MS)
        beat_s = checked_s = time.monotonic()
        while self._looking is not None and not self._looking.done():
            drawn = self._drawn.get(follower.language)
            if drawn is not None and drawn.id != seen:
                seen, beat_s = drawn.id, time.monotonic()
                yield event("wall", drawn.html, drawn.id)
            follower.wake.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(follower.wake.wait(), BEAT_S)
            now_s = time.monotonic()
            if now_s - checked_s >= SESSION_S:
                checked_s = now_s
                if not await self._in_pool(visit.is_still_signed_in):
                    yield event("over", "")
                    return
            if now_s - beat_s >= BEAT_S:
                beat_s = now_s
                yield event("beat", "")

    def _look_on(self) -> None:
        """Somebody follows: looking begins, if it has not."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """While anybody follows."""
        try:
            while self._open and not self._bench.stopping.is_set():
                languages = {each.language for each in self._open}
                drawn = await self._in_pool(partial(draw_walls, self._bench, languages, self._paths))
                changed = {key for key, new in drawn.items() if self._drawn.get(key) != new}
                self._drawn = drawn
                for each in self._open:
                    if each.language in changed:
                        each.wake.set()
                await asyncio.sleep(LOOK_S)
        finally:
            for each in self._open:  # their streams end, and their browsers come again
                each.wake.set()

    async def _in_pool(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._bench.pools["pages"], work)


def draw_walls(bench: Bench, languages: Iterable[str], paths: Collection[str]) -> dict[str, Drawn]:
    """The tiles of this moment, in each language. It reads records: call it in a pool."""
    wall: Wall = bench.live.look()
    values = {
        "tiles": [(tile, bar_of(tile.cycle)) for tile in wall.tiles],
        "outcomes": tuple(Outcome),
        "told": SAID,
        "has_pictures": bench.pictures is not None and "/pictures/{image}/thumbnail" in paths,
        "has_parts": "/parts/{id}" in paths,
    }
    drawn = {}
    for language in languages:
        when = partial(short_time, words_of(language))
        html = draw_piece(language, "wall_tiles.html", {**values, "when": when})
        digest = hashlib.sha256(html.encode()).hexdigest()[:16]
        drawn[language] = Drawn(f"{language}-{digest}", html)
    return drawn


def event(name: str, said: str, number: str = "", retry_ms: int = 0) -> str:
    """One event as it goes out; its data are JSON, which holds no line break."""
    lines = [f"event: {name}", f"data: {json.dumps(said, ensure_ascii=False)}"]
    lines += [f"id: {number}"] if number else []
    lines += [f"retry: {retry_ms}"] if retry_ms else []
    return "\n".join(lines) + "\n\n"


def follow(visit: Visit) -> AsyncIterator[str]:
    """The stream of a visit."""
    state = visit.request.app.state
    if not hasattr(state, "streams"):
        state.streams = Streams(visit.bench, frozenset(state.needs))
    streams: Streams = state.streams
    return streams.follow(visit)


routes = [stream("/live", May.SEE, follow)]
