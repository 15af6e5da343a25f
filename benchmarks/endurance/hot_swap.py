"""Changeovers between two bundles, again and again, while parts come: which bundle judged each of them.

The two judge some part differently, so a verdict shows by itself whose it is.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.benchmarks.endurance.slow_parts import UNINSPECTED, Place
from taktsight.inspect.commands.changeover import change_over
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.fault_table import Tally
from taktsight.inspect.simulation.running_line import RunningLine, StartLine


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bundles, and what they say."""

    files: tuple[str, str]
    """As the station file names them. The line starts with the first."""
    expected: Mapping[str, Sequence[str]]
    """Digest of a bundle → outcome of each image, which repeat."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One changeover, as it was seen from outside."""

    first_trigger: int
    """Of the parts that came while it went on."""
    last_trigger: int
    took_s: float


def hot_swaps(
    place: Place,
    start: StartLine,
    pair: Pair,
    times: int,
    takt_ms: float,
    *,
    between_parts: int = 3,
    **station: Any,
) -> tuple[Tally, dict[str, Any]]:
    """Swaps the bundle so many times, and counts; records and gate are new.

    Args:
        place: of the station.
        start: starts its line.
        pair: what is swapped.
        times: how often.
        takt_ms: of the parts.
        between_parts: that are judged by a bundle, at least, before the next one comes.
        station: top-level keys of the station file.
    """
    images = {"keep": [], "pass_every": 0, "reserve_mb": 0}
    station = {
        "cameras": [{"kind": "folder", "folder": "images", "repeat": True}],
        "trigger": {"kind": "timer", "takt_ms": takt_ms},
        "records": {"folder": "records", "images": images},
        **station,
    }
    file = place.write(bundle=pair.files[0], **station)
    line = start(file, "--no-live", log=place.folder / "line.log")
    _wait_for_verdicts(line, between_parts)
    swaps = []
    for turn in range(1, times + 1):
        place.write(bundle=pair.files[turn % 2], **station)
        swaps.append(_swap(line, file))
        _wait_for_verdicts(line, between_parts)
    status, _, _ = line.stop()
    tally = Tally(injected=times, late=line.meters["deadline_misses"])
    if status or line.meters["vision_restarts"] or line.meters["changeovers"] != times:
        counts = {name: line.meters[name] for name in ("vision_restarts", "changeovers")}
        tally.broken.append(f"status {status}, {counts}")
    return tally, _count(tally, place, pair, swaps, takt_ms)


def _swap(line: RunningLine, station: Path) -> Swap:
    before, began_s = line.meters["triggers"], time.monotonic()
    change_over(station)
    return Swap(before, line.meters["triggers"], time.monotonic() - began_s)


def _wait_for_verdicts(line: RunningLine, parts: int) -> None:
    def judged() -> int:
        return line.meters["PASS"] + line.meters["REJECT"] + line.meters["REVIEW"]

    known = judged()
    line.wait_until(lambda: judged() >= known + parts)


def _count(tally: Tally, place: Place, pair: Pair, swaps: Sequence[Swap], takt_ms: float) -> dict[str, Any]:
    gate, rows = place.gate(), place.rows("verdict")
    numbers = [trigger for trigger, _ in gate]
    triggered_ns = [ns - row["cycle_ns"] for ns, row in zip(place.gate_times_ns(), rows, strict=True)]
    came = 1 + round((triggered_ns[-1] - triggered_ns[0]) / (takt_ms * 1e6))
    tally.lost += came - len(set(numbers))
    tally.misassigned += sum(one >= other for one, other in itertools.pairwise(numbers))
    if [(row["trigger"], row["outcome"]) for row in rows] != gate:
        tally.broken.append("gate and ledger differ")
    for row in rows:
        _count_one(tally, pair, row)
    _check_turns(tally, place, rows, len(swaps))
    for swap in swaps:
        tally.recovered(swap.took_s)
    return _figures(rows, swaps)


def _count_one(tally: Tally, pair: Pair, row: Row) -> None:
    said = pair.expected.get(row["bundle"])
    if said is None:
        tally.broken.append(f"part {row['trigger']} carries the digest of neither bundle")
    elif row["outcome"] not in (UNINSPECTED, said[(row["trigger"] - 1) % len(said)]):
        tally.misassigned += 1


def _check_turns(tally: Tally, place: Place, rows: Sequence[Row], swaps: int) -> None:
    """From one changeover to the next all parts carry one digest, as the ledger says of each changeover."""
    turns = [
        before["trigger"] + 1
        for before, row in itertools.pairwise(rows)
        if before["bundle"] != row["bundle"]
    ]
    said = [
        int(json.loads(row["reasons"])[0].removeprefix("before part ")) for row in place.rows("changeover")
    ]
    if turns != said or len(said) != swaps:
        tally.broken.append(f"{len(said)} changeovers in the ledger, the digest changes {len(turns)} times")


def _figures(rows: Sequence[Row], swaps: Sequence[Swap]) -> dict[str, Any]:
    during = {trigger for swap in swaps for trigger in range(swap.first_trigger, swap.last_trigger + 1)}
    unseen = [row["trigger"] for row in rows if row["outcome"] == UNINSPECTED]
    cycle_ms = {row["trigger"]: row["cycle_ns"] / 1e6 for row in rows if row["outcome"] != UNINSPECTED}
    return {
        "parts": len(rows),
        "digests": len({row["bundle"] for row in rows}),
        "parts_in_swaps": len(during),
        "uninspected_in_swaps": len(during & set(unseen)),
        "uninspected_between": len(set(unseen) - during),
        "cycle_p99_ms_in_swaps": _p99([ms for trigger, ms in cycle_ms.items() if trigger in during]),
        "cycle_p99_ms_between": _p99([ms for trigger, ms in cycle_ms.items() if trigger not in during]),
        "swap_p50_s": round(float(np.median([swap.took_s for swap in swaps])), 3),
    }


def _p99(cycle_ms: Sequence[float]) -> float | None:
    return round(float(np.percentile(cycle_ms, 99)), 3) if cycle_ms else None
