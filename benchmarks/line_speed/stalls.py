"""How long the computer itself stood still: a real-time thread on each core that only sleeps and looks.

    python -m taktsight.benchmarks.line_speed.stalls        # until its input ends; then a line of JSON

A shared machine takes a core away for tens of milliseconds now and then, and no line is on time then.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

TICK_S = 0.005
FIFO_PRIORITY = 60
"""Above the line's own: what holds this up is not a process."""
COUNTED_MS = 10.0


@contextlib.contextmanager
def stalls_counted() -> Iterator[dict[str, Any]]:
    """Counts beside what is run within; afterwards there are ``stalls`` and ``longest_stall_ms``, None both
    where nobody may be real-time.
    """
    seen: dict[str, Any] = {}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield seen
    finally:
        said, _ = process.communicate()
        seen |= json.loads(said)


class _Watch(threading.Thread):
    """One core's."""

    def __init__(self, core: int) -> None:
        super().__init__(daemon=True)
        self._core = core
        self.ended = threading.Event()
        self.longest_ms, self.stalls = 0.0, 0

    def run(self) -> None:
        os.sched_setaffinity(0, {self._core})
        while not self.ended.is_set():
            due_s = time.monotonic() + TICK_S
            time.sleep(TICK_S)
            late_ms = 1000 * (time.monotonic() - due_s)
            self.longest_ms = max(self.longest_ms, late_ms)
            self.stalls += late_ms >= COUNTED_MS


def main() -> None:
    """Watches every core until the input ends, and prints."""
    watches = [_Watch(core) for core in sorted(os.sched_getaffinity(0))]
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except PermissionError:
        sys.stdin.read()
        print(json.dumps({"stalls": None, "longest_stall_ms": None}))
        return
    for watch in watches:  # they are real-time too
        watch.start()
    sys.stdin.read()
    for watch in watches:
        watch.ended.set()
        watch.join()
    longest_ms = round(max(watch.longest_ms for watch in watches), 2)
    print(json.dumps({"stalls": sum(watch.stalls for watch in watches), "longest_stall_ms": longest_ms}))


if __name__ == "__main__":
    main()
