"""How long searches and first pages of queues take over many parts."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.benchmarks.review_speed.many_parts import (
    BEGUN_MS,
    LABELS,
    LOT_PARTS,
    RUN,
    TAKT_MS,
    write_many,
)
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.parts.rows import EVERY, Filters
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.records import Outcome

LOT_PATTERN = r"^L\d+"


def measure_finding(folder: Path, parts: int = 10_000_000, rounds: int = 100) -> dict[str, Any]:
    """Times, ms, of each kind of question over so many parts.

    Args:
        folder: an empty one; with 10⁷ parts it takes about 5 GB.
        parts: how many.
        rounds: questions of each kind, each with other words.
    """
    started = time.monotonic()
    records = folder / "records"
    if not records.exists():
        write_many(records, parts)
    written_s = time.monotonic() - started
    index = PartIndex.open(records, records / "review", lot_pattern=LOT_PATTERN)
    store = ReviewStore.open(records / "review")
    queue = Queue(index, store)
    started = time.monotonic()
    index.follow()
    waiting = queue.page().total
    opened_s = time.monotonic() - started
    rng = random.Random(1)
    searches = {name: _times(ask, rounds) for name, ask in _searches(index, parts, rng).items()}
    queues = {name: _times(ask, rounds) for name, ask in _queues(queue, parts, rng).items()}
    index.close()
    store.close()
    return {
        "parts": parts,
        "waiting": waiting,
        "written_s": round(written_s, 1),
        "opened_s": round(opened_s, 2),
        "max_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "search_ms": searches,
        "queue_ms": queues,
    }


def _searches(index: PartIndex, parts: int, rng: random.Random) -> dict[str, Callable[[], object]]:
    def serial() -> str:
        number = rng.randrange(1, parts)
        return f"L{number // LOT_PARTS:05d}-{number:08d}"

    rejects = frozenset({Outcome.REJECT})
    return {
        "exact": lambda: index.search(serial()),
        "other case": lambda: index.search(serial().lower()),
        "prefix of a lot": lambda: index.search(serial()[:6]),
        "prefix of all": lambda: index.search("L"),
        "nobody's": lambda: index.search("X" + serial()),
        "prefix of all, rejects": lambda: index.search("L", 50, Filters(outcomes=rejects)),
        "prefix of all, another station": lambda: index.search("L", 50, Filters(station="press 5")),
        "rejects of a lot": lambda: index.search("", 50, Filters(outcomes=rejects, lot=serial()[:6])),
        "label": lambda: index.search("", 50, Filters(label=rng.choice(LABELS))),
        "an hour": lambda: index.search("", 50, _hour(parts, rng)),
        "run": lambda: index.search("", 50, Filters(run=RUN)),
        "newest": lambda: index.newest(50),
    }


def _queues(queue: Queue, parts: int, rng: random.Random) -> dict[str, Callable[[], object]]:
    return {
        "all": lambda: queue.page(EVERY),
        "rejects": lambda: queue.page(Filters(outcomes=frozenset({Outcome.REJECT}))),
        "label": lambda: queue.page(Filters(label=rng.choice(LABELS))),
        "lot": lambda: queue.page(Filters(lot=f"L{rng.randrange(parts // LOT_PARTS):05d}")),
        "serial": lambda: queue.page(Filters(serial=f"L{rng.randrange(parts // LOT_PARTS):05d}")),
        "station": lambda: queue.page(Filters(station="press 4")),
        "an hour": lambda: queue.page(_hour(parts, rng)),
        "run": lambda: queue.page(Filters(run=RUN)),
        "the twentieth page": lambda: queue.page(EVERY, after="950"),
        "next for a reviewer": lambda: queue.next_for(f"reviewer {rng.randrange(50)}"),
    }


def _hour(parts: int, rng: random.Random) -> Filters:
    begun = datetime.fromtimestamp((BEGUN_MS + rng.randrange(parts) * TAKT_MS) / 1000, timezone.utc)
    return Filters(since=begun, until=begun + timedelta(hours=1))


def _times(ask: Callable[[], object], rounds: int) -> dict[str, float]:
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(took, (50, 95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "max": round(max(took), 2)}
