"""Which passed parts somebody looks at once more: random by stratum, the same whenever it is drawn.

Every part gets a number from the seed and its name alone, and those with the lowest numbers of each stratum
are drawn. So the order of the rows plays no part, and a larger audit with the same seed contains the
smaller one: parts that were looked at already are never in vain.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.errors import ConfigError, DataError

Allocation = Literal["proportional", "equal"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A part to be looked at."""

    part: str
    stratum: str
    passed: int
    """Passed parts of its stratum."""
    audited: int
    """How many of them are drawn: each was as likely as audited ÷ passed."""


def draw(
    passed: Mapping[str, str], parts: int, seed: int, allocation: Allocation = "proportional"
) -> tuple[Drawn, ...]:
    """A random sample of the passed parts.

    Args:
        passed: part → its stratum; the same text for all where there are no strata.
        parts: how many to draw, one of each stratum at least.
        seed: any number; note it, and the draw can be checked by anybody.
        allocation: strata get parts by their size, or all alike.

    Raises:
        DataError: If no part passed.
        ConfigError: If fewer are to be drawn than there are strata, or the seed is negative.
    """
    if not passed:
        raise DataError("no part passed, so there is none to audit")
    if seed < 0:
        raise ConfigError(f"a seed is 0 or more, got {seed}")
    strata: dict[str, list[str]] = {}
    for part, stratum in passed.items():
        strata.setdefault(stratum, []).append(part)
    if parts < len(strata):
        raise ConfigError(f"{parts} parts for {len(strata)} strata: each takes one at least")
    sizes = {name: len(members) for name, members in strata.items()}
    counts = _allocated(sizes, min(parts, len(passed)), allocation)
    return tuple(
        Drawn(part, name, sizes[name], counts[name])
        for name in sorted(strata)
        for part in _lowest(strata[name], counts[name], seed)
    )


def _lowest(parts: Sequence[str], count: int, seed: int) -> list[str]:
    def number(part: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{part}".encode()).digest()

    return heapq.nsmallest(count, parts, key=number)


def _allocated(sizes: Mapping[str, int], parts: int, allocation: Allocation) -> dict[str, int]:
    """Parts for each stratum by Webster's method: with more parts to give, no stratum ever gets fewer."""
    counts = dict.fromkeys(sizes, 1)
    queue = [(-_claim(sizes[name], 1, allocation), name) for name in sorted(sizes) if sizes[name] > 1]
    heapq.heapify(queue)
    for _ in range(parts - len(sizes)):
        _, name = heapq.heappop(queue)
        counts[name] += 1
        if counts[name] < sizes[name]:
            heapq.heappush(queue, (-_claim(sizes[name], counts[name], allocation), name))
    return counts


def _claim(size: int, has: int, allocation: Allocation) -> float:
    return (size if allocation == "proportional" else 1.0) / (2 * has + 1)
