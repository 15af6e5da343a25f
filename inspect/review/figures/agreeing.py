"""How reviewers agree with each other, with what was settled, and on parts whose truth is known.

Only opinions that were formed without knowing of others count: the first on a part, and blind doubles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from taktsight.inspect.review.figures.decided import Spoken
from taktsight.inspect.review.store.values import GOOD, PartKey, Why
from taktsight.quality.kappas import Codes, Kappa, cohen_kappa, fleiss_kappa
from taktsight.quality.rates import Rate, clopper_pearson

LEAST_PARTS = 5
"""Of which a kappa is told; from fewer it says nothing."""


@dataclass(frozen=True, slots=True)
class PairKappa:
    """Two people."""

    first: str
    second: str
    parts: int
    kappa: Kappa


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person."""

    name: str
    settled: int
    """Parts that they judged on their own and somebody else settled."""
    to_truth: Kappa | None
    """With what was settled; None of too few parts."""
    known: Rate
    """Known parts that they told good or not good rightly ÷ known parts that they were shown."""
    missed: Rate
    """Known defective parts that they called good."""
    false_alarms: Rate
    """Known good parts that they did not call good."""


@dataclass(frozen=True, slots=True)
class Together:
    """All people."""

    doubles: int
    """Parts that two people or more judged on their own."""
    people: int
    """Who judged these."""
    agreed: Rate
    """Doubles on whose first two opinions agree ÷ doubles."""
    kappa: Kappa | None
    """Fleiss' of the first two opinions on each double, whoever they are of."""
    pairs: tuple[PairKappa, ...]
    reviewers: tuple[Reviewer, ...]
    """By name, not by result."""
    known: Rate
    """Of all people."""


def together(parts: Sequence[Spoken], golden: Callable[[PartKey], str | None]) -> Together:
    """The figures, of good and not good.

    Args:
        parts: all that somebody said something of.
        golden: what a golden sample is, None of any other part; known parts that are none are those that
            people settled.
    """
    opinions = [part.independent() for part in parts]
    doubles = [said for said in opinions if len(said) > 1]
    firsts = [list(said.values())[:2] for said in doubles]
    codes = _codes(firsts)
    names = sorted({name for said in opinions for name in said} | _shown_known(parts))
    known = [(part, golden(part.key) or part.truth) for part in parts]
    reviewers = tuple(_reviewer(name, known, opinions) for name in names)
    right = sum(reviewer.known.events for reviewer in reviewers)
    shown = sum(reviewer.known.parts for reviewer in reviewers)
    return Together(
        doubles=len(doubles),
        people=len({name for said in doubles for name in said}),
        agreed=clopper_pearson(sum(first == second for first, second in codes.tolist()), len(doubles)),
        kappa=fleiss_kappa(codes, 2) if len(doubles) >= LEAST_PARTS else None,
        pairs=_pairs(doubles),
        reviewers=reviewers,
        known=clopper_pearson(right, shown),
    )


def _codes(said: Sequence[Sequence[str]]) -> Codes:
    """(N, M): 0 good, 1 not good."""
    width = len(said[0]) if said else 2
    return np.array([[int(truth != GOOD) for truth in row] for row in said], dtype=np.intp).reshape(
        -1, width
    )


def _pairs(doubles: Sequence[dict[str, str]]) -> tuple[PairKappa, ...]:
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for said in doubles:
        for first, second in combinations(sorted(said), 2):
            shared[first, second].append((said[first], said[second]))
    found = []
    for (first, second), truths in sorted(shared.items()):
        codes = _codes(truths)
        if len(truths) >= LEAST_PARTS:
            kappa = cohen_kappa(codes[:, :1], codes[:, 1:], 2)
            found.append(PairKappa(first, second, len(truths), kappa))
    return tuple(found)


def _shown_known(parts: Sequence[Spoken]) -> set[str]:
    return {opinion.reviewer for part in parts for opinion in part.opinions if opinion.why is Why.KNOWN}


def _reviewer(
    name: str, parts: Sequence[tuple[Spoken, str | None]], opinions: Sequence[dict[str, str]]
) -> Reviewer:
    settled = [
        (said[name], part.truth)
        for (part, _), said in zip(parts, opinions, strict=True)
        if name in said and part.truth and part.standing and part.standing.reviewer != name
    ]
    codes = _codes(settled)
    known = [
        (opinion.truth == GOOD, truth == GOOD)
        for part, truth in parts
        for opinion in part.opinions
        if opinion.why is Why.KNOWN and opinion.reviewer == name and opinion.speaks and truth
    ]
    return Reviewer(
        name=name,
        settled=len(settled),
        to_truth=cohen_kappa(codes[:, :1], codes[:, 1:], 2) if len(settled) >= LEAST_PARTS else None,
        known=clopper_pearson(sum(said == is_good for said, is_good in known), len(known)),
        missed=clopper_pearson(
            sum(said for said, is_good in known if not is_good), sum(not is_good for _, is_good in known)
        ),
        false_alarms=clopper_pearson(
            sum(not said for said, is_good in known if is_good), sum(is_good for _, is_good in known)
        ),
    )
