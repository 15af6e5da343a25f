"""How long an acceptance report takes: a table of parts, a ledger, and every study; HTML, PDF and JSON.

python benchmarks/acceptance_report.py BUNDLE.taktsight [--parts 2000] [--verdicts 5000] [--runs 3]

Parts, verdicts and studies are made up; the bundle gives the labels. Every run is a process of its own, as
a person starts it.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.bundle import read_bundle
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry

LOTS = 60


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def write_parts(path: Path, labels: Sequence[str], count: int, draw: np.random.Generator) -> None:
    """Half of them defective, scores far apart."""
    scores = draw.beta(1, 20, (count, len(labels)))
    kinds = np.where(np.arange(count) % 2, draw.integers(0, len(labels), count), -1)
    bad = np.flatnonzero(kinds >= 0)
    scores[bad, kinds[bad]] = draw.beta(12, 1, bad.size)
    truths = ["good" if kind < 0 else labels[kind] for kind in kinds.tolist()]
    rows = (
        (f"p{number}", truth, f"lot-{number % LOTS}", *(f"{score:.6f}" for score in row))
        for number, (truth, row) in enumerate(zip(truths, scores.tolist(), strict=True))
    )
    write_table(path, ("part", "truth", "lot", *(f"score:{label}" for label in labels)), rows)


def write_evidence(folder: Path, labels: Sequence[str], verdicts: int, draw: np.random.Generator) -> None:
    """A ledger, targets, two studies and an audit."""
    sizes = np.exp(draw.uniform(-3, 0, 200))
    hits = draw.random(200) < 1 / (1 + np.exp(-(sizes - 0.2) / 0.05))
    write_table(folder / "targets.csv", ("size_mm", "hit"), zip(sizes, hits.astype(int), strict=True))
    looks = [
        (part, who, trial, "ok" if part % 2 else "nok", "ok" if part % 2 or part == 0 else "nok")
        for part in range(60)
        for who in ("anna", "ben", "machine")
        for trial in (1, 2, 3)
    ]
    write_table(folder / "looks.csv", ("part", "appraiser", "trial", "verdict", "reference"), looks)
    values = [
        (part, who, trial, part + draw.normal(0, 0.1))
        for part in range(10)
        for who in ("anna", "ben")
        for trial in (1, 2, 3)
    ]
    write_table(folder / "gage.csv", ("part", "appraiser", "trial", "value"), values)
    audited = [(number, "all", 50_000, 1000, "good") for number in range(1000)]
    write_table(folder / "audit.csv", ("part", "stratum", "passed", "audited", "truth"), audited)
    ledger = Ledger.create(folder / "records")
    entries = [_verdict(number, labels, draw) for number in range(1, verdicts + 1)]
    ledger.append("R", entries, (), "2030-01-01T00:00:00+00:00")
    ledger.close()


def _verdict(number: int, labels: Sequence[str], draw: np.random.Generator) -> Entry:
    is_rejected = draw.random() < 0.05
    reasons = (f"{labels[int(draw.integers(len(labels)))]}: score 0.90 ≥ 0.50",) if is_rejected else ()
    outcome = "REJECT" if is_rejected else "PASS"
    cycle_ns = int(draw.normal(25e6, 2e6))
    scores = {"camera": (0.1,) * len(labels)}
    return Entry(
        "verdict", number, f"s{number}", outcome, reasons, cycle_ns=cycle_ns, scores=scores, number=number
    )


def command(bundle: Path, folder: Path) -> list[str]:
    """The verb with everything that it takes."""
    named = ("records", "targets", "agreement", "gage", "audit")
    files = ("records", "targets.csv", "looks.csv", "gage.csv", "audit.csv")
    pairs = [
        text for name, file in zip(named, files, strict=True) for text in (f"--{name}", str(folder / file))
    ]
    start = [sys.executable, "-m", "taktsight.cli", "report", str(bundle), str(folder / "parts.csv")]
    return [*start, *pairs, "--study-good", "ok", "--out", str(folder / "out")]


def main() -> None:
    """Runs the verb and writes how long it took, as a person waits for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--parts", type=int, default=2000)
    parser.add_argument("--verdicts", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    draw = np.random.default_rng(7)
    labels = read_bundle(arguments.bundle).card.labels
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_parts(folder / "parts.csv", labels, arguments.parts, draw)
        write_evidence(folder, labels, arguments.verdicts, draw)
        seconds: dict[str, list[float]] = {"with_pdf_s": [], "without_pdf_s": []}
        for _ in range(arguments.runs):
            for kind, more in (("with_pdf_s", []), ("without_pdf_s", ["--no-pdf"])):
                started = time.monotonic()
                subprocess.run(
                    [*command(arguments.bundle, folder), *more], check=True, stdout=subprocess.DEVNULL
                )
                seconds[kind].append(time.monotonic() - started)
        sizes = {
            f"{path.suffix[1:]}_kb": round(path.stat().st_size / 1e3)
            for path in sorted((folder / "out").iterdir())
        }
    figures: dict[str, float] = {"parts": arguments.parts, "verdicts": arguments.verdicts}
    for kind, taken in seconds.items():
        figures |= {kind: round(statistics.median(taken), 2), f"max_{kind}": round(max(taken), 2)}
    write_result("acceptance_report", circumstances() | figures | sizes)


if __name__ == "__main__":
    main()
