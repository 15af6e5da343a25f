"""The engine alone, in a process of its own: prepared batches in, maps and scores out, nothing else.

    python -m taktsight.benchmarks.line_speed.bare part.takt images/ --parts 200 --takt-ms 40

Without ``--takt-ms`` one after the other. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from taktsight.bundle import read_bundle
from taktsight.image_files import read_image
from taktsight.imaging import prepare
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.cameras.folder import list_images

WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Bare:
    """What the engine takes."""

    p50_ms: float
    p99_ms: float
    answer_p50_ms: float
    answer_p99_ms: float
    """From when a batch is due; where it waits for the one before, that is in it."""
    per_s: float
    """Batches a second, over the whole run."""
    cpu_ms: float
    """Processor time of a batch."""


def run_bare(folder: Path, parts: int, takt_ms: float | None, threads: int) -> Bare:
    """Of a product's folder, in a new process."""
    command = [sys.executable, "-m", __name__, str(folder / "part.takt"), str(folder / "images")]
    command += ["--parts", str(parts), "--threads", str(threads)]
    if takt_ms is not None:
        command += ["--takt-ms", str(takt_ms)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Bare(**json.loads(said))


def _measure(backend: OnnxRuntimeBackend, batches: list[np.ndarray], parts: int, takt_s: float) -> Bare:
    times_ms: list[float] = []
    answers_ms: list[float] = []
    for turn in range(WARM_UP):
        backend.infer(batches[turn % len(batches)])
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for turn in range(parts):
        time.sleep(max(0.0, began_s + turn * takt_s - time.perf_counter()))
        started_ns = time.perf_counter_ns()
        backend.infer(batches[turn % len(batches)])
        times_ms.append((time.perf_counter_ns() - started_ns) / 1e6)
        answers_ms.append(1000 * (time.perf_counter() - began_s - turn * takt_s))
    spent_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    half, most = np.percentile(times_ms, (50, 99)).tolist()
    answer_half, answer_most = np.percentile(answers_ms, (50, 99)).tolist()
    return Bare(half, most, answer_half, answer_most, parts / spent_s, 1000 * cpu_s / parts)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--parts", type=int, default=200)
    parser.add_argument("--takt-ms", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    bundle = read_bundle(arguments.bundle)
    canvas = bundle.card.canvas
    frames = [read_image(file, canvas.channels) for file in list_images(arguments.images)]
    batches = [prepare(frame, None, canvas)[0] for frame in frames]
    backend = OnnxRuntimeBackend(bundle.model, threads=arguments.threads)
    print(json.dumps(asdict(_measure(backend, batches, arguments.parts, arguments.takt_ms / 1000))))


if __name__ == "__main__":
    main()
