"""How long does an export take, with the proof of every engine, on this machine?

Each round exports the run once for ONNX Runtime alone and once for every engine of this CPU, a process
each, in a random order. What is left after int8 is the cost of its calibration.

    python benchmarks/export_time.py demo/flange --rounds 3
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.inspect.engines import ON_THIS_CPU, REFERENCE, installed

FLOATS = tuple(name for name in ON_THIS_CPU if "int8" not in name)


def main() -> None:
    """Measures, prints, writes ``results/export_time.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="trained and evaluated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", type=int, default=200, help="test parts of the proof")
    arguments = parser.parse_args()
    variants = {
        "reference": (REFERENCE,),
        "floats": tuple(filter(installed, FLOATS)),
        "all": tuple(filter(installed, ON_THIS_CPU)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    order = random.Random(0)
    for _ in range(arguments.rounds):
        for name in order.sample(list(variants), len(variants)):
            seconds[name].append(_export(arguments.run, variants[name], arguments.parts))
            print(f"{name}: {seconds[name][-1]:.1f} s", flush=True)
    rows = [
        {
            "engines": list(variants[name]),
            "p50_s": round(float(np.median(each)), 1),
            "max_s": round(max(each), 1),
            "parts": arguments.parts,
            "rounds": arguments.rounds,
            **circumstances(),
        }
        for name, each in seconds.items()
    ]
    write_result("export_time", rows)


def _export(run: Path, engines: tuple[str, ...], parts: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        named = [word for engine in engines[1:] for word in ("--engine", engine)]
        out = ["--out", str(Path(folder) / "m.taktsight"), "--flip-limit", "0.05"]
        proof = ["--parity-parts", str(parts)]
        command = [sys.executable, "-m", "taktsight.cli", "export", str(run), *out, *named, *proof]
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        return time.monotonic() - began


if __name__ == "__main__":
    main()
