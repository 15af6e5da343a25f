"""Frames that wait in memory to be written; bounded, so some are shed: passes before all others."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from taktsight.inspect.retention import RANK
from taktsight.records import Image, Outcome

MAX_BACKLOG_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame to be kept."""

    run: str
    trigger: int
    camera: str
    outcome: str
    image: Image
    sha256: str
    """Of its pixels."""

    @property
    def rank(self) -> int:
        """What has the lower one is shed first."""
        return RANK[Outcome(self.outcome)]


class Backlog:
    """The most important first, and of those the oldest."""

    def __init__(self, max_bytes: int = MAX_BACKLOG_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: dict[int, deque[Picture]] = {rank: deque() for rank in sorted({*RANK.values()})}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, picture: Picture) -> int:
        """Takes a frame in; how many were shed for it, itself perhaps."""
        shed = 0
        while self._bytes + picture.image.nbytes > self._max_bytes:
            shed += 1
            lower = next((of for rank, of in self._waiting.items() if of and rank < picture.rank), None)
            if lower is None:
                return shed
            self._bytes -= lower.pop().image.nbytes
        self._waiting[picture.rank].append(picture)
        self._bytes += picture.image.nbytes
        return shed

    def take(self) -> Picture | None:
        """The next to be written; None if nothing waits."""
        waiting = next((of for of in reversed(self._waiting.values()) if of), None)
        if waiting is None:
            return None
        picture = waiting.popleft()
        self._bytes -= picture.image.nbytes
        return picture
