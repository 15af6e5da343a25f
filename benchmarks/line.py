"""What does a line cost beside its engine? Overhead, jitter, misses, throughput, processor, memory.

Each round runs the bare engine (A), the line, and the bare engine again (A/A: what noise alone makes) on
the same frames, paced at 80 % of what the engine allows; then the engine and the line as fast as they go.
The network is not trained, its work is that of a real one. A simulated GigE camera shares the machine.

    python benchmarks/line.py                                    # 3 rounds, folder and GigE, 1.3 and 5 MP
    python benchmarks/line.py --parts 60 --rounds 1 --sizes 1.3 --sources folder     # under a minute
    python benchmarks/line.py --sources folder --sizes 1.3 --long 100000             # and one long run

``overhead`` is the cycle less grabbing, inferring and waiting for the part before: hand-over, preparation,
location, decision, gate. ``over_bare`` is the line's cycle less the bare engine's answer at the same
percentile, both from the moment a part is due; a camera's exposure and transfer are in it. ``jitter`` is
how late the line's thread notices a trigger that is due. ``misses`` are verdicts after the deadline and
parts that nobody looked at in time, of ``judged``. Two cameras are two lines side by side, as fast as they
go without a part that is missed. The long run keeps the images that a line keeps by its own rule;
``stalls`` are how often the computer held up a real-time thread that only sleeps for 10 ms or more, and
``sleeper`` is how late that thread is. Memory that processes share is not in ``rss``. A line that judged
no part: null. Rows of what is not run stay in ``results/line.json`` as they were.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.line_speed.bare import run_bare
from taktsight.benchmarks.line_speed.product import write_product
from taktsight.benchmarks.line_speed.shift import ALL_IMAGES, USUAL_IMAGES, Shift, run_shifts
from taktsight.benchmarks.line_speed.stalls import stalls_counted
from taktsight.benchmarks.measured import RESULTS, circumstances, write_result

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a running line: the tests have it

LOAD = 0.8
GIGE_TAKT_MS = {"1.3": 60.0, "5": 200.0}
"""What the simulated camera manages beside a line."""
FULL = 0.95
"""Of the engine's own time for a part, as the takt of a line that is always busy."""
PACES = (0.95, 0.91, 0.87, 0.83, 0.79)
"""Of two lines side by side, as shares of the pace of one: the first at which no part is missed counts."""
Row = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """A product in its folder, and how it is run."""

    folder: Path
    source: str
    megapixels: str
    camera: dict[str, Any]
    parts: int
    threads: int

    def station(self, deadline_ms: float, **values: Any) -> dict[str, Any]:
        """A station file's content."""
        backend = {"kind": "onnxruntime", "threads": self.threads}
        repeats = [] if self.source == "folder" else ["camera"]
        settled = {"cameras": [self.camera], "backend": backend, "deadline_ms": deadline_ms}
        return settled | {"repeats_allowed": repeats, "max_frame_age_ms": 1000} | values

    def line(self, takt_ms: float, **values: Any) -> Shift:
        """A line at this takt, with three takts for a part."""
        deadline_ms = round(3 * takt_ms + 20, 1)
        return run_shifts(self.folder, [self.station(deadline_ms, **values)], self.parts, takt_ms)[0]


def main() -> None:
    """Measures, prints a table, writes ``results/line.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=1000, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sizes", nargs="+", choices=GIGE_TAKT_MS, default=list(GIGE_TAKT_MS), help="megapixels"
    )
    parser.add_argument("--sources", nargs="+", choices=("folder", "gige"), default=["folder", "gige"])
    parser.add_argument("--long", type=int, default=0, help="parts of one more run of the line; 0: none")
    parser.add_argument("--layers", type=int, default=32, help="of the network: its work")
    parser.add_argument("--threads", type=int, default=1, help="of one inference")
    arguments = parser.parse_args()
    rows = []
    for source in arguments.sources:
        for megapixels in arguments.sizes:
            with tempfile.TemporaryDirectory(prefix="taktsight-line-") as folder:
                write_product(Path(folder), megapixels, arguments.layers, ("camera",))
                with _camera(source, Path(folder), megapixels) as camera:
                    bench = Bench(
                        Path(folder), source, megapixels, camera, arguments.parts, arguments.threads
                    )
                    rows.append(_measure(bench, arguments.rounds, arguments.long))
            print(rows[-1], flush=True)
    _print(rows)
    write_result("line", [*_others(rows), *rows])


@contextlib.contextmanager
def _camera(source: str, folder: Path, megapixels: str) -> Iterator[dict[str, Any]]:
    if source == "folder":
        yield {"kind": "folder", "folder": "images", "repeat": True}
        return
    from tests.inspect.gige_rig import gige_processes

    with gige_processes() as start:
        camera = start("--images", str(folder / "images"))
        yield {
            "kind": "aravis",
            "device": camera.address,
            "exposure_us": 1000,
            "expose_within_ms": 0.9 * GIGE_TAKT_MS[megapixels],
        }


def _measure(bench: Bench, rounds: int, long_parts: int) -> dict[str, Any]:
    """Medians over the rounds; misses are counted over all of them."""
    load = os.getloadavg()[0]
    measured = [_round(bench) for _ in range(rounds)]
    figures = {name: _rounded(float(np.median([row[name] for row in measured]))) for name in measured[0]}
    figures["misses"] = sum(row["misses"] for row in measured)
    figures["judged"] = sum(row["judged"] for row in measured)
    if long_parts:
        figures |= _long(replace(bench, parts=long_parts), max(row["takt_ms"] for row in measured))
    about = {"source": bench.source, "megapixels": float(bench.megapixels), "threads": bench.threads}
    return about | figures | {"rounds": rounds, "load_before": round(load, 2)} | circumstances()


def _round(bench: Bench) -> Row:
    fast = run_bare(bench.folder, bench.parts, None, bench.threads)
    takt_ms = round(1000 / fast.per_s / LOAD, 2)
    if bench.source == "gige":
        takt_ms = max(takt_ms, GIGE_TAKT_MS[bench.megapixels])
    bare = run_bare(bench.folder, bench.parts, takt_ms, bench.threads)
    line = bench.line(takt_ms)
    again = run_bare(bench.folder, bench.parts, takt_ms, bench.threads)
    archiving = bench.line(takt_ms, images=ALL_IMAGES)
    half, most, last = (_at(line.cycle_ms, percent) for percent in (50, 99, 99.9))
    kept_half, kept_last = (_at(archiving.cycle_ms, percent) for percent in (50, 99.9))
    row = {
        "takt_ms": takt_ms,
        "bare_p50_ms": bare.p50_ms,
        "bare_p99_ms": bare.p99_ms,
        "aa_p50": again.p50_ms / bare.p50_ms,
        "aa_p99": again.p99_ms / bare.p99_ms,
        "aa_cpu": again.cpu_ms / bare.cpu_ms,
        "cycle_p50_ms": half,
        "cycle_p99_ms": most,
        "cycle_p999_ms": last,
        "overhead_p50_ms": _at(line.added_ms, 50),
        "overhead_p99_ms": _at(line.added_ms, 99),
        "waited_p50_ms": _at(line.waited_ms, 50),
        "waited_p99_ms": _at(line.waited_ms, 99),
        "bare_answer_p50_ms": bare.answer_p50_ms,
        "bare_answer_p99_ms": bare.answer_p99_ms,
        "over_bare_p50_ms": half - bare.answer_p50_ms,
        "over_bare_p99_ms": most - bare.answer_p99_ms,
        "jitter_p999_ms": line.lateness_p999_ms,
        "misses": line.misses + archiving.misses,
        "judged": line.parts + archiving.parts,
        "p999_over_p50_archiving": kept_last / kept_half,
        "cpu_over_pure": line.cpu_ms / (0.5 * (bare.cpu_ms + again.cpu_ms)),
        "rss_mb_per_h": line.rss_mb_per_h,
    }
    return row | (_full(bench) if bench.source == "folder" else {})


def _long(bench: Bench, takt_ms: float) -> dict[str, float | None]:
    with stalls_counted() as stalls:
        line = bench.line(takt_ms, images=USUAL_IMAGES)
    return {
        "long_takt_ms": takt_ms,
        "long_parts": line.parts,
        "long_misses": line.misses,
        "long_p999_over_p50": _rounded(_at(line.cycle_ms, 99.9) / _at(line.cycle_ms, 50)),
        "long_jitter_p999_ms": round(line.lateness_p999_ms, 4),
        "long_rss_mb_per_h": round(line.rss_mb_per_h, 4),
        **{f"long_{name}": _rounded(value) for name, value in stalls.items()},
    }


def _at(values: NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(value, 4)


def _full(bench: Bench) -> Row:
    """As fast as it goes: the engine, one line, two lines side by side, the engine again."""
    fast = run_bare(bench.folder, bench.parts, None, bench.threads)
    takt_ms = round(FULL * 1000 / fast.per_s, 3)
    station = bench.station(1000)
    (one,) = run_shifts(bench.folder, [station], bench.parts, takt_ms)
    two = _two_lines(bench, station, takt_ms)
    again = run_bare(bench.folder, bench.parts, None, bench.threads)
    return {
        "bare_per_s": fast.per_s,
        "aa_per_s": again.per_s / fast.per_s,
        "throughput_share": one.judged_per_s / (0.5 * (fast.per_s + again.per_s)),
        "two_cameras_over_one": sum(shift.judged_per_s for shift in two) / one.judged_per_s,
        "two_cameras_misses": float(sum(shift.misses for shift in two)),
    }


def _two_lines(bench: Bench, station: dict[str, Any], takt_ms: float) -> list[Shift]:
    """As fast as they go side by side without a part that is missed; the slowest pace where none does."""
    for pace in PACES:
        shifts = run_shifts(bench.folder, [station, station], bench.parts, takt_ms / pace)
        if not any(shift.misses for shift in shifts):
            break
    return shifts


def _others(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was measured of other sources and sizes stays."""
    file = RESULTS / "line.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    new = {(row["source"], row["megapixels"]) for row in rows}
    return [row for row in known if (row["source"], row["megapixels"]) not in new]


def _print(rows: list[dict[str, Any]]) -> None:
    names = [name for name in rows[0] if name not in ("machine", "command", "date")]
    table = Table("figure", *(f"{row['source']} {row['megapixels']:g} MP" for row in rows))
    for name in names:
        table.add_row(name, *(str(row.get(name, "")) for row in rows))
    Console().print(table)


if __name__ == "__main__":
    main()
