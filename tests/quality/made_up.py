"""Made-up parts with scores, as arrays and as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from taktsight.quality.parts import Codes, Floats, Names, Parts, numbered


def make_parts(
    defective: int, good: int, *, labels: int = 1, seed: int = 0, lots: int = 0, likeness: float = 0.0
) -> Parts:
    """Good parts score low, each defective one high in one label; ``likeness`` moves lots, in logits."""
    draw = np.random.default_rng(seed)
    count = defective + good
    label = np.concatenate([np.arange(defective) % labels, np.full(good, -1)])
    logits = draw.normal(-4.0, 1.0, (count, labels))
    rows = np.flatnonzero(label >= 0)
    logits[rows, label[rows]] = draw.normal(3.0, 1.0, defective)
    groups: dict[str, Names] = {}
    if lots:
        lot = np.arange(count) % lots
        logits += likeness * draw.normal(0.0, 1.0, lots)[lot][:, np.newaxis]
        groups["lot"] = numbered([f"lot {number}" for number in lot.tolist()])
    names = tuple(f"label {number}" for number in range(labels))
    return Parts(
        numbered([f"part {number}" for number in range(count)]),
        Names(("good", *names), label.astype(np.int64) + 1),
        names,
        1 / (1 + np.exp(-logits)),
        groups,
    )


def shuffled(parts: Parts, seed: int = 1) -> Parts:
    """The same rows in another order."""
    order: Codes = np.random.default_rng(seed).permutation(len(parts))
    return parts.at(order)


def write_table(path: Path, parts: Parts) -> Path:
    """The parts as the CSV that ``certify`` reads; scores to the last bit."""
    lot = parts.group("lot")
    with path.open("w", encoding="utf-8") as file:
        columns = [
            "part",
            "truth",
            *(["lot"] if lot else []),
            *(f"score:{label}" for label in parts.labels),
        ]
        file.write(",".join(columns) + "\n")
        for row in range(len(parts)):
            cells = [parts.part.names[parts.part.codes[row]], parts.truth.names[parts.truth.codes[row]]]
            cells += [lot.names[lot.codes[row]]] if lot else []
            file.write(",".join([*cells, *map(repr, parts.scores[row].tolist())]) + "\n")
    return path


def logistic(logits: Floats) -> Floats:
    """Scores from logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))
