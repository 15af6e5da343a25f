"""How long a million labelled parts take from a CSV to certified limits: read, choose, certify.

python benchmarks/certify.py [--parts 1000000] [--labels 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.quality.certifying import Certified, certify
from taktsight.quality.claims import Wanted
from taktsight.quality.parts_file import file_digest, read_parts

LOTS, DEFECTIVE_SHARE = 500, 0.02


def write_parts(path: Path, count: int, labels: int) -> None:
    """A made-up table: beta-distributed scores, good parts low, one label of each defective part high."""
    draw = np.random.default_rng(7)
    label = np.where(draw.random(count) < DEFECTIVE_SHARE, draw.integers(0, labels, count), -1)
    scores = draw.beta(1, 20, (count, labels))
    bad = np.flatnonzero(label >= 0)
    scores[bad, label[bad]] = draw.beta(12, 1, bad.size)
    names = [f"label-{number}" for number in range(labels)]
    truths = ["good" if each < 0 else names[each] for each in label.tolist()]
    with path.open("w", encoding="utf-8") as file:
        file.write("part,lot,truth," + ",".join(f"score:{name}" for name in names) + "\n")
        for number, (truth, row) in enumerate(zip(truths, scores.tolist(), strict=True)):
            said = ",".join(f"{score:.6f}" for score in row)
            file.write(f"p{number:07},lot-{number % LOTS},{truth},{said}\n")


def measure(path: Path) -> tuple[dict[str, float], Certified]:
    """Seconds of each step, and what came out."""
    started = time.monotonic()
    parts = read_parts(path)
    read = time.monotonic()
    file_digest(path)
    digested = time.monotonic()
    certified = certify(parts, Wanted())
    done = time.monotonic()
    steps = {"read_s": read - started, "digest_s": digested - read, "certify_s": done - digested}
    return steps | {"whole_s": done - started}, certified


def main() -> None:
    """Measures three times and writes the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=1_000_000)
    parser.add_argument("--labels", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.csv"
        write_parts(path, arguments.parts, arguments.labels)
        size_mb = path.stat().st_size / 1e6
        runs = [measure(path) for _ in range(3)]
    certified = runs[0][1]
    medians = {name: round(statistics.median(run[0][name] for run in runs), 2) for name in runs[0][0]}
    write_result(
        "certify",
        circumstances()
        | {"parts": arguments.parts, "labels": arguments.labels, "csv_mb": round(size_mb, 1)}
        | medians
        | {"max_s": round(max(run[0]["whole_s"] for run in runs), 2), "claims": len(certified.claims)},
    )


if __name__ == "__main__":
    main()
