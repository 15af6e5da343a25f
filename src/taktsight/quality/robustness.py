"""Verdicts of the same parts as they are and perturbed: what flips, what escapes by it, what health
stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from taktsight.quality.rates import Rate, clopper_pearson
from taktsight.records import Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """One part under one perturbation."""

    before: Outcome
    """As it is."""
    after: Outcome
    """Perturbed, if it is judged at all."""
    is_stopped: bool
    """Whether image health would have made it UNINSPECTED."""
    is_defective: bool | None
    """None where nobody said."""


@dataclass(frozen=True, slots=True)
class Robustness:
    """What one perturbation at one strength does, as counts of parts with exact bounds."""

    parts: int
    flips: Rate
    """Verdicts that differ ÷ parts."""
    matrix: dict[str, int]
    """"PASS→REJECT" → parts."""
    passes_lost: Rate
    """Passed as they are and held up perturbed ÷ passed as they are."""
    passes_gained: Rate
    """Held up as they are and passed perturbed ÷ held up as they are."""
    escapes_caused: Rate | None
    """Defective, held up as they are and passed perturbed ÷ defective and held up as they are; None where
    nobody said what is defective."""
    stopped: Rate
    """Image health would have made them UNINSPECTED ÷ parts."""
    gained_through_health: Rate
    """As ``passes_gained``, of parts that image health lets through: what model and health together
    miss."""
    escapes_through_health: Rate | None
    """As ``escapes_caused``, of parts that image health lets through."""


def compare(judged: Sequence[Judged], confidence: float = 0.95) -> Robustness:
    """What the perturbation did to these parts.

    Args:
        judged: each part once.
        confidence: two-sided, of the exact intervals.

    Raises:
        ValueError: If there is no part.
    """
    if not judged:
        raise ValueError("no part was judged")

    def rate(of: Sequence[Judged], happened: Sequence[bool]) -> Rate:
        return clopper_pearson(sum(happened), len(of), confidence)

    passed = [each for each in judged if each.before is Outcome.PASS]
    held = [each for each in judged if each.before is not Outcome.PASS]
    defective = [each for each in held if each.is_defective]
    is_known = any(each.is_defective is not None for each in judged)
    moves = Counter(
        f"{each.before.value}→{each.after.value}" for each in judged if each.before is not each.after
    )
    return Robustness(
        parts=len(judged),
        flips=rate(judged, [each.before is not each.after for each in judged]),
        matrix=dict(sorted(moves.items())),
        passes_lost=rate(passed, [each.after is not Outcome.PASS for each in passed]),
        passes_gained=rate(held, [_passes(each) for each in held]),
        escapes_caused=rate(defective, [_passes(each) for each in defective]) if is_known else None,
        stopped=rate(judged, [each.is_stopped for each in judged]),
        gained_through_health=rate(held, [_slips(each) for each in held]),
        escapes_through_health=rate(defective, [_slips(each) for each in defective]) if is_known else None,
    )


def _passes(each: Judged) -> bool:
    return each.after is Outcome.PASS


def _slips(each: Judged) -> bool:
    return each.after is Outcome.PASS and not each.is_stopped
