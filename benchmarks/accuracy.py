"""How well do the shipped configurations judge real parts? Train, evaluate, and keep every figure.

    python benchmarks/accuracy.py xsdd magnetic-tile
    python benchmarks/accuracy.py magnetic-tile --reuse      evaluate the run that is there

The sets lie beside the repository in ../shared/data; nothing of them is committed.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from taktsight.benchmarks.accuracy_table import main as write_page
from taktsight.benchmarks.bsdata_parts import main as write_bsdata_parts
from taktsight.benchmarks.measured import RESULTS, circumstances, write_result
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.found_regions import f1_of, total
from taktsight.training.evaluation.report import read_evaluation

CONFIGS = {
    "aws-aliens": "aws_aliens",
    "bsdata": "bsdata",
    "deeppcb": "deeppcb",
    "kolektorsdd": "kolektorsdd",
    "kolektorsdd-anomaly": "kolektorsdd_anomaly",
    "magnetic-tile": "magnetic_tile",
    "magnetic-tile-anomaly": "magnetic_tile_anomaly",
    "xsdd": "xsdd",
}
"""Row of the table → its configuration. A row's set is its name without the task."""
REPOSITORY = Path(__file__).parent.parent
Row = dict[str, object]


def main() -> int:
    """Trains and evaluates each set; its rows in ``results/accuracy.json`` and on the page are replaced."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="+", choices=sorted(CONFIGS))
    parser.add_argument("--reuse", action="store_true", help="do not train; evaluate runs/SET")
    arguments = parser.parse_args()
    for name in arguments.sets:
        images = REPOSITORY.parent / "shared" / "data" / _set(name)
        if not images.is_dir():
            print(f"{name}: ../shared/data/{images.name} is not here; skipped")
            continue
        measured = _measure(name, reuse=arguments.reuse)
        write_result("accuracy", _others(name) + measured)
        write_page()
    return 0


def _measure(name: str, *, reuse: bool) -> list[Row]:
    run = Path("runs") / name
    train = ["train", f"configs/training/{CONFIGS[name]}.yaml", "--run", str(run)]
    if name == "bsdata":
        write_bsdata_parts()
    if not reuse:
        shutil.rmtree(REPOSITORY / run, ignore_errors=True)
        _taktsight(*train)
    _taktsight("evaluate", str(run))
    figures = read_evaluation(REPOSITORY / run / "evaluation" / "evaluation.json").figures
    # The first and the last file that a training writes.
    written = {file: (REPOSITORY / run / file).stat().st_mtime for file in ("config.yaml", _newest(run))}
    seconds = round(max(written.values()) - written["config.yaml"])
    context = circumstances() | {"command": f"taktsight {' '.join(train)}"}
    about = {"set": _set(name), "task": figures.task}
    rows = _rows(figures) + _time_rows(figures) + (_board_rows(figures) if name == "deeppcb" else [])
    return [{**about, **row, "seconds": seconds, **context} for row in rows]


def _set(name: str) -> str:
    return name.removesuffix("-anomaly")


def _newest(run: Path) -> str:
    """A model that is remembered at once has no last checkpoint."""
    return "last.ckpt" if (REPOSITORY / run / "last.ckpt").is_file() else "best.ckpt"


def _rows(figures: Figures) -> list[Row]:
    rows = []
    if figures.auroc is not None:
        rows.append(_row("part_auroc", figures.auroc.value, figures.auroc.low, figures.auroc.high, figures))
    if figures.pixel_f1 is not None:
        pixel = figures.pixel_f1
        rows.append(_row("pixel_f1", pixel.value, pixel.low, pixel.high, figures, figures.pixel_f1_parts))
    if figures.regions is not None and figures.regions.f1 is not None:
        region, drawn = figures.regions.f1, figures.regions.counts.drawn
        rows.append(_row("region_f1", region.value, region.low, region.high, figures, drawn))
    if figures.classification is not None:
        for label, estimate in (
            ("macro_f1", figures.classification.macro_f1),
            ("accuracy", figures.classification.accuracy),
        ):
            rows.append(_row(label, estimate.value, estimate.low, estimate.high, figures))
    for label, share in (("escape_rate", figures.escape), ("overkill_rate", figures.overkill)):
        if share.value is not None:
            rows.append(_row(label, share.value, share.low, share.high, figures, share.parts))
    return rows


def _time_rows(figures: Figures) -> list[Row]:
    """Over all lots that turned defective: looks from onset to alarm, at most, and alarms before it."""
    worn = [lot for lot in figures.timelines if lot.onset is not None]
    if not worn:
        return []
    delays = [
        len(lot.moments) if lot.delay is None else lot.delay for lot in worn
    ]  # never is later than any
    early = sum(lot.alarms_before_onset for lot in worn)
    return [
        _row("alarm_delay_looks", max(delays), None, None, figures, len(worn)),
        _row("alarms_before_onset", early, None, None, figures, len(worn)),
    ]


def _board_rows(figures: Figures) -> list[Row]:
    """DeepPCB: region F1 on boards that the published training lists show, and on those they do not."""
    index = REPOSITORY.parent / "shared" / "data" / "deeppcb" / "index.csv"
    with index.open(newline="", encoding="utf-8") as file:
        known = {
            row["tested_image"]: row["board_group_seen_in_official_train"] == "1"
            for row in csv.DictReader(file)
        }
    rows = []
    for label, wanted in (("region_f1_seen_boards", True), ("region_f1_unseen_boards", False)):
        parts = [part for part in figures.parts if known[part.name] == wanted]
        counts = [part.regions for part in parts if part.regions is not None]
        f1 = f1_of(counts, np.arange(len(counts)), seed=0, resamples=2000)
        if f1 is not None:
            rows.append(_row(label, f1.value, f1.low, f1.high, figures, total(counts).drawn))
    return rows


def _row(
    figure: str, value: float, low: float | None, high: float | None, figures: Figures, n: int | None = None
) -> Row:
    rounded = [None if bound is None else round(bound, 4) for bound in (value, low, high)]
    return {
        "figure": figure,
        "value": rounded[0],
        "low": rounded[1],
        "high": rounded[2],
        "n": len(figures.parts) if n is None else n,
    }


def _taktsight(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "taktsight.cli", *arguments], cwd=REPOSITORY, check=True)


def _others(name: str) -> list[Row]:
    """The rows that are not of this one's set and kind of task."""
    file = RESULTS / "accuracy.json"
    rows: list[Row] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    measured = (_set(name), name.endswith("-anomaly") or name == "aws-aliens")
    return [row for row in rows if (row["set"], row["task"] == "anomaly") != measured]


if __name__ == "__main__":
    raise SystemExit(main())
