"""What does image health cost per frame, beside what a part costs anyway?

A U-Net on EfficientNet-Lite0 with random weights at half a megapixel, on rendered parts. In each round, in
a random order: prepare and infer (bare), the same again (the A/A control), the measures with a reference,
the watch for repeated and torn frames, and all of it. OpenCV has one thread, as the measures are taken
beside the inference of the part before. Processor time stands beside wall-clock time: it is what stays true
on a machine that others use.

    python benchmarks/health_cost.py --rounds 100
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.inference import LABELS, interleaved, rendered_frames
from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.export.to_onnx import to_onnx
from taktsight.image_health import make_reference, measure
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.frame_watch import FrameWatch
from taktsight.inspect.messages import Expose
from taktsight.records import Image
from taktsight.training.networks import SegmentationNetwork

FRAMES = (
    ("1.3 MP", 1, 1280, 1024, 2),
    ("5 MP", 1, 2448, 2048, 4),
    ("5 MP colour", 3, 2448, 2048, 4),
    ("12 MP", 1, 4096, 3000, 8),
)
"""Name, channels, width, height, and the factor that makes half a megapixel of it."""


def main() -> None:
    """Measures, prints a table, writes ``results/health_cost.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = [_row(*frame, arguments.rounds) for frame in FRAMES]
    table = Table("frame", "bare p50 ms", "A/A", "measures p50 / cpu", "watch p50 / cpu", "added p50")
    for row in rows:
        measures = f"{row['measures_p50_ms']} / {row['measures_cpu_p50_ms']}"
        watch = f"{row['watch_p50_ms']} / {row['watch_cpu_p50_ms']}"
        table.add_row(
            row["frame"], f"{row['bare_p50_ms']}", f"{row['aa']}", measures, watch, f"{row['added_p50_ms']}"
        )
    Console().print(table)
    load = round(os.getloadavg()[2], 1)
    measured = {"rows": rows, "rounds": arguments.rounds, "load": load, **circumstances()}
    write_result("health_cost", measured)


def _row(name: str, channels: int, width: int, height: int, factor: int, rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    canvas = Canvas(_whole(height, factor), _whole(width, factor), channels, factor)
    backend = OnnxRuntimeBackend(to_onnx(SegmentationNetwork(len(LABELS), channels).eval(), canvas))
    frames = _frames(channels, width, height)
    reference, watch = make_reference(frames[0], None), FrameWatch("camera", channels, max_age_ns=10**9)
    cpu_ms: dict[str, list[float]] = {"measures": [], "watch": []}

    def bare(at: int) -> None:
        backend.infer(prepare(frames[at], None, canvas)[0])

    def measures(at: int) -> None:
        began_ns = time.thread_time_ns()
        measure(frames[at], None, mm_per_px=0.05, reference=reference)
        cpu_ms["measures"].append((time.thread_time_ns() - began_ns) / 1e6)

    def watched(at: int) -> None:
        began_ns, now_ns = time.thread_time_ns(), time.monotonic_ns()
        watch.fault(Expose(1, now_ns, now_ns), Exposure(frames[at], now_ns), now_ns)
        cpu_ms["watch"].append((time.thread_time_ns() - began_ns) / 1e6)

    def together(at: int) -> None:
        watched(at)
        measures(at)
        bare(at)

    tasks: dict[str, Callable[[int], object]] = {
        "bare": bare, "again": bare, "measures": measures, "watch": watched, "together": together
    }  # fmt: skip
    times = interleaved(tasks, rounds, len(frames), name)
    half = {task: round(float(np.median(each)), 3) for task, each in times.items()}
    return {
        "frame": f"{name}, {width}×{height}",
        "megapixels": round(width * height / 1e6, 2),
        "bare_p50_ms": half["bare"],
        "aa": round(half["again"] / half["bare"], 3),
        "measures_p50_ms": half["measures"],
        "measures_cpu_p50_ms": round(float(np.median(cpu_ms["measures"])), 3),
        "measures_cpu_p99_ms": round(float(np.percentile(cpu_ms["measures"], 99)), 3),
        "watch_p50_ms": half["watch"],
        "watch_cpu_p50_ms": round(float(np.median(cpu_ms["watch"])), 3),
        "watch_cpu_p99_ms": round(float(np.percentile(cpu_ms["watch"], 99)), 3),
        "added_p50_ms": round(float(np.median(times["together"] - times["bare"])), 3),
    }


def _whole(length: int, factor: int) -> int:
    """A canvas that holds the frame in one tile."""
    return -(-length // (32 * factor)) * 32


def _frames(channels: int, width: int, height: int) -> list[Image]:
    """Rendered parts, each with the noise of its own exposure."""
    rng, made = np.random.default_rng(0), []
    for frame in rendered_frames(4, 512):
        large = cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(large[:, :, np.newaxis] + rng.normal(0, 2, (height, width, 1)), 0, 255)
        made.append(np.repeat(noisy.astype(np.uint8), channels, axis=2))
    return made


if __name__ == "__main__":
    main()
