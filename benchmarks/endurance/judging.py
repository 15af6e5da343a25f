"""Whether a line stood a soak: its figures, and what of them is not as it must be.

Of memory a straight line is laid through all looks behind the warm-up. A step that the allocator takes
once counts at most one and a half times in it; nothing can hide in it. A process that gives memory back
does not hide another one that takes it: each has its own line. Of descriptors the least of the first and
of the last quarter are compared: a file that is open for a moment can only add to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taktsight.benchmarks.endurance.watching import MEMBERS, Look, Soak

MAX_GROWTH_MB = 5.0
"""Over the whole run, of all processes together and of each."""
MAX_P99_RATIO = 1.1
"""Last quarter of the parts to the first."""
WARM_UP_SHARE = 0.1
"""Of the run: until then caches fill up."""


def figures(soak: Soak) -> dict[str, Any]:
    """What was measured, by its name in ``results/soak.json``."""
    looks = behind_warm_up(soak.looks)
    quarters = [round(float(np.percentile(part, 99)), 3) for part in np.array_split(soak.cycle_ms, 4)]
    half, most, last = (round(float(value), 3) for value in np.percentile(soak.cycle_ms, (50, 99, 99.9)))
    return {
        "parts": soak.parts,
        "misses": soak.misses,
        "unrecorded": soak.unrecorded,
        "restarts": soak.restarts,
        "infer_p50_ms": round(float(np.median(soak.infer_ms)), 3),
        "cycle_p50_ms": half,
        "cycle_p99_ms": most,
        "cycle_p999_ms": last,
        "p99_ms_by_quarter": quarters,
        "p99_ratio": round(quarters[-1] / quarters[0], 4),
        "rss_mb_first": round(looks[0].private_mb, 2),
        "rss_mb_last": round(looks[-1].private_mb, 2),
        "rss_growth_mb": growth_mb(looks, lambda look: look.private_mb),
        "rss_growth_mb_by_process": {
            name: growth_mb(looks, lambda look, name=name: look.held[name].private_mb)  # type: ignore[misc]
            for name in sorted(MEMBERS)
        },
        "shared_mb": round(max(held.shared_mb for held in looks[-1].held.values()), 2),
        "descriptors_first": looks[0].descriptors,
        "descriptors_last": looks[-1].descriptors,
        "descriptors_most": max(look.descriptors for look in looks),
        "descriptors_grown": grown([look.descriptors for look in looks]),
        "segments_first": looks[0].segments,
        "segments_last": looks[-1].segments,
        "segments_most": max(look.segments for look in looks),
        "held_up_s": held_up_s(soak.looks),
        "images_stored": soak.images_stored,
        "images_shed": soak.images_shed,
    }


def broken(measured: dict[str, Any], max_p99_ratio: float = MAX_P99_RATIO) -> list[str]:
    """What is not as it must be, in sentences that begin with its subject; empty where all is."""
    by_process = {
        f"memory of {name}": value for name, value in measured["rss_growth_mb_by_process"].items()
    }
    grew = {"memory of all processes": measured["rss_growth_mb"]} | by_process
    said = [f"{name} grew by {value} MiB" for name, value in grew.items() if value > MAX_GROWTH_MB]
    if measured["descriptors_grown"]:
        said.append(f"descriptors: {measured['descriptors_grown']:+} were open at the end")
    if measured["segments_first"] != measured["segments_last"]:
        said.append(f"shared memory: {measured['segments_first']} to {measured['segments_last']} segments")
    if measured["p99_ratio"] > max_p99_ratio:
        said.append(f"cycle: p99 of the last quarter is {measured['p99_ratio']} of the first")
    for name in ("misses", "unrecorded", "restarts"):
        if measured[name]:
            said.append(f"{name}: {measured[name]}")
    return said


def behind_warm_up(looks: Sequence[Look]) -> Sequence[Look]:
    """Those from a tenth of the run on; at least the last two."""
    begins_s = looks[0].at_s + WARM_UP_SHARE * (looks[-1].at_s - looks[0].at_s)
    return [look for look in looks if look.at_s >= begins_s] if len(looks) > 2 else looks


def held_up_s(looks: Sequence[Look]) -> float:
    """How much later than usual a look came at most, s: the machine stood still, and the line with it."""
    apart_s = np.diff([look.at_s for look in looks])
    return round(float(apart_s.max() - np.median(apart_s)), 3)


def growth_mb(looks: Sequence[Look], memory_mb: Callable[[Look], float]) -> float:
    """MiB over the whole run, of a straight line through these looks at the most of it."""
    at_s = np.array([look.at_s for look in looks]) - looks[0].at_s
    slope = np.polyfit(at_s, [memory_mb(look) for look in looks], 1)[0]
    return round(float(slope) * float(at_s[-1]) / (1 - WARM_UP_SHARE), 3)


def grown(counts: Sequence[int]) -> int:
    """The least of the last quarter, less that of the first."""
    quarter = max(1, len(counts) // 4)
    return min(counts[-quarter:]) - min(counts[:quarter])
