"""Runs a whole line for some parts, and reads off it what it took."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from taktsight.benchmarks.endurance.processes import private_mb
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.meters import STATES
from taktsight.records import Outcome

if TYPE_CHECKING:
    from tests.inspect.running_line import RunningLine

WARM_UP = 20
"""Parts that are not counted."""
LOOK_S = 0.5
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
NO_IMAGES = {"keep": [], "pass_every": 0, "reserve_mb": 0}
USUAL_IMAGES = {"reserve_mb": 0, "max_mb": 500}
"""By the station's own rule: each reject, one part in four here, and passes now and then."""
ALL_IMAGES = {"keep": [outcome.value for outcome in Outcome], "reserve_mb": 0, "max_mb": 500}


@dataclass(frozen=True, slots=True)
class Shift:
    """What a line did."""

    parts: int
    cycle_ms: NDArray[np.float64]
    """Trigger → verdict at the gate, of each part that was judged."""
    added_ms: NDArray[np.float64]
    """Of these, the cycle less grabbing, inferring and waiting for the part before: the line itself."""
    waited_ms: NDArray[np.float64]
    """Of these, the time for which vision was busy with the part before."""
    lateness_p999_ms: float
    """How late the line's thread noticed a trigger that was due."""
    misses: int
    """Verdicts after the deadline, and parts that nobody looked at in time."""
    judged_per_s: float
    cpu_ms: float
    """Processor time of all its processes for a part, those of the archive at idle priority left out."""
    rss_mb_per_h: float
    """Slope of the resident memory of its processes, that which they share left out, MiB/h."""


def run_shifts(folder: Path, stations: Sequence[dict[str, Any]], parts: int, takt_ms: float) -> list[Shift]:
    """Lines side by side, one for each station, on fresh records."""
    from tests.inspect.running_line import RunningLine

    lines: list[RunningLine] = []
    try:
        for number, station in enumerate(stations):
            file = folder / f"station-{number}.yaml"
            shutil.rmtree(folder / f"records-{number}", ignore_errors=True)
            file.write_text(yaml.safe_dump(_complete(station, number, parts, takt_ms)), encoding="utf-8")
            lines.append(RunningLine(file, "--no-live"))
        looks = _watch(lines)
        return [_read(line, folder / f"records-{n}", looks[n]) for n, line in enumerate(lines)]
    finally:
        for line in lines:
            if line.process.poll() is None:
                line.kill_all()


def _complete(station: dict[str, Any], number: int, parts: int, takt_ms: float) -> dict[str, Any]:
    images = station.get("images", NO_IMAGES)
    fixed = {
        "name": "speed",
        "bundle": "part.takt",
        "trigger": {"kind": "timer", "takt_ms": takt_ms, "parts": parts + WARM_UP},
        "gate": {"kind": "dry_run"},
        "records": {"folder": f"records-{number}", "images": images},
    }
    return fixed | {key: value for key, value in station.items() if key != "images"}


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    judged: int
    triggers: int
    cpu_s: float
    memory_mb: float


def _watch(lines: Sequence[RunningLine]) -> list[list[_Look]]:
    """Looks at each line until all have ended."""
    looks: list[list[_Look]] = [[] for _ in lines]
    while any(line.process.poll() is None for line in lines):
        for line, seen in zip(lines, looks, strict=True):
            is_armed = STATES[line.meters["state"]] == "armed"
            if line.process.poll() is None and is_armed and line.meters["triggers"] > WARM_UP:
                seen.append(_look(line))
        time.sleep(LOOK_S)
    return looks


def _look(line: RunningLine) -> _Look:
    meters = line.meters
    judged = meters["PASS"] + meters["REJECT"] + meters["REVIEW"]
    at_s, triggers = time.monotonic(), meters["triggers"]
    cpu_s = memory_mb = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) != line.process.pid or _is_idle(stat.parent):
                continue
            cpu_s += (int(fields[11]) + int(fields[12])) * TICK_S
            memory_mb += private_mb(stat.parent)
    return _Look(at_s, judged, triggers, cpu_s, memory_mb)


def _is_idle(process: Path) -> bool:
    return b"taktsight.inspect.archive" in (process / "cmdline").read_bytes()


def _read(line: RunningLine, records: Path, looks: list[_Look]) -> Shift:
    status, _, said = line.wait()
    if status or len(looks) < 2:
        raise RuntimeError(f"the line ended with {status} after {len(looks)} looks: {said}")
    first, last = looks[0], looks[-1]
    spent_s, parts = last.at_s - first.at_s, max(1, last.triggers - first.triggers)
    cycle_ms, added_ms, waited_ms = _cycles(records).T
    meters = line.meters
    return Shift(
        parts=meters["triggers"],
        cycle_ms=cycle_ms,
        added_ms=added_ms,
        waited_ms=waited_ms,
        lateness_p999_ms=meters.histograms["lateness"].percentile_ns(99.9) / 1e6,
        misses=meters["deadline_misses"] + meters["UNINSPECTED"],
        judged_per_s=(last.judged - first.judged) / spent_s,
        cpu_ms=1000 * (last.cpu_s - first.cpu_s) / parts,
        rss_mb_per_h=_slope(looks[len(looks) // 2 :]),
    )


def _slope(looks: list[_Look]) -> float:
    """MiB/h, of a straight line through the second half: by then every page was touched."""
    if len(looks) < 3:
        return 0.0
    hours = np.array([look.at_s - looks[0].at_s for look in looks]) / 3600
    return float(np.polyfit(hours, [look.memory_mb for look in looks], 1)[0])


def _cycles(records: Path) -> NDArray[np.float64]:
    """(N, 3) of the parts that were judged, ms: cycle, of it what the line added, of it what was waited."""
    ledger = Ledger.open(records)
    try:
        rows = [row for row in ledger.rows() if row["kind"] == "verdict" and row["trigger"] > WARM_UP]
    finally:
        ledger.close()
    times = []
    for row in rows:
        stage_ns = json.loads(row["stage_ns"])
        if "infer" in stage_ns:
            others_ns = sum(stage_ns[stage] for stage in ("grab", "infer", "wait"))
            times.append((row["cycle_ns"], row["cycle_ns"] - others_ns, stage_ns["wait"]))
    return np.array(times, np.float64).reshape(-1, 3) / 1e6
