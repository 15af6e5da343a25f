"""Which training parts a network takes for the likes of a part: what it learned of them, it says here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
"""(T, F) float32, one row per tile."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training part near another part."""

    name: str
    label: str
    distance: float
    """1 − cosine of the angle between the features of the two tiles, 0–2; see :func:`nearest_parts`."""
    uri: str
    """Its picture as a data URI."""


FindNearest = Callable[[str], tuple[Neighbour, ...]]
"""The nearest training parts of the measured part of this name; asked for the few parts that are shown."""


def nearest_parts(
    query: NDArray[np.float32], features: Features, owners: Sequence[int], pieces: Sequence[str]
) -> tuple[tuple[int, float], ...]:
    """The ``SHOWN`` nearest parts, nearest first, as index and cosine distance; one exposure of each piece.

    Features are taken about the mean of the training tiles: what all parts share would hide in what they
    differ.

    Args:
        query: (F,) features of the tile that counts.
        features: of all training tiles.
        owners: (T,) index of the part that a tile belongs to.
        pieces: the physical piece of each part; "" where it is not known.
    """
    centre = features.mean(axis=0)
    distances = 1.0 - _unit(features - centre) @ _unit((query - centre)[np.newaxis])[0]
    found: dict[str | int, tuple[int, float]] = {}
    for tile in np.argsort(distances, kind="stable").tolist():
        owner = int(owners[tile])
        found.setdefault(pieces[owner] or owner, (owner, max(0.0, float(distances[tile]))))
        if len(found) == SHOWN:
            break
    return tuple(found.values())


def _unit(features: Features) -> Features:
    """Rows of length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)
