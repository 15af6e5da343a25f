"""Log lines leave through a thread: a terminal or pipe that nobody reads must not stop a verdict."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator

MAX_WAITING = 1000
"""Lines that wait to be printed; more are dropped. The ledger says the same, and drops nothing."""
END_S = 1.0


class _Forward(logging.Handler):
    def __init__(self, waiting: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__()
        self._waiting = waiting

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(record)


@contextlib.contextmanager
def log_through_thread() -> Iterator[None]:
    """Until it is left, a thread prints what this process logs."""
    root = logging.getLogger()
    printers = root.handlers[:]
    waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(MAX_WAITING)

    def print_records() -> None:
        while (record := waiting.get()) is not None:
            for printer in printers:
                printer.handle(record)

    thread = threading.Thread(target=print_records, name="log", daemon=True)
    thread.start()
    root.handlers = [_Forward(waiting)]
    try:
        yield
    finally:
        root.handlers = printers
        with contextlib.suppress(queue.Full):
            waiting.put(None, timeout=END_S)
        thread.join(END_S)
