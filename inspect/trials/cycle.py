"""The whole cycle, from the trigger to the gate: the line itself, on golden samples, with a dry gate."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from taktsight.bundle import Bundle
from taktsight.errors import LineError
from taktsight.image_files import encode_png
from taktsight.inspect.config import Engine, Station, fitting_takt_ms
from taktsight.inspect.ledger import Ledger
from taktsight.records import Outcome

LONGEST_MS = 60_000.0
"""Of a measurement: slow engines get fewer parts."""
WARM_UP = 20
"""Parts at the start that are not counted, as in a trial."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Trigger → verdict at the gate."""

    parts: int
    takt_ms: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    uninspected: int

    def holds(self, budget_ms: float | None) -> bool:
        """Whether each part was inspected, and within the budget at p99.9."""
        return not self.uninspected and (budget_ms is None or self.p999_ms <= budget_ms)

    def __str__(self) -> str:
        said = (
            f"trigger to gate p50 {self.p50_ms:.2f}, p99 {self.p99_ms:.2f}, p99.9 {self.p999_ms:.2f} ms: "
            f"{self.parts:,} parts on the line's own processes at a takt of {self.takt_ms:g} ms"
        )
        return f"{said}; {self.uninspected} UNINSPECTED" if self.uninspected else said


def measure_cycle(
    path: Path,
    bundle: Bundle,
    engine: Engine,
    p99_ms: float,
    station: Station | None = None,
    *,
    parts: int = 1000,
    allowed_keys: Sequence[Path] = (),
) -> Cycle:
    """Runs the line on the bundle's golden samples.

    Args:
        path: of the bundle.
        bundle: the same, read.
        engine: with its number of threads.
        p99_ms: from the frame to the verdict; the takt leaves half as much again.
        station: whose recipe and cameras are taken, and its takt where it has one; None: the card's, and
            a takt that fits.
        parts: to be counted; fewer where a minute ends before.
        allowed_keys: of which one must have signed, if any are given.

    Raises:
        LineError: If the line does not start or stops early; with its last line.
    """
    with tempfile.TemporaryDirectory(prefix="taktsight-cycle-") as name:
        folder = Path(name)
        takt_ms = (station.takt_ms if station else None) or fitting_takt_ms(p99_ms)
        counted = max(1, min(parts, int(LONGEST_MS / takt_ms)))
        cameras = [camera.name for camera in station.cameras] if station else list(bundle.card.views)
        recipe = station.recipe if station and station.recipe else _own_recipe(folder, bundle, cameras)
        said = {
            "name": "trial",
            "bundle": str(path.resolve()),
            "recipe": str(recipe.resolve()),
            "allowed_keys": [str(key.resolve()) for key in allowed_keys],
            "cameras": _cameras(folder, bundle, cameras),
            "trigger": {"kind": "timer", "takt_ms": takt_ms, "parts": WARM_UP + counted},
            "gate": {"kind": "dry_run"},
            "backend": engine.model_dump(mode="json", exclude_none=True),
            "deadline_ms": max(1000.0, 20 * p99_ms),
            "records": {"folder": str(folder / "records"), "images": {"keep": [], "pass_every": 0}},
        }
        file = folder / "station.yaml"
        file.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
        _run_line(file)
        return cycle_of(folder / "records", takt_ms)


def _run_line(station: Path) -> None:
    command = [sys.executable, "-m", "taktsight.cli", "run", str(station), "--no-live"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LineError(f"the whole cycle cannot be measured: {said[-1] if said else 'the line ended'}")


def cycle_of(records: Path, takt_ms: float) -> Cycle:
    """Of the verdicts in a ledger, the first few aside."""
    ledger = Ledger.open(records)
    try:
        rows = [row for row in ledger.rows() if row["kind"] == "verdict"][WARM_UP:]
    finally:
        ledger.close()
    p50, p99, p999 = np.percentile([row["cycle_ns"] / 1e6 for row in rows], (50, 99, 99.9))
    missed = sum(row["outcome"] == Outcome.UNINSPECTED.value for row in rows)
    return Cycle(len(rows), takt_ms, float(p50), float(p99), float(p999), missed)


def _cameras(folder: Path, bundle: Bundle, names: Sequence[str]) -> list[dict[str, Any]]:
    """A camera per view that shows the golden samples for ever."""
    cameras = []
    for view, name in enumerate(names):
        frames = folder / f"view-{view}"
        frames.mkdir()
        for number, sample in enumerate(_comparable(bundle)):
            frame = bundle.golden[sample.frames[view % len(sample.frames)]]
            (frames / f"{number}.png").write_bytes(encode_png(frame))
        cameras.append({"kind": "folder", "name": name, "folder": str(frames), "repeat": True})
    return cameras


def _own_recipe(folder: Path, bundle: Bundle, cameras: Sequence[str]) -> Path:
    """The card's own recipe as a file, with the templates of the first golden sample."""
    recipe: dict[str, Any] = bundle.card.own_recipe(*cameras).model_dump(mode="json", exclude_none=True)
    for number, reference in enumerate(bundle.card.golden[0].references):
        template = folder / f"template-{number}.png"
        template.write_bytes(encode_png(bundle.golden[reference]))
        recipe["views"][number]["reference"] = str(template)
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return file


def _comparable(bundle: Bundle) -> list[Any]:
    """The golden samples that the template of the first is right for: all where none is compared."""
    first = bundle.card.golden[0]
    return [sample for sample in bundle.card.golden if sample.references == first.references]
