"""Outlines of defects in mm around their middle: a ribbon, a torn edge, a tree of ribbons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) x, y in mm, or in px where the name says so."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of one defect, its length along x."""

    polygons: tuple[Points, ...]
    probes: Points
    """Points all over the shape: where they lie on a flat face, the defect does."""


def outline_of(label: str, length_mm: float, width_mm: float, rng: np.random.Generator) -> Outline:
    """A new shape of one kind and of the size asked for."""
    if label == "scratch":
        return _scratch(length_mm, width_mm, rng)
    if label == "crack":
        return _crack(length_mm, width_mm, rng)
    return _blob(length_mm, width_mm, 0.1 if label == "pit" else 0.16, rng)


def place(outline: Outline, heading: float, middle_mm: Points) -> Outline:
    """The outline turned by ``heading`` (rad) and moved to ``middle_mm``."""
    cos, sin = np.cos(heading), np.sin(heading)
    turn = np.array([[cos, sin], [-sin, cos]])
    polygons = tuple(polygon @ turn + middle_mm for polygon in outline.polygons)
    return Outline(polygons, outline.probes @ turn + middle_mm)


def _scratch(length_mm: float, width_mm: float, rng: np.random.Generator) -> Outline:
    """Slightly bent; thin where the tool set down and lifted off."""
    along = np.linspace(-0.5, 0.5, 41)
    bend = rng.uniform(-0.07, 0.07)
    skew = rng.uniform(-0.15, 0.15)
    path = np.stack([along, bend * (1 - 4 * along**2) + skew * along * (1 - 4 * along**2)], axis=1)
    path = _of_length(path - path.mean(axis=0), length_mm)
    taper = np.minimum(1.0, 0.25 + 3.0 * (0.5 - np.abs(along)))
    pressure = np.interp(along, np.linspace(-0.5, 0.5, 9), rng.uniform(0.6, 1.0, 9))
    widths = taper * pressure
    return Outline((_ribbon(path, width_mm * widths / widths.mean()),), path)


def _crack(length_mm: float, width_mm: float, rng: np.random.Generator) -> Outline:
    """A jagged trunk that narrows to its tip, and one to three branches."""
    trunk = _of_length(_jagged(0.0, max(10, round(length_mm / 0.3)), rng), length_mm)
    trunk -= (trunk.min(axis=0) + trunk.max(axis=0)) / 2
    steps = len(trunk)
    widths = width_mm * np.linspace(1.0, 0.35, steps) * rng.uniform(0.75, 1.0, steps)
    widths *= width_mm / widths.mean()
    ribbons, probes = [_ribbon(trunk, widths)], [trunk]
    for root in rng.choice(np.arange(steps // 5, steps * 4 // 5), rng.integers(1, 4), replace=False):
        side = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
        size_mm = length_mm * rng.uniform(0.14, 0.3)
        branch = _of_length(_jagged(side, max(5, round(size_mm / 0.25)), rng), size_mm) + trunk[root]
        ribbons.append(_ribbon(branch, widths[root] * np.linspace(0.8, 0.3, len(branch))))
        probes.append(branch)
    return Outline(tuple(ribbons), np.concatenate(probes))


def _blob(length_mm: float, width_mm: float, roughness: float, rng: np.random.Generator) -> Outline:
    """An ellipse with an uneven edge; its area is that of the ellipse."""
    angle = np.linspace(0, 2 * np.pi, 97)[:-1]
    radius = np.ones_like(angle)
    for wave in range(2, 9):
        radius += roughness * rng.normal() / wave**0.7 * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.5)
    radius /= np.sqrt((radius**2).mean())
    edge = np.stack([length_mm / 2 * radius * np.cos(angle), width_mm / 2 * radius * np.sin(angle)], axis=1)
    rings = [edge[::3] * share for share in (0.0, 0.25, 0.5, 0.75)]
    return Outline((edge,), np.concatenate([edge, *rings]))


def _jagged(heading: float, steps: int, rng: np.random.Generator) -> Points:
    turns = heading + rng.normal(0, 0.55, steps) + np.cumsum(rng.normal(0, 0.1, steps))
    lengths = rng.uniform(0.5, 1.5, steps)
    moves = np.stack([lengths * np.cos(turns), lengths * np.sin(turns)], axis=1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])


def _of_length(path: Points, length_mm: float) -> Points:
    arc = np.hypot(*np.diff(path, axis=0).T).sum()
    return np.asarray(path * (length_mm / arc))


def _ribbon(path: Points, widths_mm: Points) -> Points:
    """The outline of a line of changing width."""
    along = np.gradient(path, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, np.newaxis]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * widths_mm[:, np.newaxis] / 2
    return np.concatenate([path + across, (path - across)[::-1]])
