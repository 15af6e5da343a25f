"""Does a review bench that is hammered cost the line beside it a deadline?

A line at 80 % of what its engine allows, alone and beside a bench with fifty users, in turns: each round
has both, and every other round begins with the other one, so that what the machine does meanwhile falls on
both alike.
:func:`measure` is called by ``benchmarks/review.py``; alone it prints what it found:

    python -m taktsight.benchmarks.review_speed.beside_line --rounds 2 --parts 400
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.benchmarks.line_speed.bare import run_bare
from taktsight.benchmarks.line_speed.product import write_product
from taktsight.benchmarks.line_speed.shift import Shift, run_shifts
from taktsight.benchmarks.review_speed.users import STREAMS, hammer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a bench and its people: the tests have them

LOAD = 0.8
USERS = 50
PATHS = ("/", "/stations/speed", "/", "/help")
LAYERS = 32
MEGAPIXELS = "1.3"
START_S = 60.0


@dataclass(slots=True)
class Hammered:
    """What the users of one shift got."""

    pages_ms: list[float] = field(default_factory=list)
    events: int = 0
    failures: int = 0
    trouble: str = ""
    """Why nobody hammered; empty where somebody did."""


def measure(rounds: int = 3, parts: int = 1000, users: int = USERS) -> dict[str, Any]:
    """Missed deadlines with and without, and how fast pages were meanwhile.

    Args:
        rounds: each has a shift alone and one beside the bench.
        parts: of each shift.
        users: of the bench.

    Raises:
        RuntimeError: If the bench was not hammered: nothing was measured then.
    """
    load = os.getloadavg()[0]
    alone: list[Shift] = []
    beside: list[Shift] = []
    hammered: list[Hammered] = []
    with tempfile.TemporaryDirectory(prefix="taktsight-review-") as place:
        folder = Path(place)
        write_product(folder, MEGAPIXELS, LAYERS, ("camera",))
        takt_ms = round(1000 / run_bare(folder, 200, None, 1).per_s / LOAD, 2)
        for number in range(rounds):
            for is_beside in (False, True) if number % 2 == 0 else (True, False):
                if is_beside:
                    with hammering(folder / "records-0", users) as got:
                        beside.append(_shift(folder, parts, takt_ms))
                    hammered.append(got)
                else:
                    alone.append(_shift(folder, parts, takt_ms))
    troubles = [got.trouble or "no page was loaded" for got in hammered if not got.pages_ms]
    if troubles:
        raise RuntimeError(f"the bench was not hammered: {'; '.join(troubles)}")
    return _figures(alone, beside, hammered) | {
        "rounds": rounds,
        "users": users,
        "takt_ms": takt_ms,
        "load_before": round(load, 2),
    }


def _shift(folder: Path, parts: int, takt_ms: float) -> Shift:
    station = {
        "cameras": [{"kind": "folder", "folder": "images", "repeat": True}],
        "backend": {"kind": "onnxruntime", "threads": 1},
        "deadline_ms": round(3 * takt_ms + 20, 1),
        "max_frame_age_ms": 1000,
        "images": {"keep": ["REJECT", "REVIEW", "UNINSPECTED"], "pass_every": 10, "reserve_mb": 0},
    }
    return run_shifts(folder, [station], parts, takt_ms)[0]


def _figures(alone: Sequence[Shift], beside: Sequence[Shift], got: Sequence[Hammered]) -> dict[str, Any]:
    pages = np.array([time_ms for each in got for time_ms in each.pages_ms])
    counts = {
        f"{what}_{name}": sum(getattr(shift, what) for shift in shifts)
        for name, shifts in (("alone", alone), ("beside", beside))
        for what in ("parts", "misses")
    }
    cycles = {
        f"cycle_p{percent:g}_{name}_ms": round(
            float(np.median([np.percentile(shift.cycle_ms, percent) for shift in shifts])), 2
        )
        for name, shifts in (("alone", alone), ("beside", beside))
        for percent in (50, 99)
    }
    return {
        **counts,
        "misses_added": counts["misses_beside"] - counts["misses_alone"],
        **cycles,
        "pages": len(pages),
        "page_p50_ms": round(float(np.percentile(pages, 50)), 1),
        "page_p99_ms": round(float(np.percentile(pages, 99)), 1),
        "events": sum(each.events for each in got),
        "failures": sum(each.failures for each in got),
    }


@contextmanager
def hammering(records: Path, users: int) -> Iterator[Hammered]:
    """A bench that is started once the line has begun to write there, and its users, until this is left."""
    got, ended = Hammered(), threading.Event()
    thread = threading.Thread(target=_hammer, args=(records, users, ended, got))
    thread.start()
    try:
        yield got
    finally:
        ended.set()
        thread.join()


def _hammer(records: Path, users: int, ended: threading.Event, got: Hammered) -> None:
    from tests.inspect.review.web.running_bench import make_admin, running_bench

    until_s = time.monotonic() + START_S
    while not (records / "lock").exists():  # the records of the shift before are removed first
        if time.monotonic() > until_s or ended.wait(0.05):
            got.trouble = "the line wrote nothing"
            return
    try:
        with running_bench(records.with_name("station-0.yaml")) as bench:
            make_admin(bench)
            with bench.signed_in() as somebody:
                cookie = "; ".join(f"{name}={value}" for name, value in somebody.cookies.items())
            _use(bench.url, cookie, users, ended, got)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        got.trouble = f"{type(error).__name__}: {error}"


def _use(url: str, cookie: str, users: int, ended: threading.Event, got: Hammered) -> None:
    asked = {"url": url, "visits": [(path, cookie) for path in PATHS], "users": users}
    found = hammer(asked | {"watching": min(STREAMS, users // 2)}, ended, is_idle=True)
    got.pages_ms = [time_ms for _, time_ms in found["pages_ms"]]
    got.events, got.failures = found["events"], found["failures"]


def main() -> None:
    """Prints what was measured as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", type=int, default=1000, help="of each shift")
    parser.add_argument("--users", type=int, default=USERS)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rounds, arguments.parts, arguments.users)))


if __name__ == "__main__":
    main()
