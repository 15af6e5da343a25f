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
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

TICK_S = 0.005
FIFO_PRIORITY = 60
"""Above the line's own: what holds this up is not a process."""
COUNTED_MS = 10.0
FIGURES = ("stalls", "longest_stall_ms", "sleeper_p999_ms")
"""How often one was held up for so long; the longest time; what 99.9 % stayed within."""


@contextlib.contextmanager
def stalls_counted() -> Iterator[dict[str, Any]]:
    """Counts beside what is run within; then it has :data:`FIGURES`, None where nobody may be real-time."""
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
        self.late_ms = array("f")

    def run(self) -> None:
        os.sched_setaffinity(0, {self._core})
        while not self.ended.is_set():
            due_s = time.monotonic() + TICK_S
            time.sleep(TICK_S)
            self.late_ms.append(1000 * (time.monotonic() - due_s))


def main() -> None:
    """Watches every core until the input ends, and prints."""
    watches = [_Watch(core) for core in sorted(os.sched_getaffinity(0))]
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except PermissionError:
        sys.stdin.read()
        print(json.dumps(dict.fromkeys(FIGURES)))
        return
    for watch in watches:  # they are real-time too
        watch.start()
    sys.stdin.read()
    for watch in watches:
        watch.ended.set()
        watch.join()
    late_ms = np.concatenate([watch.late_ms for watch in watches])
    figures = (
        int(np.sum(late_ms >= COUNTED_MS)),
        float(late_ms.max()),
        float(np.percentile(late_ms, 99.9)),
    )
    print(json.dumps(dict(zip(FIGURES, figures, strict=True))))


if __name__ == "__main__":
    main()
