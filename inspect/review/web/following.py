"""The thread that reads the line's records on, so that no page has to wait for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from taktsight.errors import TaktsightError

if TYPE_CHECKING:
    from taktsight.inspect.review.web.bench import Bench

log = logging.getLogger(__name__)

FOLLOW_S = 0.5
"""A part is in the queue so long after its verdict was written, and not longer."""
TROUBLE_S = 5.0
FEW_ROWS = 1000
"""A line that runs is always some rows ahead."""


def follow_ledger(bench: Bench) -> None:
    """Reads on until the bench stops; what is wrong is logged once, and tried again."""
    thread = threading.Thread(target=_follow, args=(bench,), name="review-follow", daemon=True)
    thread.start()


def is_behind(bench: Bench) -> bool:
    """Whether there are many parts that the pages do not know yet: a queue that seems empty may not be."""
    if bench.index is None:
        return False
    progress = bench.index.progress()
    return bool(progress.of - progress.seq > FEW_ROWS)


def _follow(bench: Bench) -> None:
    said = ""
    while not bench.stopping.is_set():
        try:
            bench.index.follow()
            bench.queue.follow()
            pause_s = FOLLOW_S if bench.index.progress().is_current else 0.0
            said = ""
        except TaktsightError as error:
            if bench.stopping.is_set():
                return
            if str(error) != said:
                log.warning("%s", error)
            said, pause_s = str(error), TROUBLE_S
        bench.stopping.wait(pause_s)
