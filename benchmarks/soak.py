"""Does a line stay as it is? A hundred parts a second, archive and ledger on, for twenty minutes.

    python benchmarks/soak.py                                    # 20 minutes, and one of calibration
    python benchmarks/soak.py --minutes 1                        # the same, short
    python benchmarks/soak.py --planted-leak memory              # must be caught: exit status 0 if it was
    python benchmarks/soak.py --planted-leak descriptors --minutes 2

The network gets as many layers as take 80 % of the takt. A leak is planted in the recorder from outside
(``endurance/planted_leak.py``): three times what is allowed, over the run, whatever its length. It holds
if no deadline was missed, p99 of the last quarter is at most 1.1 of the first, memory grew by 5 MiB at
most, and descriptors and shared memory stayed. Rows of what is not run stay in ``results/soak.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from taktsight.benchmarks.endurance.judging import MAX_GROWTH_MB, broken, figures
from taktsight.benchmarks.endurance.planted_leak import leaky_environment
from taktsight.benchmarks.endurance.watching import WARM_UP_PARTS, Look, run_soak
from taktsight.benchmarks.line_speed.bare import run_bare
from taktsight.benchmarks.line_speed.product import SIZES, write_product
from taktsight.benchmarks.measured import RESULTS, circumstances, write_result

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # the card of a small bundle: the tests have it

PROBED_LAYERS = (2, 10)
PROBED_PARTS = 400
LEAK_MIB = 3 * MAX_GROWTH_MB
LEAK_DESCRIPTORS = 12
SAID_S = 30.0
LEAKS = ("memory", "descriptors")

IMAGES = {"reserve_mb": 0, "max_mb": 500}
"""Which are kept is the station's own rule: each reject, one part in four here, and passes now and then."""


def main() -> None:
    """Calibrates, runs, judges, writes ``results/soak.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--takt-ms", type=float, default=10.0)
    parser.add_argument("--deadline-ms", type=float, default=50.0)
    parser.add_argument("--megapixels", choices=SIZES, default="1.3", help="of the camera")
    parser.add_argument("--load", type=float, default=0.8, help="of the takt, what the bare engine takes")
    parser.add_argument("--layers", type=int, help="of the network; absent: as many as that")
    parser.add_argument("--planted-leak", choices=LEAKS, help="that must be caught")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="taktsight-soak-") as folder:
        home = Path(folder)
        wanted_ms = arguments.load * arguments.takt_ms
        layers = arguments.layers or _fitting_layers(home, arguments.megapixels, wanted_ms)
        row = _soak(home / "run", arguments, layers) | {"load_before": load} | circumstances()
    _print(row)
    write_result("soak", [*_others(row["planted"]), row])
    sys.exit(0 if row["held"] or row["caught"] else 1)


def _fitting_layers(home: Path, megapixels: str, wanted_ms: float) -> int:
    """So many that the bare engine takes as long, by a straight line through two trials."""
    took_ms = []
    for layers in PROBED_LAYERS:
        folder = home / f"probe-{layers}"
        folder.mkdir()
        write_product(folder, megapixels, layers, ("camera",))
        took_ms.append(run_bare(folder, PROBED_PARTS, None, 1).p50_ms)
    each_ms = (took_ms[1] - took_ms[0]) / (PROBED_LAYERS[1] - PROBED_LAYERS[0])
    layers = max(0, int(PROBED_LAYERS[0] + (wanted_ms - took_ms[0]) / each_ms))
    print(f"{took_ms[0]:.2f} ms, and {each_ms:.2f} ms a layer: {layers} layers", flush=True)
    return layers


def _soak(folder: Path, arguments: argparse.Namespace, layers: int) -> dict[str, Any]:
    folder.mkdir()
    write_product(folder, arguments.megapixels, layers, ("camera",))
    bare = run_bare(folder, PROBED_PARTS, arguments.takt_ms, 1)
    parts = round(60_000 * arguments.minutes / arguments.takt_ms)
    station = _station(folder, arguments, parts + WARM_UP_PARTS)
    environment = _leak(folder / "planted", arguments.planted_leak, parts)
    soak = run_soak(station, folder / "records", say=_Progress(arguments.minutes), environment=environment)
    measured = figures(soak)
    said = broken(measured)
    subject = {"memory": "memory of recorder", "descriptors": "descriptors"}.get(arguments.planted_leak)
    return {
        "planted": arguments.planted_leak or "nothing",
        "minutes": arguments.minutes,
        "takt_ms": arguments.takt_ms,
        "deadline_ms": arguments.deadline_ms,
        "megapixels": float(arguments.megapixels),
        "layers": layers,
        "bare_p50_ms": round(bare.p50_ms, 3),
        "bare_share": round(bare.p50_ms / arguments.takt_ms, 3),
        **measured,
        "broken": said,
        "held": not said,
        "caught": subject is not None and any(sentence.startswith(subject) for sentence in said),
    }


def _station(folder: Path, arguments: argparse.Namespace, parts: int) -> Path:
    file = folder / "station.yaml"
    content = {
        "name": "soak",
        "bundle": "part.takt",
        "cameras": [{"kind": "folder", "folder": "images", "repeat": True}],
        "trigger": {"kind": "timer", "takt_ms": arguments.takt_ms, "parts": parts},
        "gate": {"kind": "dry_run"},
        "backend": {"kind": "onnxruntime", "threads": 1},
        "deadline_ms": arguments.deadline_ms,
        "records": {"folder": "records", "images": IMAGES},
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def _leak(folder: Path, kind: str | None, parts: int) -> dict[str, str]:
    if kind is None:
        return {}
    if kind == "memory":
        return leaky_environment(folder, bytes_per_part=max(1, round(LEAK_MIB * 2**20 / parts)))
    return leaky_environment(folder, parts_per_descriptor=max(1, parts // LEAK_DESCRIPTORS))


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, minutes: float) -> None:
        self._minutes, self._began_s, self._said_s = minutes, 0.0, 0.0

    def __call__(self, look: Look) -> None:
        self._began_s = self._began_s or look.at_s
        if look.at_s - self._said_s >= SAID_S:
            self._said_s = look.at_s
            minutes = (look.at_s - self._began_s) / 60
            held = f"{look.private_mb:.1f} MiB, {look.descriptors} descriptors, {look.segments} segments"
            parts = f"{look.triggers:,} parts, {look.misses} missed"
            print(f"{minutes:5.1f} of {self._minutes:g} min: {parts}; {held}", flush=True)


def _others(planted: str) -> list[dict[str, Any]]:
    """What was measured otherwise stays."""
    file = RESULTS / "soak.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return [row for row in known if row["planted"] != planted]


def _print(row: dict[str, Any]) -> None:
    table = Table("figure", f"planted: {row['planted']}")
    for name, value in row.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
