"""A study that nobody can play: who looks at which part when, blind and in a random order, from a seed.

Each look has a code of its own. The sheet of an appraiser holds codes alone; which part a code is stands
in the key, which stays with whoever hands out the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from taktsight.errors import DataError
from taktsight.quality.agreement import ENOUGH_PARTS
from taktsight.strict_model import StrictModel


class PlannedLook(StrictModel):
    """One look."""

    appraiser: str
    trial: int
    order: int
    """Of this appraiser's looks, from 1."""
    code: str
    """That the appraiser is told."""
    part: str
    reference: str
    """What the part is; "" where it is not known."""


class StudyPlan(StrictModel):
    """All looks, appraiser by appraiser in order."""

    seed: int
    looks: tuple[PlannedLook, ...]
    warnings: tuple[str, ...]


def study_plan(
    parts: Mapping[str, str], appraisers: Sequence[str], *, trials: int, seed: int, gage: bool = False
) -> StudyPlan:
    """The plan; the same seed and names give the same one, in whatever order they come.

    Args:
        parts: what each part is, "" where it is not known.
        appraisers: people, and the machine.
        trials: looks of each at each part.
        seed: of the random order.
        gage: whether values are measured, not verdicts given.

    Raises:
        DataError: If there are fewer than two parts, an appraiser stands twice, or there is no trial.
    """
    twice = sorted({name for name in appraisers if list(appraisers).count(name) > 1})
    if twice:
        raise DataError(f"appraiser {', '.join(twice)} stands twice")
    if len(parts) < 2 or not appraisers or trials < 1:
        raise DataError(
            f"{len(parts)} parts, {len(appraisers)} appraisers, {trials} trials: 2, 1 and 1 are the least"
        )
    chance = Random(seed)
    looks_in_all = len(parts) * len(appraisers) * trials
    codes = [f"{number:0{len(str(10 * looks_in_all))}d}" for number in range(1, 10 * looks_in_all)]
    taken = iter(chance.sample(codes, looks_in_all))
    looks: list[PlannedLook] = []
    for appraiser in sorted(appraisers):
        order = 0
        last = ""
        for trial in range(1, trials + 1):
            for part in _shuffled(sorted(parts), last, chance):
                order, last = order + 1, part
                looks.append(
                    PlannedLook(
                        appraiser=appraiser,
                        trial=trial,
                        order=order,
                        code=next(taken),
                        part=part,
                        reference=parts[part],
                    )
                )
    return StudyPlan(seed=seed, looks=tuple(looks), warnings=_warnings(parts, appraisers, trials, gage))


def _shuffled(parts: list[str], last: str, chance: Random) -> list[str]:
    """In a random order that does not begin with the part that was seen last."""
    chance.shuffle(parts)
    if parts[0] == last:
        parts.append(parts.pop(0))
    return parts


def _warnings(
    parts: Mapping[str, str], appraisers: Sequence[str], trials: int, gage: bool
) -> tuple[str, ...]:
    said = []
    if gage:
        if len(parts) < 10:
            said.append(f"{len(parts)} parts; 10 that span what the process makes are usual")
    elif len(parts) < ENOUGH_PARTS:
        said.append(f"{len(parts)} parts; {ENOUGH_PARTS} are usual, a third of them near the limit")
    if trials < 2:
        said.append("one trial shows nothing of how well each repeats itself")
    if len(appraisers) < 2:
        said.append("one appraiser: nobody to agree with but the reference")
    if not gage and not all(parts.values()):
        said.append("some parts have no reference: misses and false alarms will not be known")
    return tuple(said)
