"""Do fifty reviews make the next model better on parts that nobody has seen?

For each seed a model learns from 30 parts and judges 200 parts of other lots on a real line process, with a
ledger. Of those, 50 are reviewed: half of what was held up, half of what passed nearest to its limits. The
simulated QA staff knows what was rendered, decides through the review store and paints the defects. Then
'taktsight data from-reviews' adds the reviewed parts to the first 30, and the next model learns from both
with the same settings, seed and number of steps.

Both then judge 300 parts of lots that neither has met. Six val parts are too few to place limits: those
that a model is exported with are luck. They are told, and beside them limits that are chosen on the same
200 other parts for both: how many escape where at most 5 % of good parts may be held up, and how many
good parts are held up where at most 5 % of defective ones may escape. Every seed is told, the bad ones
too.

    python benchmarks/reviews_improve.py --seeds 4

Each training has one thread, so that its sums are the same on any number of cores; a core takes a seed.
Synthetic parts and a staff without error: it shows that the loop works, not by how much a plant gains.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.bundle import read_bundle
from taktsight.datasets.readers.run_strings import run_string
from taktsight.datasets.regions import run_lengths
from taktsight.datasets.synthetic import Product, RenderedPart, plan_labels, render_part
from taktsight.export.trained_on import dataset_of
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Mark, NewDecision, PartKey, Why
from taktsight.quality.rates import clopper_pearson
from taktsight.records import Frame, Outcome, Part

BASE, SHIFT, REVIEWS, CHOSEN_ON, UNSEEN = 30, 200, 50, 200, 300
ALLOWED = 0.05
"""Of good parts held up, or of defective ones passed, on the parts that limits are chosen on."""
STEPS, BATCH = 240, 4
"""Of both trainings: more parts, not more training."""
CANVAS = "{height: 256, width: 256, channels: 1, factor: 2}"
PRODUCT = Product(parts_per_lot=5)
VIEW = "camera"
LOTS = ["--part-column", "part", "--lot-column", "lot"]


Figures = dict[str, tuple[int, int]]
"""What is counted → events and parts."""
FIGURES = {
    "escape_at_overkill": "escape, limits for 5 % overkill",
    "overkill_at_escape": "overkill, limits for 5 % escape",
    "escape_shipped": "escape, limits as exported",
    "overkill_shipped": "overkill, limits as exported",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Parts as one model sees them."""

    defective: NDArray[np.bool_]
    score: NDArray[np.float64]
    """The highest of each part."""
    passed: NDArray[np.bool_]
    """Under the limits that the model was exported with."""


def main() -> None:
    """Measures, prints, writes ``results/reviews_improve.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="how many (4)")
    parser.add_argument("--first-seed", type=int, default=1, help="the first of them (1)")
    arguments = parser.parse_args()
    began = time.monotonic()
    rows, seeds = [], range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        for said, row in cores.map(_loop, seeds):
            print(said, flush=True)
            rows.append(row)
    pooled = {name: _sum([row[name] for row in rows]) for name in ("before", "after")}
    for name, figures in pooled.items():
        print("\n".join(_said(f"all seeds, {name:<6}", figures)))
    write_result(
        "reviews_improve",
        {
            "pooled": {name: _rates(figures) for name, figures in pooled.items()},
            "seeds": [
                {"seed": seed} | {name: _rates(figures) for name, figures in row.items()}
                for seed, row in zip(seeds, rows, strict=True)
            ],
            "reviews": REVIEWS,
            "base_parts": BASE,
            "shift_parts": SHIFT,
            "limits_chosen_on_parts": CHOSEN_ON,
            "unseen_parts": UNSEEN,
            "steps": STEPS,
            "seconds": round(time.monotonic() - began),
            **circumstances(),
        },
    )


def _loop(seed: int) -> tuple[str, dict[str, Figures]]:
    """One model, its shift, its reviews, the next model: what was said, and how both judge unseen parts."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        synth = f"data synth base --parts {BASE} --parts-per-lot 5 --defective-share 0.5 --seed {seed}"
        _taktsight(home, *synth.split())
        base = ["base", "--layout", "mask_folder", "--index", "base/index.csv", *LOTS]
        _taktsight(home, "data", "split", *base, "--out", "lists")
        options = {"root": "base", "layout": "mask_folder", "index": "base/index.csv", "splits": "lists"}
        _learn(home, "before", options, _lines(home / "lists" / "train.txt"), seed)
        parts = _render_shift(home, seed + 1000)
        _work(home)
        _review(home, parts, seed)
        reviews = ["data", "from-reviews", "records", "flange", "--base", *base, "--splits", "lists"]
        said = _taktsight(home, *reviews, "--lots", "lots.csv").replace(f"{home}/", "").splitlines()
        version = "flange/v0001"
        options = {
            "root": version,
            "layout": "coco",
            "index": f"{version}/index.csv",
            "split_column": "split",
        }
        _learn(home, "after", options, _learned_from(home / version), seed)
        said.append(f"trained on {dataset_of(read_bundle(home / 'after.taktsight').card)}")
        found = {name: _figures(home / f"{name}.taktsight", seed) for name in ("before", "after")}
        for name, figures in found.items():
            said += _said(f"{name:<6}", figures)
        return "\n".join(f"seed {seed}: {line}" for line in said), found


def _learn(home: Path, name: str, options: Mapping[str, str], parts: int, seed: int) -> None:
    """The quick training, with as many steps whatever the number of parts."""
    epochs = round(STEPS / (parts // BATCH))
    said: dict[str, object] = {f"data.{key}": value for key, value in options.items()}
    said |= {
        "data.part_column": "part",
        "data.lot_column": "lot",
        "data.canvas": CANVAS,
        "seed_everything": seed,
    }
    said |= {"data.mm_per_px": PRODUCT.mm_per_px, "data.batch_size": BATCH}
    said |= {"trainer.max_epochs": epochs, "trainer.check_val_every_n_epoch": max(1, epochs // 6)}
    said |= {"trainer.max_time": "00:01:00:00"}
    settings = [f"--{key}={value}" for key, value in said.items()]
    _taktsight(home, "learn", "--like", "quick", "--run", name, "--out", f"{name}.taktsight", *settings)


def _render_shift(home: Path, seed: int) -> list[RenderedPart]:
    """Frames whose names tell nothing, their lots, and what is true of them."""
    labels = plan_labels(PRODUCT, parts=SHIFT, defective_share=0.3, seed=seed)
    parts = [_rendered(seed, number, label) for number, label in enumerate(labels)]
    (home / "shift").mkdir()
    for part in parts:
        (home / "shift" / _serial(part.number)).write_bytes(encode_png(part.image))
    rows = [f"{_serial(part.number)},shift-{part.lot_name}" for part in parts]
    (home / "lots.csv").write_text("\n".join(["serial,lot", *rows]) + "\n", encoding="utf-8")
    return parts


def _serial(number: int) -> str:
    return f"piece-{number:04d}.png"


def _rendered(seed: int, number: int, label: str) -> RenderedPart:
    return render_part(PRODUCT, seed, number, None if label == "good" else label)


def _work(home: Path) -> None:
    """The shift on a line, every frame kept."""
    station = {
        "name": "flange line",
        "bundle": "before.taktsight",
        "cameras": [{"kind": "folder", "folder": "shift", "name": VIEW}],
        "trigger": {"kind": "timer", "takt_ms": 90},
        "gate": {"kind": "dry_run", "file": "gate.txt"},
        "backend": {"kind": "onnxruntime", "threads": 1},
        "deadline_ms": 5000,  # a busy machine shall not make parts UNINSPECTED here
        "records": {"folder": "records", "images": {"keep": [outcome.value for outcome in Outcome]}},
    }
    (home / "station.yaml").write_text(yaml.safe_dump(station), encoding="utf-8")
    _taktsight(home, "run", "station.yaml")


def _review(home: Path, parts: Sequence[RenderedPart], seed: int) -> None:
    """Fifty decisions of two people who know what they see."""
    ledger = Ledger.open(home / "records")
    rows = [row for row in ledger.rows() if row["kind"] == "verdict"]
    ledger.close()
    store = ReviewStore.open(home / "records" / "review")
    staff = random.Random(seed)
    try:
        for number, row in enumerate(_chosen(rows, staff)):
            part = next(each for each in parts if _serial(each.number) == row["serial"])
            store.decide(("ada", "grace")[number % 2], _decision(row, part, staff))
    finally:
        store.close()


def _chosen(rows: Sequence[Mapping[str, object]], staff: random.Random) -> list[Mapping[str, object]]:
    """Half of what was held up, at random; half of what passed nearest to its limits."""
    held = [row for row in rows if row["outcome"] != "PASS"]
    passed = sorted((row for row in rows if row["outcome"] == "PASS"), key=_highest, reverse=True)
    staff.shuffle(held)
    most = max(REVIEWS // 2, REVIEWS - len(passed))
    return [*held[:most], *passed[: REVIEWS - len(held[:most])]]


def _highest(row: Mapping[str, object]) -> float:
    return float(max(max(scores) for scores in json.loads(str(row["scores"])).values()))


def _decision(row: Mapping[str, object], part: RenderedPart, staff: random.Random) -> NewDecision:
    is_good, passed = part.label == "good", row["outcome"] == "PASS"
    choice = Choice.CONFIRM
    if is_good and not passed:
        choice = Choice.FALSE_REJECT
    elif passed and not is_good:
        choice = Choice.MISSED_DEFECT
    return NewDecision(
        part=PartKey(str(row["run"]), int(str(row["trigger"]))),
        choice=choice,
        label=None if is_good else part.label,
        note="",
        marks=() if is_good else _painted(part),
        why=Why.AUDIT if passed else Why.REJECT,
        blind=False,
        request_id=str(uuid.UUID(int=staff.getrandbits(128))),
    )


def _painted(part: RenderedPart) -> tuple[Mark, ...]:
    """A brush over each piece of the true mask."""
    count, pieces = cv2.connectedComponents((part.mask[:, :, 0] > 0).astype(np.uint8), connectivity=8)
    marks = []
    for piece in range(1, count):
        y, x = np.nonzero(pieces == piece)
        box = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
        marks.append(Mark(VIEW, part.label, box, run_string(run_lengths(pieces == piece).counts)))
    return tuple(marks)


def _figures(file: Path, seed: int) -> Figures:
    """A bundle on parts of lots that no model has met, with limits of its own and with chosen ones."""
    chosen_on, unseen = _judge(file, seed + 2000, CHOSEN_ON), _judge(file, seed + 3000, UNSEEN)
    bad, good = unseen.defective, ~unseen.defective
    # PASS is below the limit: of the good parts so many may lie at it or above, of the others below.
    for_overkill = float(np.quantile(chosen_on.score[~chosen_on.defective], 1 - ALLOWED, method="higher"))
    for_escape = float(np.quantile(chosen_on.score[chosen_on.defective], ALLOWED, method="lower"))
    return {
        "escape_at_overkill": (int(np.sum(unseen.score[bad] <= for_overkill)), int(bad.sum())),
        "overkill_at_escape": (int(np.sum(unseen.score[good] >= for_escape)), int(good.sum())),
        "escape_shipped": (int(np.sum(unseen.passed & bad)), int(bad.sum())),
        "overkill_shipped": (int(np.sum(~unseen.passed & good)), int(good.sum())),
    }


def _judge(file: Path, seed: int, parts: int) -> Judged:
    bundle = read_bundle(file)
    inspector = Inspector(
        OnnxRuntimeBackend(bundle.model, threads=1), bundle.card, bundle.card.own_recipe()
    )
    camera = inspector.recipe.views[0].camera
    scores, passed = [], []
    labels = plan_labels(PRODUCT, parts=parts, defective_share=0.5, seed=seed)
    for number, label in enumerate(labels):
        frame = Frame(_rendered(seed, number, label).image, number, 0, camera)
        inspection = inspector.inspect(Part(number, (frame,)))
        scores.append(float(inspection.predictions[0].scores.max()))
        passed.append(inspection.verdict.outcome is Outcome.PASS)
    return Judged(np.array([label != "good" for label in labels]), np.array(scores), np.array(passed))


def _sum(figures: Sequence[Figures]) -> Figures:
    """All seeds as one."""
    return {
        name: (sum(each[name][0] for each in figures), sum(each[name][1] for each in figures))
        for name in FIGURES
    }


def _rates(figures: Figures) -> dict[str, dict[str, float]]:
    """Each with its exact two-sided 95 % interval."""
    rates = {name: clopper_pearson(*counts) for name, counts in figures.items()}
    return {
        name: {
            "rate": round(rate.value, 4),
            "low": round(rate.low, 4),
            "high": round(rate.high, 4),
            "events": rate.events,
            "parts": rate.parts,
        }
        for name, rate in rates.items()
    }


def _said(who: str, figures: Figures) -> list[str]:
    return [f"{who}  {FIGURES[name]:<32} {clopper_pearson(*counts)}" for name, counts in figures.items()]


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def _learned_from(version: Path) -> int:
    with (version / "index.csv").open(encoding="utf-8", newline="") as file:
        return sum(row["split"] == "train" for row in csv.DictReader(file))


def _taktsight(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "taktsight.cli", *arguments]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=home, check=False, text=True, capture_output=True, env=alone)
    if ended.returncode:
        asked = " ".join(arguments)
        raise SystemExit(f"taktsight {asked}: exit {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


if __name__ == "__main__":
    main()
