"""Do bands learned from good frames raise false alarms, and do they find what is wrong? On real parts.

Bands are learned from the good parts of train and held against those of test; then each test frame gets
each fault once. The frames of test also go through the watch for repeated and torn frames, cut to one size,
as if one camera had taken them in this order. Several series of a set (exposures, places) have bands of
their own, and are added up.

    python benchmarks/health_rates.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.health_sets import SETS, Series
from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.benchmarks.planted_frames import LOST_ROWS, PLANTED
from taktsight.health_bands import Health
from taktsight.image_health import make_reference, measure
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.frame_watch import FrameWatch
from taktsight.inspect.health_learning import MARGIN, learn_from_values
from taktsight.inspect.messages import Expose
from taktsight.quality.rates import clopper_pearson
from taktsight.records import Image

TAKT_NS = 100_000_000
GOOD = "good"
MAX_FAULTY = 60
"""Test frames of a series that get each fault."""


class Judge:
    """The bands of a series, and its watch."""

    def __init__(self, series: Series) -> None:
        self._reference = make_reference(series.learn[0], None) if series.in_place else None
        values = [self.values(image) for image in series.learn]
        learned = learn_from_values(values, mm_per_px=1.0)
        named = {"reference": "good.png"} if self._reference is not None else {}
        self.health = Health.model_validate(learned.bands | named)

    def values(self, image: Image) -> dict[str, float]:
        """What is measured; pixels count as millimetres."""
        fits = self._reference is not None and self._reference.size_px == image.shape[:2]
        return measure(image, None, mm_per_px=1.0, reference=self._reference if fits else None)

    def faults(self, image: Image) -> tuple[str, ...]:
        """The measures that are out of band."""
        return tuple(self.health.faults(self.values(image)))


def judge_series(series: Series) -> Counter[tuple[str, str]]:
    """(fault, measure) → how many frames; under "" those that anything was found on, under "of" all."""
    judge, found = Judge(series), Counter[tuple[str, str]]()
    for image in series.test:
        _note(found, GOOD, judge.faults(image))
    rng = np.random.default_rng(0)
    for number, image in enumerate(series.test[:MAX_FAULTY]):
        for name, plant in PLANTED.items():
            if "moved" in name and not judge.health.needs_reference:
                continue  # parts that lie anywhere have no place
            if "rows missing" in name and image.shape[0] < 4 * LOST_ROWS:
                continue
            _note(found, name, judge.faults(plant(image, series.test[number - 1], rng)))
    return found


def watch_series(series: Series) -> Counter[tuple[str, str]]:
    """What the watch says of the frames as they are, and of ones that repeat or are torn."""
    height, width = (min(image.shape[axis] for image in series.test) for axis in (0, 1))
    watch = FrameWatch("camera", series.test[0].shape[2], max_age_ns=TAKT_NS)
    shown = [np.ascontiguousarray(image[:height, :width]) for image in series.test]
    found, trigger, rng = Counter[tuple[str, str]](), 0, np.random.default_rng(1)

    def show(image: Image) -> str:
        nonlocal trigger
        trigger += 1
        now_ns = trigger * TAKT_NS
        return watch.fault(Expose(trigger, now_ns, now_ns), Exposure(image, now_ns), now_ns)

    for image in shown:
        _note(found, "new frame", (show(image),))
    for image in shown:
        _note(found, "repeated", (show(image),))
    for above, below in zip(shown, [*shown[1:], shown[0]], strict=True):
        row = int(rng.integers(height // 100 + 1, height - height // 100))
        fault = show(np.concatenate([above[:row], below[row:]]))
        _note(found, "torn, delivered before", (fault,))
    return found


def _note(found: Counter[tuple[str, str]], fault: str, measures: Any) -> None:
    named = [name for name in measures if name]
    found[fault, "of"] += 1
    found[fault, ""] += bool(named)
    found.update((fault, name.split(":")[0]) for name in named)


def _rows(name: str, several: Sequence[Series]) -> list[dict[str, Any]]:
    total = sum((judge_series(series) + watch_series(series) for series in several), Counter())
    faults = dict.fromkeys(fault for fault, _ in total)
    return [_row(name, fault, total) for fault in faults]


def _row(name: str, fault: str, total: Counter[tuple[str, str]]) -> dict[str, Any]:
    rate = clopper_pearson(total[fault, ""], total[fault, "of"])
    by = {of: count for (each, of), count in total.items() if each == fault and of not in ("", "of")}
    return {
        "set": name,
        "fault": fault,
        "found": rate.events,
        "of": rate.parts,
        "low": round(rate.low, 4),
        "high": round(rate.high, 4),
        "by": by if fault in (GOOD, *PLANTED) else {},
    }


def main() -> None:
    """Measures, prints a table, writes ``results/health_rates.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    arguments = parser.parse_args()
    rows = [row for name, read in SETS.items() for row in _rows(name, read(arguments.data))]
    table = Table("set", "fault", "found", "by")
    for row in rows:
        by = ", ".join(f"{name} {count}" for name, count in row["by"].items())
        table.add_row(row["set"], row["fault"], f"{row['found']} of {row['of']}", by)
    Console().print(table)
    write_result("health_rates", {"margin": MARGIN, "rows": rows, **circumstances()})


if __name__ == "__main__":
    main()
