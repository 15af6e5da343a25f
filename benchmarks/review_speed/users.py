"""People who load pages of a review bench one after the other, without a pause.

    chrt --idle 0 python -m taktsight.benchmarks.review_speed.users URL USERS PATH ... < cookie

In a plant they sit at other computers; here they share the line's, so the scheduler shall give them what
nobody else wants. At SIGTERM they say what they got as one line of JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import time
from collections.abc import Sequence

import httpx

STREAMS = 8
"""So many of them watch the wall; an account has no more."""


class Users:
    """What they saw."""

    def __init__(self, url: str, cookie: str, paths: Sequence[str]) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"cookie": cookie, "accept": "text/html"},
            trust_env=False,
            timeout=120,
            limits=httpx.Limits(max_connections=None),
        )
        self._paths = itertools.cycle(paths)
        self.pages_ms: list[float] = []
        self.events = 0
        self.failures = 0

    async def load_pages(self) -> None:
        """One after the other."""
        while True:
            began_s = time.perf_counter()
            try:
                answer = await self._client.get(next(self._paths))
            except httpx.HTTPError:
                self.failures += 1
                await asyncio.sleep(0.5)
                continue
            self.failures += answer.status_code != 200
            self.pages_ms.append((time.perf_counter() - began_s) * 1000)

    async def watch(self) -> None:
        """Follows the wall."""
        while True:
            try:
                async with self._client.stream("GET", "/live") as answer:
                    async for line in answer.aiter_lines():
                        self.events += line.startswith("event: ")
            except httpx.HTTPError:
                self.failures += 1
            await asyncio.sleep(0.5)


async def run(url: str, cookie: str, users: int, paths: Sequence[str]) -> Users:
    """Until SIGTERM."""
    people = Users(url, cookie, paths)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    watching = min(STREAMS, users // 2)
    tasks = [asyncio.create_task(people.watch()) for _ in range(watching)]
    tasks += [asyncio.create_task(people.load_pages()) for _ in range(users - watching)]
    await ended.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return people


def main(arguments: Sequence[str]) -> int:
    """Prints what they got."""
    url, users, *paths = arguments
    people = asyncio.run(run(url, sys.stdin.readline().strip(), int(users), paths))
    said = {"pages_ms": people.pages_ms, "events": people.events, "failures": people.failures}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
