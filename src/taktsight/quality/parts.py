"""Parts whose truth is known, with what the network or the line said of them, as columns of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Bools = NDArray[np.bool_]

GOOD = "good"
"""The truth of a part without a defect."""
OUTCOMES = ("PASS", "REVIEW", "REJECT", "UNINSPECTED")
"""In the order in which the verdicts of a part's views outweigh each other."""
PASS, REVIEW, REJECT, UNINSPECTED = range(4)


@dataclass(frozen=True, slots=True)
class Names:
    """One text per row, as numbers."""

    names: tuple[str, ...]
    """The different texts."""
    codes: Codes
    """(N,) which of them each row has."""

    def at(self, rows: Codes | Bools) -> Names:
        """The same of some rows."""
        return Names(self.names, self.codes[rows])


@dataclass(frozen=True)
class Parts:
    """Rows: a look at a part each. One part may have several, of one camera each."""

    part: Names
    truth: Names
    """What each row truly is: defect labels joined by ``|``, or ``good``."""
    labels: tuple[str, ...] = ()
    """The K labels that were scored."""
    scores: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(N, K) 0–1; (N, 0) where nothing was scored."""
    groups: Mapping[str, Names] = field(default_factory=dict)
    """lot, station, camera: those that are known."""
    size_mm: Floats | None = None
    """(N,) diameter of the largest defect, mm; NaN where it is not known."""
    outcome: Codes | None = None
    """(N,) verdicts, numbered as in ``OUTCOMES``."""

    def __len__(self) -> int:
        return self.part.codes.size

    @cached_property
    def is_defective(self) -> Bools:
        """(N,) whether the row shows a defect."""
        return np.array([name != GOOD for name in self.truth.names], bool)[self.truth.codes]

    @cached_property
    def true_labels(self) -> tuple[str, ...]:
        """Every label that a row truly has, sorted."""
        return tuple(sorted({label for name in self.truth.names for label in labels_in(name)}))

    def has(self, label: str) -> Bools:
        """(N,) whether the row truly has this label."""
        return np.array([label in labels_in(name) for name in self.truth.names], bool)[self.truth.codes]

    def group(self, name: str) -> Names | None:
        """lot, station or camera of each row; None where nobody said."""
        return self.groups.get(name)

    def at(self, rows: Codes | Bools) -> Parts:
        """Some of the rows."""
        return replace(
            self,
            part=self.part.at(rows),
            truth=self.truth.at(rows),
            scores=self.scores[rows],
            groups={name: group.at(rows) for name, group in self.groups.items()},
            size_mm=None if self.size_mm is None else self.size_mm[rows],
            outcome=None if self.outcome is None else self.outcome[rows],
        )


def labels_in(truth: str) -> tuple[str, ...]:
    """The defect labels that a truth names.

    >>> labels_in("pit|scratch"), labels_in("good")
    (('pit', 'scratch'), ())
    """
    return () if truth == GOOD else tuple(truth.split("|"))


def one_row_each(parts: Parts) -> Parts:
    """The rows of a part's cameras as one: as bad as the worst of them, and truly whatever any shows.

    Without cameras a part that has several rows was looked at several times; they stay apart.
    """
    if "camera" not in parts.groups:
        return parts
    first, codes = np.unique(parts.part.codes, return_index=True, return_inverse=True)[1:]
    scores = np.zeros((first.size, len(parts.labels)))
    np.maximum.at(scores, codes, parts.scores)
    size_mm = outcome = None
    if parts.size_mm is not None:
        size_mm = np.full(first.size, np.nan)
        np.fmax.at(size_mm, codes, parts.size_mm)
    if parts.outcome is not None:
        outcome = np.zeros(first.size, np.int64)
        np.maximum.at(outcome, codes, parts.outcome)
    kept = {name: group for name, group in parts.groups.items() if name != "camera"}
    joined = replace(parts, groups=kept).at(first)
    truth = _joined_truth(parts.truth, codes, first.size)
    return replace(joined, truth=truth, scores=scores, size_mm=size_mm, outcome=outcome)


def _joined_truth(truth: Names, codes: Codes, count: int) -> Names:
    seen: list[set[str]] = [set() for _ in range(count)]
    for code, name in zip(codes.tolist(), truth.codes.tolist(), strict=True):
        seen[code].update(labels_in(truth.names[name]))
    return numbered(["|".join(sorted(labels)) or GOOD for labels in seen])


def numbered(texts: Sequence[str]) -> Names:
    """Texts as numbers, in the order in which they first come."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(text, len(numbers)) for text in texts]
    return Names(tuple(numbers), np.array(codes, np.int64))


def least_of(values: Floats, units: Codes) -> Floats:
    """The least value of each unit, units in ascending order."""
    numbers, codes = np.unique(units, return_inverse=True)
    least = np.full(numbers.size, np.inf)
    np.minimum.at(least, codes, values)
    return least


def greatest_of(values: Floats, units: Codes) -> Floats:
    """The greatest value of each unit, units in ascending order."""
    return -least_of(-values, units)
