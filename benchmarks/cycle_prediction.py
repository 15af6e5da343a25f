"""Is the cycle that ``taktsight bench`` predicts the one that the line then has?

In each round: bench's own measurement on the golden samples (predicted), and a run of the line on other
images at the same takt and with the same engine (met), in a random order.

    python benchmarks/cycle_prediction.py --bundle demo/flange.taktsight --images demo/shift/line.txt
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.bundle import Bundle, read_bundle
from taktsight.inspect.config import fitting_takt_ms
from taktsight.inspect.engines import engine_named
from taktsight.inspect.trials.cycle import WARM_UP, Cycle, cycle_of, measure_cycle


def main() -> None:
    """Measures, prints, writes ``results/cycle_prediction.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--engine", default="onnxruntime:f32")
    parser.add_argument(
        "--p99-ms", type=float, default=40.0, help="from the frame to the verdict, by bench"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    bundle = read_bundle(arguments.bundle)
    order, predicted, met = random.Random(0), [], []
    for _ in range(arguments.rounds):
        for turn in order.sample(("predicted", "met"), 2):
            if turn == "predicted":
                predicted.append(_predicted(arguments, bundle))
            else:
                met.append(_met(arguments, bundle))
            print(f"{turn}: {(predicted if turn == 'predicted' else met)[-1]}", flush=True)
    write_result(
        "cycle_prediction", _figures(predicted, met) | {"engine": arguments.engine} | circumstances()
    )


def _predicted(arguments: argparse.Namespace, bundle: Bundle) -> Cycle:
    engine = engine_named(arguments.engine)
    return measure_cycle(arguments.bundle, bundle, engine, arguments.p99_ms, None)


def _met(arguments: argparse.Namespace, bundle: Bundle) -> Cycle:
    """The line on the images, as an integrator would write its station."""
    takt_ms = fitting_takt_ms(arguments.p99_ms)
    with tempfile.TemporaryDirectory() as folder:
        station = {
            "name": "met",
            "bundle": str(arguments.bundle.resolve()),
            "cameras": [
                {"kind": "folder", "name": bundle.card.views[0], "folder": str(arguments.images.resolve())}
                | {"repeat": True}
            ],
            "trigger": {"kind": "timer", "takt_ms": takt_ms, "parts": 1000 + WARM_UP},
            "gate": {"kind": "dry_run"},
            "backend": engine_named(arguments.engine).model_dump(mode="json", exclude_none=True),
            "deadline_ms": 1000,
            "records": {"folder": f"{folder}/records"},
        }
        file = Path(folder) / "station.yaml"
        file.write_text(yaml.safe_dump(station), encoding="utf-8")
        command = [sys.executable, "-m", "taktsight.cli", "run", str(file), "--no-live"]
        subprocess.run(command, check=True, capture_output=True)
        return cycle_of(Path(folder) / "records", takt_ms)


def _figures(predicted: list[Cycle], met: list[Cycle]) -> dict[str, object]:
    figures: dict[str, object] = {"takt_ms": met[0].takt_ms, "parts": met[0].parts, "rounds": len(met)}
    for name in ("p50_ms", "p99_ms", "p999_ms"):
        said, was = ([getattr(each, name) for each in cycles] for cycles in (predicted, met))
        figures[f"predicted_{name}"] = [round(each, 2) for each in said]
        figures[f"met_{name}"] = [round(each, 2) for each in was]
        figures[f"met_over_predicted_{name}"] = round(float(np.median(was) / np.median(said)), 3)
        figures[f"spread_of_met_{name}"] = round(float((max(was) - min(was)) / np.median(was)), 3)
    return figures


if __name__ == "__main__":
    main()
