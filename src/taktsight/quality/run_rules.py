"""Patterns on a control chart that chance seldom makes: the rules of Nelson and Western Electric, as data.

Nelson, Journal of Quality Technology 16 (1984); Western Electric, Statistical Quality Control Handbook
(1956). A point beyond a limit is strictly beyond it: one that lies on the limit is not out. A point on the
centre line is on neither side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from taktsight.quality.tables import Bools, Floats
from taktsight.strict_model import StrictModel

Side = Literal["above", "below", "rising", "falling", "alternating", "within", "both"]
ROUNDING = 1e-9
"""Of the width of the limits: nearer to a limit than this is on it."""


class RuleHit(StrictModel):
    """One pattern that was found."""

    rule: str
    """Such as nelson-1."""
    points: tuple[int, ...]
    """Of the pattern, counted from 1; patterns that run into each other are one."""
    side: Side


SENTENCES = {
    "limits-1": "beyond a limit",
    "nelson-1": "beyond a limit",
    "nelson-2": "nine in a row on one side of the centre",
    "nelson-3": "six in a row rising or falling",
    "nelson-4": "fourteen in a row up and down in turn",
    "nelson-5": "two of three beyond 2 σ on one side",
    "nelson-6": "four of five beyond 1 σ on one side",
    "nelson-7": "fifteen in a row within 1 σ",
    "nelson-8": "eight in a row beyond 1 σ, on both sides",
    "western-electric-1": "beyond a limit",
    "western-electric-2": "two of three beyond 2 σ on one side",
    "western-electric-3": "four of five beyond 1 σ on one side",
    "western-electric-4": "eight in a row on one side of the centre",
}
"""Each rule in words."""


def beyond(values: Floats, lower: Floats, upper: Floats) -> tuple[Bools, Bools]:
    """Which values lie strictly above their upper and strictly below their lower limit."""
    hair = ROUNDING * np.maximum(np.abs(upper - lower), ROUNDING)
    hair = np.where(np.isfinite(hair), hair, ROUNDING)
    return np.asarray(values > upper + hair), np.asarray(values < lower - hair)


def rule_hits(
    values: Floats, centre: Floats, lower: Floats, upper: Floats, sigma: Floats, rules: Sequence[str]
) -> tuple[RuleHit, ...]:
    """What the rules find, in the order of ``rules``, each from left to right.

    Args:
        values: (N,) what is charted.
        centre: (N,) the centre line.
        lower: (N,) the lower limit; −∞ where there is none.
        upper: (N,) the upper limit; ∞ where there is none.
        sigma: (N,) standard deviation of a point, for the rules that know zones.
        rules: their names, such as nelson-1.
    """
    above, below = beyond(values, lower, upper)
    z = (values - centre) / sigma
    z = np.where(np.abs(z) < ROUNDING, 0.0, z)
    found: list[RuleHit] = []
    for rule in rules:
        for side, marked in _patterns(rule, values, z, above, below):
            found += [RuleHit(rule=rule, points=points, side=side) for points in marked]
    return tuple(found)


Patterns = list[tuple[Side, list[tuple[int, ...]]]]


RUNS = {"nelson-2": 9, "western-electric-4": 8}
"""Points in a row on one side of the centre."""
ZONES = {
    "nelson-5": (2.0, 2, 3),
    "western-electric-2": (2.0, 2, 3),
    "nelson-6": (1.0, 4, 5),
    "western-electric-3": (1.0, 4, 5),
}
"""Beyond so many σ on one side: so many of so many."""


def _patterns(rule: str, values: Floats, z: Floats, above: Bools, below: Bools) -> Patterns:
    if rule == "limits-1":  # points that depend on each other leave the limits once, not at each point
        return [("above", _stretches(above)), ("below", _stretches(below))]
    if rule.endswith("-1"):
        return _both_sides(above, below, 1, 1)
    if rule in RUNS:
        return _both_sides(z > 0, z < 0, RUNS[rule], RUNS[rule])
    if rule in ZONES:
        zone, wanted, window = ZONES[rule]
        return _both_sides(z > zone + ROUNDING, z < -zone - ROUNDING, wanted, window)
    if rule == "nelson-3":
        return _trends(values)
    return [_of_both_sides(rule, values, z)]


def _of_both_sides(rule: str, values: Floats, z: Floats) -> tuple[Side, list[tuple[int, ...]]]:
    if rule == "nelson-4":
        return "alternating", _alternating(values)
    if rule == "nelson-7":
        return "within", _windows(np.abs(z) < 1 - ROUNDING, 15, 15)
    if rule == "nelson-8":
        return "both", _on_both_sides(z)
    raise ValueError(f"there is no rule {rule!r}")


def _both_sides(above: Bools, below: Bools, wanted: int, window: int) -> Patterns:
    return [("above", _windows(above, wanted, window)), ("below", _windows(below, wanted, window))]


def _windows(marked: Bools, wanted: int, window: int) -> list[tuple[int, ...]]:
    """Marked points of windows that hold ``wanted`` of them and end on one, joined where they run on."""
    groups: list[tuple[int, ...]] = []
    last_end = -2
    for end in np.flatnonzero(marked):
        first = max(0, int(end) - window + 1)
        inside = np.flatnonzero(marked[first : end + 1]) + first
        if len(inside) < wanted:
            continue
        points = tuple(int(index) + 1 for index in inside)
        if wanted > 1 and groups and (end - last_end == 1 or groups[-1][-1] >= points[0]):
            points = tuple(sorted({*groups.pop(), *points}))
        groups.append(points)
        last_end = int(end)
    return groups


def _stretches(marked: Bools) -> list[tuple[int, ...]]:
    return [tuple(range(first + 1, last + 2)) for first, last in _runs(marked)]


def _trends(values: Floats) -> Patterns:
    steps = np.diff(values)
    hair = ROUNDING * max(float(np.ptp(values)), ROUNDING)
    return [
        ("rising", _step_runs(steps > hair, 5)),
        ("falling", _step_runs(steps < -hair, 5)),
    ]


def _alternating(values: Floats) -> list[tuple[int, ...]]:
    signs = np.sign(np.diff(values))
    turns = signs[1:] * signs[:-1] < 0
    runs = []
    for first, last in _runs(turns):
        if last - first + 1 >= 12:  # twelve turns need fourteen points
            runs.append(tuple(range(first + 1, last + 4)))
    return runs


def _step_runs(marked: Bools, least: int) -> list[tuple[int, ...]]:
    return [tuple(range(first + 1, last + 3)) for first, last in _runs(marked) if last - first + 1 >= least]


def _on_both_sides(z: Floats) -> list[tuple[int, ...]]:
    runs = []
    for first, last in _runs(np.abs(z) > 1 + ROUNDING):
        inside = z[first : last + 1]
        if last - first + 1 >= 8 and (inside > 0).any() and (inside < 0).any():
            runs.append(tuple(range(first + 1, last + 2)))
    return runs


def _runs(marked: Bools) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    return [
        (int(a), int(b) - 1)
        for a, b in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
