"""The next batches are drawn while one is trained on: augmenting them does not make the network wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from torch.utils.data import DataLoader

AHEAD = 2
"""Batches that lie ready at most."""
THREAD = "read-ahead"


class ReadAhead(DataLoader[Any]):
    """A loader whose batches are drawn in a thread, in the same order and with the same content.

    A thread, not worker processes: the prepared tiles are memory-mapped, drawing spends its time outside of
    Python, and nothing is pickled or left behind by a kill.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # an iterator is all that is promised
        """The batches of an epoch. What drawing one raises is raised here."""
        batches = super().__iter__()
        with ThreadPoolExecutor(1, THREAD) as thread:
            ready = deque(thread.submit(next, batches, None) for _ in range(AHEAD))
            try:
                while (batch := ready.popleft().result()) is not None:
                    ready.append(thread.submit(next, batches, None))
                    yield batch
            finally:
                for waiting in ready:
                    waiting.cancel()
