"""The next batches are drawn while one is trained on: augmenting them does not make the network wait."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

AHEAD = 2
"""Batches that lie ready at most, for each that draws."""
THREAD = "read-ahead"
MOST_WORKERS = 8


def drawn_ahead(
    tiles: Dataset[Any],
    batch_size: int,
    order: Sampler[Any],
    collate: Callable[[list[Any]], Any],
    *,
    workers: int,
) -> DataLoader[Any]:
    """Whole batches in the given order; the same ones whoever draws them.

    Args:
        tiles: what is drawn from. A draw must depend on nothing but its key.
        batch_size: tiles in a batch; a last, shorter one is dropped.
        order: the keys.
        collate: makes a batch of tiles.
        workers: processes that draw; 0: a thread of this one does.
    """
    options: dict[str, Any] = {"sampler": order, "drop_last": True, "collate_fn": collate}
    if workers == 0:
        return ReadAhead(tiles, batch_size, **options)
    return DataLoader(
        tiles,
        batch_size,
        num_workers=workers,
        prefetch_factor=AHEAD,
        persistent_workers=True,
        # Spawned processes would be sent a copy of the memory-mapped tiles.
        multiprocessing_context="fork",
        worker_init_fn=_begin_worker,
        pin_memory=torch.cuda.is_available(),
        **options,
    )


def drawing_workers(device: str) -> int:
    """How many processes should draw for a training on ``device``.

    A CPU that trains has no core to spare. Beside a GPU the cores are idle, and a thread that draws would
    take Python's lock from the one that launches kernels.
    """
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)) - 1) if device == "cuda" else 0


def _begin_worker(number: int) -> None:
    cv2.setNumThreads(0)  # there are as many workers as cores


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
