"""Labels worth a second look: where the model and the person who labelled disagree most."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.card import Task
from taktsight.datasets.samples import GOOD, Split
from taktsight.records import Scores

Floats = NDArray[np.floating]
FILE = "label_noise.csv"
COLUMNS = ("place", "disagreement", "split", "image", "label", "model_says", "score", "own_score")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A part with its label and the scores it got."""

    name: str
    label: str
    """The reference: a defect label, or ``GOOD``."""
    split: Split
    scores: Scores
    """(K,) 0–1."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part whose label the model does not believe."""

    name: str
    label: str
    split: Split
    said: str
    """What the model takes it for."""
    score: float
    """The score of ``said``, 0–1."""
    own_score: float
    """The score of its own label, 0–1."""
    disagreement: float
    """0–1; see :func:`rank`."""


def rank(parts: Sequence[Labelled], labels: Sequence[str], task: Task) -> tuple[Suspect, ...]:
    """All parts, the most doubtful label first.

    Of a segmentation, good parts are ordered by their highest score and defective ones by the score of
    their own label, which is low where the label is doubtful. The two are made comparable by the company
    they keep, so that a model whose scores are all too low does not doubt every defect: the disagreement is
    the share of defective parts that score no higher than this good part; or the share of parts without the
    label that score no lower than this defective one.

    Of a classification it is how far another label leads, (its score − the own score + 1) ÷ 2.

    Args:
        parts: with their labels.
        labels: K defect labels, in the order of the scores.
        task: what the network does.
    """
    doubts = _leads(parts, labels) if task == "classification" else _company(parts, labels)
    judged = [_suspect(part, doubt, labels, task) for part, doubt in zip(parts, doubts, strict=True)]
    return tuple(sorted(judged, key=lambda each: (-each.disagreement, each.own_score, each.name)))


def write_list(folder: Path, suspects: Sequence[Suspect]) -> Path:
    """Writes ``label_noise.csv``, one row per part in the given order, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        for place, each in enumerate(suspects, start=1):
            shares = [f"{share:.4f}" for share in (each.disagreement, each.score, each.own_score)]
            writer.writerow((place, shares[0], each.split, each.name, each.label, each.said, *shares[1:]))
    return file


def _leads(parts: Sequence[Labelled], labels: Sequence[str]) -> list[float]:
    """How far another label leads the own one."""
    doubts = []
    for part in parts:
        scores = _with_good(part, labels, "classification")
        own = scores.pop(part.label)
        doubts.append((max(scores.values()) - own + 1) / 2)
    return doubts


def _company(parts: Sequence[Labelled], labels: Sequence[str]) -> list[float]:
    """Whose scores the part's own are like."""
    scores = np.array([part.scores for part in parts])
    index = np.array([labels.index(part.label) if part.label != GOOD else -1 for part in parts])
    doubts = np.zeros(len(parts))
    is_good = index < 0
    defective = scores[~is_good, index[~is_good]]
    doubts[is_good] = _share_up_to(defective, scores[is_good].max(axis=1))
    for label in range(len(labels)):
        own, others = scores[index == label, label], scores[index != label, label]
        doubts[index == label] = _share_up_to(-others, -own)
    return doubts.tolist()


def _share_up_to(values: Floats, limits: Floats) -> Floats:
    """For each limit the share of values that are no higher; 0 where there are no values."""
    below = np.searchsorted(np.sort(values), limits, side="right")
    return np.asarray(below / max(1, len(values)), np.float64)


def _suspect(part: Labelled, doubt: float, labels: Sequence[str], task: Task) -> Suspect:
    scores = _with_good(part, labels, task)
    own = scores.pop(part.label)
    said = max(scores, key=lambda label: scores[label])
    return Suspect(part.name, part.label, part.split, said, scores[said], own, doubt)


def _with_good(part: Labelled, labels: Sequence[str], task: Task) -> dict[str, float]:
    """Label → score; the good part has what the defects leave, or of maps what the surest one leaves."""
    scores = {label: float(score) for label, score in zip(labels, part.scores, strict=True)}
    defective = sum(scores.values()) if task == "classification" else max(scores.values())
    return scores | {GOOD: max(0.0, 1.0 - defective)}
