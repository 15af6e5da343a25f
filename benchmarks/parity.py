"""How many verdicts do exported models flip, on every engine of this machine, over a thousand parts?

    python benchmarks/parity.py runs/magnetic-tile runs/xsdd
    python benchmarks/parity.py demo/flange --more demo/shift

Runs are trained and evaluated. Judged are their test parts, then others until there are enough, those of
val and train last: a flip is a disagreement with the trained network, whatever the part was used for.
Limits and int8 ranges are those of an export.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from taktsight.benchmarks.measured import RESULTS, circumstances, write_result
from taktsight.card import Parity
from taktsight.datasets.readers.faults import refuse
from taktsight.datasets.readers.folders import read_mask_folder
from taktsight.datasets.samples import GOOD, Sample
from taktsight.export.build import quantised, spread, unproved_card
from taktsight.export.gate import open_inspectors
from taktsight.export.parity import compare, parity_of
from taktsight.export.parity_report import write_parity
from taktsight.export.to_onnx import to_onnx
from taktsight.inspect.engines import ON_THIS_CPU, installed
from taktsight.training.run_folder import TrainedRun, open_run


def main() -> None:
    """Compares, prints, writes ``results/parity.json`` and a page per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--parts", type=int, default=1000)
    parser.add_argument("--more", type=Path, metavar="FOLDER", help="further parts: images/ and masks/")
    arguments = parser.parse_args()
    for run in arguments.runs:
        more = read_mask_folder(arguments.more, GOOD, refuse) if arguments.more else []
        rows = _rows(open_run(run), more, arguments.parts)
        write_result("parity", [*_others(str(rows[0]["bundle"])), *rows])


def _others(bundle: str) -> list[dict[str, object]]:
    """What was measured of other bundles stays."""
    file = RESULTS / "parity.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return [row for row in rows if row["bundle"] != bundle]


def _rows(run: TrainedRun, more: Sequence[Sample], parts: int) -> list[dict[str, object]]:
    engines = tuple(name for name in ON_THIS_CPU if installed(name))
    model, card = to_onnx(run.module.network, run.data.canvas), unproved_card(run)
    models = {"f32": model} | quantised(run, model, card, engines)
    samples = _enough(run, more, parts)
    with_progress = track(samples, f"{card.name}: {len(engines)} engines")
    compared = compare(run, open_inspectors(engines, models, card), with_progress)
    write_parity(run.folder / "parity", compared, card, 0.0)
    return [
        _row(card.name, parity_of(each, engine, "PyTorch float32")) for engine, each in compared.items()
    ]


def _enough(run: TrainedRun, more: Sequence[Sample], parts: int) -> list[Sample]:
    chosen: list[Sample] = []
    for samples in (run.data.split("test"), more, run.data.split("val"), run.data.split("train")):
        chosen += spread(samples, parts - len(chosen)) if samples else []
    return chosen


def _row(name: str, parity: Parity) -> dict[str, object]:
    kind, precision = parity.engine.split(":")[:2]
    row = {
        "bundle": name,
        "backend": kind,
        "precision": precision,
        "parts": parity.parts,
        "flips": parity.flips,
        "upper": round(parity.flips_upper, 5),
        "max_map_difference": parity.max_map_difference,
        "max_score_difference": parity.max_score_difference,
        **circumstances(),
    }
    print(row)
    return row


if __name__ == "__main__":
    main()
