"""Which parts people agree on, and why the others are not among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.inspect.review.store.values import Choice, Decision, Mark, PartKey, Why

LeftOutWhy = Literal[
    "known_part",
    "golden_part",
    "undone",
    "skipped",
    "escalated",
    "blind_only",
    "disagreeing",
    "contradictory",
    "place_unknown",
    "frames_gone",
    "inspected_again",
    "tested_on",
    "by_hand",
]
SAID: Mapping[str, str] = {
    "known_part": "known parts measure reviewers and never enter a training",
    "golden_part": "golden parts test the line and never enter a training",
    "undone": "every decision on them was undone",
    "skipped": "nobody decided",
    "escalated": "somebody asked for a second opinion, and nobody has given it",
    "blind_only": "decided blind, and by nobody who saw what the line said",
    "disagreeing": "a blind second opinion differs, and nobody has settled it",
    "contradictory": "called good, and marked as defective",
    "place_unknown": "of several views, and nobody marked which one shows the defect",
    "frames_gone": "a frame is no longer kept, nor in the version before",
    "inspected_again": "the same serial was inspected and reviewed again later",
    "tested_on": "the base holds their part or lot back to choose limits on or to test",
    "by_hand": "--without names them",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """A part that people agree on."""

    decision: Decision
    """The one that stands."""
    agreeing: tuple[int, ...]
    """Ids of the blind decisions that say the same."""
    marks: tuple[Mark, ...]
    """Where the defects are: those of the decision that stands, else of the first that agrees and drew."""

    @property
    def part(self) -> PartKey:
        """Which one."""
        return self.decision.part

    @property
    def truth(self) -> str:
        """``good``, or a label."""
        assert self.decision.truth is not None
        return self.decision.truth


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A reviewed part that is not taken."""

    part: PartKey
    why: LeftOutWhy


def settle(
    decisions: Iterable[Decision], without: Collection[PartKey] = ()
) -> tuple[list[Settled], list[LeftOut]]:
    """Every reviewed part once, in the order of their names: taken, or left out with the reason.

    Args:
        decisions: all of a store, in order; undone ones among them.
        without: parts that somebody wants left out.
    """
    by_part: dict[PartKey, list[Decision]] = {}
    for decision in decisions:
        by_part.setdefault(decision.part, []).append(decision)
    settled, left_out = [], []
    for part in sorted(by_part):
        found = "by_hand" if part in without else _settled(by_part[part])
        if isinstance(found, Settled):
            settled.append(found)
        else:
            left_out.append(LeftOut(part, found))
    return settled, left_out


def _settled(made: Sequence[Decision]) -> Settled | LeftOutWhy:
    """What a part is, once it is not known, undone or undecided."""
    if any(decision.why is Why.KNOWN for decision in made):
        return "known_part"
    standing = [decision for decision in made if decision.undone_by is None]
    said = [decision for decision in standing if decision.choice is not Choice.SKIP]
    seeing = [decision for decision in said if not decision.blind]
    if seeing:
        # Who decides after a blind opinion settles it.
        return _agreed(seeing[-1], [each for each in said if each.blind and each.id > seeing[-1].id])
    if said:
        return "blind_only"
    return "skipped" if standing else "undone"


def _agreed(last: Decision, blind: Sequence[Decision]) -> Settled | LeftOutWhy:
    """The decision that stands, if every blind opinion since is the same."""
    truths = {decision.truth for decision in (last, *blind)}
    if None in truths:
        return "escalated"
    if len(truths) > 1:
        return "disagreeing"
    marks = next((each.marks for each in (last, *blind) if each.marks), ())
    if marks and not _agrees(str(last.truth), marks):
        return "contradictory"
    return Settled(last, tuple(decision.id for decision in blind), marks)


def _agrees(truth: str, marks: Sequence[Mark]) -> bool:
    """Whether what was drawn is what was said: of several labels one must be the part's."""
    return truth != "good" and truth in {mark.label for mark in marks}
