"""Looks of a study, out of a long list: who called which part what, without holes or contradictions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.kappas import Codes

GOOD, HELD_UP = "good", "not good"


@dataclass(frozen=True, slots=True)
class Looks:
    """A whole study: every appraiser looked at every part as often as the others."""

    parts: tuple[str, ...]
    appraisers: tuple[str, ...]
    categories: tuple[str, ...]
    verdicts: Codes
    """(A, N, T) indices of categories."""
    reference: Codes | None
    """(N,)"""
    good: frozenset[int]
    """Categories that let a part pass."""


def looks_of(
    parts: Sequence[str],
    appraisers: Sequence[str],
    verdicts: Sequence[str],
    *,
    good: Collection[str],
    trials: Sequence[str] | None = None,
    references: Sequence[str] | None = None,
    by_label: bool = False,
) -> Looks:
    """The study in a long list, one look an entry, in any order.

    Args:
        parts: of each look.
        appraisers: of each look.
        verdicts: of each look.
        good: the verdicts that let a part pass; any other one holds it up.
        trials: which look of this appraiser at this part it is; absent, each looked once.
        references: what each part is, the same in all its looks; absent, nothing is known.
        by_label: tell verdicts apart that hold a part up; else they are all one.

    Raises:
        DataError: If the study has holes, says two things of one part, or knows one kind of part alone.
    """
    trials = ["1"] * len(parts) if trials is None else trials
    known = set(verdicts) | set(references or ())
    if not known & set(good):
        raise DataError(
            f"no verdict is one of {', '.join(sorted(good))}; there are {', '.join(sorted(known))}: say "
            "with --good which of them let a part pass"
        )
    said = _spoken(verdicts, good, by_label)
    meant = _spoken(references, good, by_label) if references is not None else None
    categories = tuple(sorted(set(said) | set(meant or ()), key=lambda name: (name != GOOD, name)))
    names = tuple(sorted(set(parts))), tuple(sorted(set(appraisers))), tuple(sorted(set(trials)))
    cells = _cells(parts, appraisers, trials, said, categories, names)
    reference = None if meant is None else _references(parts, meant, categories, names[0])
    letting_pass = frozenset(index for index, name in enumerate(categories) if name == GOOD)
    return Looks(names[0], names[1], categories, cells, reference, letting_pass)


def _spoken(verdicts: Sequence[str], good: Collection[str], by_label: bool) -> list[str]:
    if by_label and GOOD in verdicts and GOOD not in good:
        raise DataError(f"a verdict is called {GOOD!r} and is none of {sorted(good)}: call it otherwise")
    if by_label:
        return [GOOD if verdict in good else verdict for verdict in verdicts]
    return [GOOD if verdict in good else HELD_UP for verdict in verdicts]


def _cells(
    parts: Sequence[str],
    appraisers: Sequence[str],
    trials: Sequence[str],
    said: Sequence[str],
    categories: Sequence[str],
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
) -> Codes:
    """(A, N, T); trials of one appraiser at one part in the order of their names."""
    looks: dict[tuple[str, str], dict[str, int]] = {}
    for part, appraiser, trial, verdict in zip(parts, appraisers, trials, said, strict=True):
        of_part = looks.setdefault((appraiser, part), {})
        if trial in of_part:
            raise DataError(f"{appraiser} judged part {part!r} twice in trial {trial}")
        of_part[trial] = categories.index(verdict)
    for appraiser in names[1]:
        for part in names[0]:
            missing = [trial for trial in names[2] if trial not in looks.get((appraiser, part), {})]
            if missing:
                raise DataError(
                    f"{appraiser} did not judge part {part!r} in trial {', '.join(missing)}: every "
                    "appraiser must judge every part as often"
                )
    return np.array(
        [
            [[looks[appraiser, part][trial] for trial in names[2]] for part in names[0]]
            for appraiser in names[1]
        ],
        dtype=np.intp,
    )


def _references(
    parts: Sequence[str], meant: Sequence[str], categories: Sequence[str], names: Sequence[str]
) -> Codes:
    of_part: dict[str, str] = {}
    for part, reference in zip(parts, meant, strict=True):
        if of_part.setdefault(part, reference) != reference:
            raise DataError(f"part {part!r} has two references, {of_part[part]!r} and {reference!r}")
    return np.array([categories.index(of_part[part]) for part in names], dtype=np.intp)
