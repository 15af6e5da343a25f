"""Parts like none before: how far a part's numbers lie from those of the nearest part of a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taktsight.quality.drift_stream import Channel
from taktsight.strict_model import StrictModel

Floats = NDArray[np.float64]

MAX_ROWS = 1000
"""Of the reference that are kept, evenly spread."""
FAR_SHARE = 0.995
"""Share of reference parts that lie nearer to another one than the limit."""


class Neighbours(StrictModel):
    """The parts of a reference as points."""

    channels: tuple[tuple[str, str, str], ...]
    """View, kind and name of each coordinate."""
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    """Points, centred and scaled."""
    limit: float
    """Distance beyond which a part is like none of the reference."""
    events: int
    """Parts that were, of those kept back."""
    parts: int
    """Kept back: neither among the points, nor used for the limit."""

    @property
    def named(self) -> tuple[Channel, ...]:
        """The coordinates."""
        return tuple(
            Channel(view, "health" if kind == "health" else "score", name)
            for view, kind, name in self.channels
        )


def learn_neighbours(vectors: Floats, channels: tuple[Channel, ...]) -> Neighbours:
    """Points and limit from the first two thirds of a reference; how often it is passed from the last
    third.

    Args:
        vectors: (N, D) as :func:`taktsight.quality.drift_stream.vector_of` gives them, in order.
        channels: the D coordinates.
    """
    third = len(vectors) // 3
    centre = np.median(vectors, axis=0)
    low, high = np.quantile(vectors, (0.16, 0.84), axis=0)
    spread = np.where(high > low, (high - low) / 2, vectors.std(axis=0))
    scale = np.where(spread > 0, spread, 1.0)
    points = (vectors - centre) / scale
    # Every third stands for the limit, the last third for how often it is passed: no part is its own
    # neighbour.
    rows = points[: 2 * third : 2][:MAX_ROWS]
    limit = float(np.quantile(distances(points[1 : 2 * third : 2], rows), FAR_SHARE, method="higher"))
    back = distances(points[2 * third :], rows)
    return Neighbours(
        channels=tuple((each.view, each.kind, each.name) for each in channels),
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        rows=tuple(tuple(float(f"{value:.5g}") for value in row) for row in rows.tolist()),
        limit=limit,
        events=int((back > limit).sum()),
        parts=len(back),
    )


def distances(points: Floats, rows: Floats) -> Floats:
    """(N,) root mean square distance per coordinate of each point to the nearest row."""
    squares = (points**2).sum(axis=1)[:, np.newaxis] + (rows**2).sum(axis=1) - 2 * points @ rows.T
    found: Floats = np.sqrt(np.maximum(squares.min(axis=1), 0.0) / points.shape[1])
    return found
