"""How fast is each engine and precision, against ONNX Runtime in float32, and what does the rest cost?

The trained U-Net of the demo (EfficientNet-Lite0) at 256² and 512², on rendered parts. In each round every
engine infers one prepared batch and inspects one frame, in a random order; the reference infers twice (the
A/A control). Weights must be trained: which layers int8 leaves alone, and so its speed, hangs on them.

    python benchmarks/backends.py demo/flange --rounds 200
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.inference import interleaved, rendered_frames
from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.export.build import unproved_card
from taktsight.export.quantize import quantise
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.engines import ON_THIS_CPU, REFERENCE, engine_named, installed
from taktsight.inspect.inspector import Inspector
from taktsight.records import Frame, Part
from taktsight.training.run_folder import TrainedRun, open_run

SIDES = (256, 512)


def main() -> None:
    """Measures, prints a table, writes ``results/backends.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="trained and evaluated: make demo")
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    run = open_run(arguments.run)
    rows = [row for side in SIDES for row in _rows(run, side, arguments.rounds)]
    _print(rows)
    write_result("backends", rows)


def _rows(run: TrainedRun, side: int, rounds: int) -> list[dict[str, object]]:
    canvas = Canvas(side, side, 1, 2)
    card = unproved_card(run).model_copy(update={"canvas": canvas})
    model = to_onnx(run.module.network, canvas)
    frames = rendered_frames(16, 2 * side)
    batches = [prepare(frame, None, canvas)[0] for frame in frames]
    names = [name for name in ON_THIS_CPU if installed(name)]
    judges = [name for name in names if name.endswith("int8")]
    limits = np.array([(limit.review_score, limit.reject_score) for limit in card.limits]).T
    rounded = quantise(model, np.concatenate(batches), limits, judges=judges)
    models = {"f32": model, "int8": rounded.model}
    engines = {name: open_backend(engine_named(name), models) for name in names}
    inspectors = {name: Inspector(engine, card, card.own_recipe()) for name, engine in engines.items()}
    parts = [Part(number, (Frame(frame, number, 0, "camera"),)) for number, frame in enumerate(frames)]
    tasks: dict[str, Callable[[int], object]] = {"again": lambda at: engines[REFERENCE].infer(batches[at])}
    for name in names:
        tasks[name] = lambda at, name=name: engines[name].infer(batches[at])  # type: ignore[misc]  # the name of its turn
        tasks[f"{name} whole"] = lambda at, name=name: inspectors[name].inspect(parts[at])  # type: ignore[misc]  # likewise
    times = interleaved(tasks, rounds, len(frames), f"{side}²")
    return [_row(f"unet-lite0-{side}", name, times, len(rounded.kept)) for name in names]


def _row(model: str, name: str, times: dict[str, NDArray[np.float64]], kept: int) -> dict[str, object]:
    kind, precision = name.split(":")[:2]
    engine, whole, reference = times[name], times[f"{name} whole"], times[REFERENCE]
    return {
        "model": model,
        "backend": kind,
        "precision": precision,
        "ratio_to_ort_f32": _ratio(reference, engine),
        "pipeline_over_engine": _ratio(whole, engine),
        "kept_layers": kept if precision == "int8" else 0,
        "aa": _ratio(times["again"], reference),
        "engine_p50_ms": round(float(np.median(engine)), 2),
        "engine_p99_ms": round(float(np.percentile(engine, 99)), 2),
        "pipeline_p50_ms": round(float(np.median(whole)), 2),
        "pipeline_p99_ms": round(float(np.percentile(whole, 99)), 2),
        "rounds": len(engine),
        **circumstances(),
    }


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> float:
    """Of medians: the rounds are the same, so what slows the machine slows both."""
    return round(float(np.median(over) / np.median(under)), 3)


def _print(rows: list[dict[str, object]]) -> None:
    table = Table("model", "engine", "p50 ms", "× ORT f32", "whole ÷ engine", box=None)
    for row in rows:
        table.add_row(
            str(row["model"]),
            f"{row['backend']}:{row['precision']}",
            f"{row['engine_p50_ms']}",
            f"{row['ratio_to_ort_f32']}",
            f"{row['pipeline_over_engine']}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
