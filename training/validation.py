"""What the validation parts say after an epoch: tiles and exposures gathered per sample."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from taktsight.training.processes import from_all_processes

NEWER = 1e-6
"""What an epoch more counts, far below any difference of figures that says something."""


def picked_by(figure: float, epoch: int) -> float:
    """What picks the checkpoint: the figure and, of epochs that share it, the newest.

    A few val parts are soon all judged rightly. The weights of that moment are still on their way; those
    that stay right to the end of the schedule have settled.

    Args:
        figure: the higher the better.
        epoch: from 0.
    """
    return figure + NEWER * epoch


class ValidationParts:
    """Gathers batches of one epoch; a sample's score is the highest of its tiles."""

    def __init__(self) -> None:
        self._scores: dict[int, NDArray[np.float64]] = {}
        self._labels: dict[int, int] = {}
        self._pixels: dict[int, NDArray[np.int64]] = {}
        self._defects = 0
        self._loss, self._tiles = 0.0, 0

    def add_loss(self, loss: Tensor, tiles: int) -> None:
        """One batch: its mean loss over so many tiles."""
        self._loss, self._tiles = self._loss + float(loss) * tiles, self._tiles + tiles

    def add(self, owners: Tensor, labels: Tensor, scores: Tensor, defects: int) -> None:
        """One batch: owners (N,), labels (N,) 0…K with K good, scores (N, K or more)."""
        self._defects = defects
        for owner, label, row in zip(
            owners.tolist(), labels.tolist(), scores.double().tolist(), strict=True
        ):
            best = self._scores.get(owner, np.zeros(len(row)))
            self._scores[owner] = np.maximum(best, row)
            self._labels[owner] = min(label, self._labels.get(owner, label))  # K is good: any defect counts

    def add_pixels(self, owners: Tensor, hits: Tensor, found: Tensor, truth: Tensor) -> None:
        """One batch of pixel masks, each (N, H, W) bool; samples without true pixels are left out."""
        counts = [mask.flatten(1).sum(dim=1).tolist() for mask in (hits, found, truth)]
        for owner, *triple in zip(owners.tolist(), *counts, strict=True):
            self._pixels[owner] = self._pixels.get(owner, np.zeros(3, np.int64)) + np.array(
                triple, np.int64
            )

    def of_all_processes(self) -> ValidationParts:
        """The parts of all processes, in the order of the split; each process must call it."""
        every = from_all_processes(self)
        together = ValidationParts()
        for parts in every:
            together._defects = max(together._defects, parts._defects)
            together._loss, together._tiles = together._loss + parts._loss, together._tiles + parts._tiles
        for owner in sorted({owner for parts in every for owner in parts._labels}):
            for parts in every:
                if owner in parts._labels:
                    row = parts._scores[owner]
                    together._scores[owner] = np.maximum(together._scores.get(owner, row), row)
                    together._labels[owner] = parts._labels[owner]
                if owner in parts._pixels:
                    before = together._pixels.get(owner, np.zeros(3, np.int64))
                    together._pixels[owner] = before + parts._pixels[owner]
        return together

    def mean_loss(self) -> float:
        """Mean over the tiles."""
        return self._loss / self._tiles

    def good_scores(self) -> NDArray[np.float64]:
        """(G,) the highest score of each good part."""
        return np.array(
            [
                row[: self._defects].max()
                for owner, row in self._scores.items()
                if self._labels[owner] >= self._defects
            ]
        )

    def auroc(self) -> float:
        """Chance that a defective part scores above a good one, ties half; 0.5 if a side is empty."""
        scores = np.array([row[: self._defects].max() for row in self._scores.values()])
        defective = np.array([label < self._defects for label in self._labels.values()])
        bad, good = scores[defective], scores[~defective]
        if not bad.size or not good.size:
            return 0.5
        above = (bad[:, None] > good[None, :]).mean() + 0.5 * (bad[:, None] == good[None, :]).mean()
        return float(above)

    def mean_pixel_f1(self) -> float:
        """Mean over the defect images whose pixels are known; 0 if there is none."""
        triples = [triple for triple in self._pixels.values() if triple[2]]
        return (
            float(np.mean([2 * hits / (found + truth) for hits, found, truth in triples]))
            if triples
            else 0.0
        )

    def accuracy(self) -> float:
        """Share of samples whose highest class is their own."""
        return float(np.mean(self._predicted() == np.array(list(self._labels.values()))))

    def macro_f1(self) -> float:
        """Mean F1 over the classes that occur."""
        predicted, truth = self._predicted(), np.array(list(self._labels.values()))
        figures = []
        for label in np.unique(truth):
            hits = np.sum((predicted == label) & (truth == label))
            figures.append(2 * hits / (np.sum(predicted == label) + np.sum(truth == label)))
        return float(np.mean(figures)) if figures else math.nan

    def _predicted(self) -> NDArray[np.int64]:
        return np.array([int(row.argmax()) for row in self._scores.values()])
