"""How fast is the review bench, and what does it cost the line beside it?

    python benchmarks/review.py                     # all but the last figures; 6 minutes
    python benchmarks/review.py --quick             # a look at all of these, 3 minutes
    python benchmarks/review.py --only swap pages   # some of them
    python benchmarks/review.py --only finding --parts 10000000    # 2 minutes and 6 GB on the disk

``swap``: in Chromium at 1920 × 1080, from the key that decides until the next frame of 12 MP is drawn whole
at the zoom that fits, and until the decision is acknowledged, mono and colour, beside a line on a folder
camera of 12 MP at a takt of 200 ms; somebody looks at each part for a second. ``pages``: fifty users, each
of whom asks for something every two seconds, for every GET route in turn; and, with nothing wanted of it,
without any pause. ``line``: missed deadlines of a line at 80 % of its engine, alone and beside a bench with
fifty users without a pause. ``looks``: what axe finds, and bytes of script. ``finding``: searches and first
pages of queues. The bench runs at idle priority, and so does the browser, which is another computer's
in a plant: whatever else the machine does comes first, so measure on a quiet one. Rows of what is not run
stay in ``results/review.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.measured import RESULTS, circumstances, write_result

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bench and its people: the tests have them

GROUPS = ("swap", "pages", "line", "looks", "finding")
USUAL = GROUPS[:-1]
SWAP_MS, ACKNOWLEDGED_MS, PAGE_MS, SEARCH_MS, QUEUE_MS, SCRIPT_BYTES = 300, 100, 300, 200, 150, 170_000
PLANT_PARTS = 20_000
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of everything."""

    swaps: int = 40
    pages_s: float = 40.0
    rounds: int = 2
    line_parts: int = 400
    finding_parts: int = 1_000_000
    questions: int = 100


QUICK = Effort(swaps=15, pages_s=12.0, rounds=1, line_parts=200, finding_parts=200_000, questions=20)


def main() -> int:
    """Measures, prints a table, writes ``results/review.json``; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(USUAL), help="of the figures")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--parts", type=int, help="that are searched, where finding is measured")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else Effort()
    measured: Rows = []
    failed = []
    for group in arguments.only:
        load = round(os.getloadavg()[0], 2)
        try:
            rows = _measure(group, effort, arguments.parts or effort.finding_parts)
        except (RuntimeError, AssertionError, OSError) as error:
            failed.append(f"{group}: {type(error).__name__}: {error}")
            continue
        measured += [{"group": group, **row, "load_before": load, **circumstances()} for row in rows]
        print(f"{group}: {len(rows)} figures", flush=True)
    _print(measured)
    write_result("review", [*_others(measured), *measured])
    print("\n".join(failed))
    return int(bool(failed))


def _measure(group: str, effort: Effort, parts: int) -> Rows:
    with tempfile.TemporaryDirectory(prefix="taktsight-review-") as place, ExitStack() as opened:
        folder = Path(place)
        if group == "swap":
            return _swap(folder, effort)
        if group == "line":
            return _line(effort)
        if group == "finding":
            return _finding(folder, parts, effort.questions)
        from taktsight.benchmarks.review_speed.plant import plant

        bench = opened.enter_context(plant(folder, PLANT_PARTS))
        return _pages(bench, effort) if group == "pages" else _looks(bench)


def _swap(folder: Path, effort: Effort) -> Rows:
    from taktsight.benchmarks.review_speed.swapping import measure_swapping

    rows: Rows = []
    for channels, name in ((1, "mono"), (3, "colour")):
        home = folder / name
        home.mkdir()
        found = measure_swapping(home, effort.swaps, channels=channels)
        rows += [
            _row(f"image swap p95, 12 MP {name}, ms", found["swap_ms"]["p95"], SWAP_MS, found),
            _row(f"key to acknowledged p95, {name}, ms", found["acknowledged_ms"]["p95"], ACKNOWLEDGED_MS),
            _row(f"pictures not whole when shown, {name}", found["not_whole"], 0),
            _row(f"line at 200 ms beside bench and browser, {name}: misses", found["line_misses"], None),
        ]
    return rows


def _pages(bench: Any, effort: Effort) -> Rows:
    from taktsight.benchmarks.review_speed.pages import measure_pages

    found = measure_pages(bench, for_s=effort.pages_s)
    pressed = measure_pages(bench, pause_s=0.0, for_s=effort.pages_s / 3)
    slowest = max(found["routes_ms"], key=lambda route: float(found["routes_ms"][route]["p50"]))
    return [
        _row("page p99 at 50 users, ms", found["pages_ms"]["p99"], PAGE_MS, found),
        _row("pages, answers and pictures p99 at 50 users, ms", found["all_ms"]["p99"], PAGE_MS),
        _row("failures at 50 users", found["failures"], 0),
        _row(f"slowest p50 at 50 users ({slowest}), ms", found["routes_ms"][slowest]["p50"], None),
        _row("page p99, 50 users without any pause, ms", pressed["pages_ms"]["p99"], None),
        _row(
            "answers a second, 50 users without any pause",
            round(pressed["answers"] / (effort.pages_s / 3), 1),
            None,
        ),
    ]


def _line(effort: Effort) -> Rows:
    from taktsight.benchmarks.review_speed.beside_line import measure

    found = measure(effort.rounds, effort.line_parts)
    return [_row("missed deadlines that the bench adds", max(0, found["misses_added"]), 0, found)]


def _looks(bench: Any) -> Rows:
    from taktsight.benchmarks.review_speed.looking import measure_looks

    found = measure_looks(bench)
    pages, scripts = found["violations"], found["script_bytes"]
    return [
        _row(f"axe violations, {len(pages)} pages light and dark", sum(pages.values()), 0, pages),
        _row("JavaScript on the bench, gzip, bytes", sum(scripts.values()), SCRIPT_BYTES, scripts),
    ]


def _finding(folder: Path, parts: int, rounds: int) -> Rows:
    from taktsight.benchmarks.review_speed.finding import measure_finding

    found = measure_finding(folder, parts, rounds)

    def worst(kind: str) -> float:
        return max(float(each["p95"]) for each in found[kind].values())

    return [
        _row("slowest search p95, ms", worst("search_ms"), SEARCH_MS, found),
        _row("slowest first page of a queue p95, ms", worst("queue_ms"), QUEUE_MS),
    ]


def _row(figure: str, value: float, wanted: float | None, details: Any = None) -> dict[str, Any]:
    """``held`` is None where nothing is wanted."""
    row = {"figure": figure, "value": value, "wanted": wanted}
    row["held"] = None if wanted is None else value <= wanted
    return row if details is None else row | {"details": details}


def _others(measured: Rows) -> Rows:
    """What was measured of other groups stays."""
    file = RESULTS / "review.json"
    known: Rows = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    new = {row["group"] for row in measured}
    return [row for row in known if row["group"] not in new]


def _print(rows: Rows) -> None:
    table = Table("figure", "value", "wanted at most", "held")
    said: dict[bool | None, str] = {True: "yes", False: "NO", None: ""}
    for row in rows:
        wanted = "" if row["wanted"] is None else f"{row['wanted']:,}"
        table.add_row(row["figure"], f"{row['value']:,}", wanted, said[row["held"]])
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
