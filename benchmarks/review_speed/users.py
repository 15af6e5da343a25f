"""People who load pages of a review bench, each one page after the other.

    python -m taktsight.benchmarks.review_speed.users < asked.json

``asked.json`` is one line: ``url``; ``visits``, pairs of an address and the cookie it is asked for with;
``users``; ``pause_s`` between two pages of one of them, 0.5 to 1.5 times that; ``watching``, how many
follow the wall instead. At SIGTERM they say what they got as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import httpx

STREAMS = 8
"""So many of them may watch the wall; an account has no more."""
STOP_S = 60


class Users:
    """What they saw."""

    def __init__(self, url: str, visits: Sequence[tuple[str, str]], pause_s: float = 0.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"accept": "text/html"},
            trust_env=False,
            timeout=120,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=200),
        )
        self._visits = visits
        self._pause_s = pause_s
        self._chance = random.Random(1)
        self.pages_ms: list[tuple[str, float]] = []
        self.events = 0
        self.failures = 0

    async def load_pages(self) -> None:
        """One after the other, in an order of one's own."""
        await asyncio.sleep(self._pause_s * self._chance.random())
        while True:
            path, cookie = self._chance.choice(self._visits)
            began_s = time.perf_counter()
            try:
                answer = await self._client.get(path, headers={"cookie": cookie})
            except httpx.HTTPError:
                self.failures += 1
                await asyncio.sleep(0.5)
                continue
            self.failures += answer.status_code >= 500
            self.pages_ms.append((path, (time.perf_counter() - began_s) * 1000))
            await asyncio.sleep(self._pause_s * (0.5 + self._chance.random()))

    async def watch(self) -> None:
        """Follows the wall."""
        cookie = self._visits[0][1]
        while True:
            try:
                async with self._client.stream("GET", "/live", headers={"cookie": cookie}) as answer:
                    async for line in answer.aiter_lines():
                        self.events += line.startswith("event: ")
            except httpx.HTTPError:
                self.failures += 1
            await asyncio.sleep(0.5)


def hammer(
    asked: dict[str, Any], ended: threading.Event, for_s: float | None = None, *, is_idle: bool = False
) -> dict[str, Any]:
    """Has users in a process of their own: ``pages_ms``, ``events`` and ``failures``.

    Args:
        asked: see above.
        ended: they stop when it is set.
        for_s: or after so long.
        is_idle: whether they get what nobody else here wants; in a plant they sit at other computers.
    """
    before = ["chrt", "--idle", "0"] if is_idle else []
    people = subprocess.Popen(
        [*before, sys.executable, "-m", "taktsight.benchmarks.review_speed.users"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert people.stdin
    people.stdin.write(f"{json.dumps(asked)}\n")
    people.stdin.flush()
    ended.wait(for_s)
    people.terminate()
    said, _ = people.communicate(timeout=STOP_S)
    found: dict[str, Any] = json.loads(said)
    return found


async def run(asked: dict[str, Any]) -> Users:
    """Until SIGTERM."""
    people = Users(asked["url"], [tuple(visit) for visit in asked["visits"]], asked.get("pause_s", 0.0))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    watching = asked.get("watching", 0)
    tasks = [asyncio.create_task(people.watch()) for _ in range(watching)]
    tasks += [asyncio.create_task(people.load_pages()) for _ in range(asked["users"] - watching)]
    await ended.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return people


def main() -> int:
    """Prints what they got."""
    asked = json.loads(sys.stdin.readline())
    people = asyncio.run(run(asked))
    said = {"pages_ms": people.pages_ms, "events": people.events, "failures": people.failures}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
