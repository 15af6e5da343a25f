"""What does everything around the engine cost? prepare → infer → locate → decide against the engine alone.

Three variants alternate in one process on the same frames: the bare engine call on prepared batches (A),
the same once more (the A/A control: what noise alone makes), and the whole inspector (B).

    python benchmarks/cycle_time.py --bundle demo/flange.taktsight
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.bundle import read_bundle
from taktsight.datasets.synthetic import Product, plan_labels, render_part
from taktsight.imaging import prepare
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.records import Frame, Part


def main() -> None:
    """Measures, prints a table, writes ``results/cycle_time.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=32, help="different parts, a third of them defective")
    arguments = parser.parse_args()

    bundle = read_bundle(arguments.bundle)
    backend = OnnxRuntimeBackend(bundle.model)
    recipe = bundle.card.own_recipe()
    inspector = Inspector(backend, bundle.card, recipe)
    parts = _parts(arguments.frames, recipe.views[0].camera)
    batches = [prepare(part.frames[0].image, None, bundle.card.canvas)[0] for part in parts]

    variants: dict[str, Callable[[int], object]] = {
        "engine": lambda index: backend.infer(batches[index]),
        "engine again": lambda index: backend.infer(batches[index]),
        "inspector": lambda index: inspector.inspect(parts[index]),
    }
    times = _interleave(variants, arguments.rounds, len(parts))
    _print(times)
    engine = np.median(times["engine"])
    write_result(
        "cycle_time",
        {
            "overhead_p50": round(float(np.median(times["inspector"]) / engine - 1), 4),
            "aa_p50": round(float(np.median(times["engine again"]) / engine - 1), 4),
            "overhead_ms": round(float(np.median(times["inspector"]) - engine), 3),
            "engine_p50_ms": round(float(engine), 3),
            "inspector_p50_ms": round(float(np.median(times["inspector"])), 3),
            "inspector_p99_ms": round(float(np.percentile(times["inspector"], 99)), 3),
            "frame": f"{parts[0].frames[0].image.shape}",
            "canvas": f"{bundle.card.canvas.height}×{bundle.card.canvas.width}",
            "rounds": arguments.rounds,
            **circumstances(),
        },
    )


def _parts(count: int, camera: str) -> list[Part]:
    product = Product()
    labels = plan_labels(product, parts=count, defective_share=0.33, seed=5)
    return [
        Part(
            number,
            (
                Frame(
                    render_part(product, 5, number, None if label == "good" else label).image,
                    number,
                    0,
                    camera,
                ),
            ),
        )
        for number, label in enumerate(labels)
    ]


def _interleave(
    variants: dict[str, Callable[[int], object]], rounds: int, frames: int
) -> dict[str, np.ndarray]:
    """Each round runs every variant once on one frame, in a random order."""
    order = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(-20, rounds):  # the first twenty warm up
        for name in order.sample(list(variants), len(variants)):
            started = time.perf_counter_ns()
            variants[name](turn % frames)
            if turn >= 0:
                times[name].append((time.perf_counter_ns() - started) / 1e6)
    return {name: np.array(values) for name, values in times.items()}


def _print(times: dict[str, np.ndarray]) -> None:
    table = Table("variant", "p50 ms", "p99 ms", "÷ engine p50")
    for name, values in times.items():
        ratio = np.median(values) / np.median(times["engine"])
        table.add_row(name, f"{np.median(values):.2f}", f"{np.percentile(values, 99):.2f}", f"{ratio:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
