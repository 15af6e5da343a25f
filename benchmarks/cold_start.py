"""How long to the first verdict, of a whole line and of one process, and what does a line process take?

*Line*: from the command to the gate's own time stamp, all processes up, the golden samples replayed.
*Process*: from the start of a process to its first verdict, as inference scripts are timed; *load* is its
reading and checking of the bundle. The clock starts before the process does; the two kinds alternate.

    python benchmarks/cold_start.py --bundle demo/flange.taktsight --images demo/shift/line.txt
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from taktsight.benchmarks.measured import circumstances, write_result

PARTS = 20
FIRST_VERDICT = """
import sys, time
from pathlib import Path
from taktsight.bundle import read_bundle
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.trials.trial_process import golden_parts, judge
began = time.monotonic_ns()
bundle = read_bundle(Path(sys.argv[1]))
loaded = time.monotonic_ns()
engine = open_backend(engine_named(REFERENCE), bundle.models)
judge(Inspector(engine, bundle.card, bundle.card.own_recipe()), next(golden_parts(bundle)))
print(loaded - began, time.monotonic_ns())
"""
"""One process: a bundle, an engine, a part."""


def main() -> None:
    """Measures, prints, writes ``results/cold_start.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--starts", type=int, default=10, help="after one that warms the disk")
    arguments = parser.parse_args()
    rounds = [
        (*_start(arguments.bundle, arguments.images), *_start_process(arguments.bundle))
        for _ in range(arguments.starts + 1)
    ][1:]
    seconds, peaks, alone, loads = zip(*rounds, strict=True)
    print(
        f"first verdict: line p50 {np.median(seconds):.2f} s, max {max(seconds):.2f} s, its process "
        f"{max(peaks):.0f} MB; one process p50 {np.median(alone):.2f} s, load {np.median(loads):.2f} s"
    )
    write_result(
        "cold_start",
        {
            "first_verdict_p50_s": round(float(np.median(seconds)), 3),
            "first_verdict_max_s": round(max(seconds), 3),
            "line_process_peak_mb": round(max(peaks), 1),
            "process_first_verdict_p50_s": round(float(np.median(alone)), 3),
            "process_first_verdict_max_s": round(max(alone), 3),
            "bundle_load_p50_s": round(float(np.median(loads)), 3),
            "bundle_load_max_s": round(max(loads), 3),
            "starts": arguments.starts,
            **circumstances(),
        },
    )


def _start(bundle: Path, images: Path) -> tuple[float, float]:
    """Seconds to the first verdict, and the line process's peak resident memory, MB."""
    with tempfile.TemporaryDirectory() as folder:
        gate, station = Path(folder) / "gate.txt", Path(folder) / "station.yaml"
        station.write_text(yaml.safe_dump(_station(bundle, images, gate)), encoding="utf-8")
        command = [sys.executable, "-m", "taktsight.cli", "run", str(station), "--no-live"]
        started_ns = time.monotonic_ns()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as line:
            peak_mb = 0.0
            while line.poll() is None:
                peak_mb = max(peak_mb, _peak_mb(line.pid))
                time.sleep(0.05)
        _, _, acted_ns = gate.read_text(encoding="utf-8").splitlines()[0].split()
        return (int(acted_ns) - started_ns) / 1e9, peak_mb


def _start_process(bundle: Path) -> tuple[float, float]:
    """Seconds to the first verdict of one process, and of these to read the bundle."""
    started_ns = time.monotonic_ns()
    command = [sys.executable, "-c", FIRST_VERDICT, str(bundle)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    load_ns, ended_ns = (int(each) for each in said)
    return (ended_ns - started_ns) / 1e9, load_ns / 1e9


def _station(bundle: Path, images: Path, gate: Path) -> dict[str, object]:
    return {
        "name": "cold start",
        "bundle": str(bundle.resolve()),
        "cameras": [{"kind": "folder", "folder": str(images.resolve())}],
        "trigger": {"kind": "timer", "takt_ms": 100, "parts": PARTS},
        "gate": {"kind": "dry_run", "file": str(gate)},
        "deadline_ms": 1000,
        "records": {"folder": str(gate.parent / "records")},
    }


def _peak_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:  # it has just ended
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main()
