"""What an audit shows by now: counted are, of each stratum, its first parts that were all looked at.

Reviewers look at what seems worst first; what they happened to look at is no random sample. The first n
parts of the order in which an audit was drawn are one, for every n. A part that waits, say because it was
escalated, holds up what comes after it until somebody says what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taktsight.inspect.review.audits.values import Audit, DrawnPart
from taktsight.inspect.review.figures.decided import Decided, flagged_parts
from taktsight.inspect.review.store.values import GOOD
from taktsight.quality.audit_estimate import AuditFigures, Flagged, Stratum, any_time_upper, estimate
from taktsight.quality.audit_more import More, more_for_ppm
from taktsight.quality.rates import Rate, clopper_pearson

MILLION = 1_000_000
CURVE_POINTS = 60


@dataclass(frozen=True, slots=True)
class Looked:
    """A drawn part and what it turned out to be."""

    drawn: DrawnPart
    truth: str | None
    is_escalated: bool


@dataclass(frozen=True, slots=True)
class StratumNow:
    """One stratum."""

    name: str
    passed: int
    drawn: int
    looked: int
    """Parts of it with a truth."""
    counted: int
    """Its first parts that all have one."""
    defective: int
    """Of those counted."""


@dataclass(frozen=True, slots=True)
class Now:
    """An audit by now."""

    audit: Audit
    parts: tuple[Looked, ...]
    """In the order to look at them: one of each stratum in turn."""
    strata: tuple[StratumNow, ...]
    flagged: Flagged | None
    """Parts of the same rows that did not pass; None where none was looked at."""
    figures: AuditFigures | None
    """None until a part of each stratum is counted."""
    more: More | None
    """By the bound of an audit whose size was fixed."""
    more_any_time: int | None
    """More parts without a defect until the bound that holds at any time is at the claim; 0 where it is."""
    overkill: Rate | None
    """Flagged parts that are good ÷ flagged parts that were looked at."""
    curve: tuple[tuple[int, float], ...]
    """Parts counted, and the bound in ppm that held then; of an audit without strata."""

    @property
    def looked(self) -> int:
        """Drawn parts with a truth."""
        return sum(stratum.looked for stratum in self.strata)

    @property
    def next(self) -> Looked | None:
        """The part to look at now; escalated ones are a supervisor's."""
        return next((part for part in self.parts if part.truth is None and not part.is_escalated), None)

    @property
    def escalated(self) -> tuple[Looked, ...]:
        """Those that hold up what comes after them."""
        return tuple(part for part in self.parts if part.is_escalated)

    @property
    def found(self) -> tuple[Looked, ...]:
        """Escapes that were found, counted yet or not."""
        return tuple(part for part in self.parts if part.truth not in (None, GOOD))


def now(audit: Audit, decided: Decided) -> Now:
    """The audit with what was decided by now."""
    looked = [_looked(drawn, decided) for drawn in audit.parts]
    by_stratum = {name: [part for part in looked if part.drawn.stratum == name] for name in audit.strata}
    strata = tuple(_stratum(name, audit.strata[name], parts) for name, parts in by_stratum.items())
    flagged = _flagged(audit, decided)
    is_begun = all(stratum.counted for stratum in strata)
    counted = [Stratum(each.name, each.passed, each.counted, each.defective) for each in strata]
    figures = estimate(counted, flagged) if is_begun else None
    return Now(
        audit=audit,
        parts=tuple(_in_turn(list(by_stratum.values()))),
        strata=strata,
        flagged=flagged,
        figures=figures,
        more=more_for_ppm(figures, audit.claim_ppm) if figures else None,
        more_any_time=_more_any_time(counted, audit.claim_ppm) if is_begun else None,
        overkill=clopper_pearson(flagged.verified - flagged.defective, flagged.verified)
        if flagged
        else None,
        curve=_curve(next(iter(by_stratum.values())), strata[0].counted) if len(strata) == 1 else (),
    )


def _looked(drawn: DrawnPart, decided: Decided) -> Looked:
    spoken = decided.of(drawn.key)
    standing = spoken.standing if spoken else None
    return Looked(
        drawn, standing.truth if standing else None, standing is not None and standing.truth is None
    )


def _stratum(name: str, passed: int, parts: Sequence[Looked]) -> StratumNow:
    first = next((place for place, part in enumerate(parts) if part.truth is None), len(parts))
    defective = sum(part.truth != GOOD for part in parts[:first])
    looked = sum(part.truth is not None for part in parts)
    return StratumNow(name, passed, len(parts), looked, first, defective)


def _in_turn(strata: Sequence[Sequence[Looked]]) -> list[Looked]:
    """By the share of its stratum that comes before it, so that all strata are done at the same time."""
    placed = [
        ((place + 1) / len(parts), number, part)
        for number, parts in enumerate(strata)
        for place, part in enumerate(parts)
    ]
    return [part for _, _, part in sorted(placed, key=lambda each: each[:2])]


def _flagged(audit: Audit, decided: Decided) -> Flagged | None:
    """Of the audit's rows; those that were looked at stand for the others."""
    total = sum(audit.others.get(outcome, 0) for outcome in ("REJECT", "REVIEW"))
    truths = [
        part.truth
        for part in flagged_parts(decided.parts(), audit.first, audit.last)
        if part.truth and audit.run in ("", part.key.run)
    ][:total]
    if not truths:
        return None
    return Flagged(total, len(truths), sum(truth != GOOD for truth in truths))


def _more_any_time(strata: Sequence[Stratum], claim_ppm: float) -> int | None:
    """By halves: the fewest parts more, spread as the strata pass, none of them defective."""
    passed = sum(stratum.passed for stratum in strata)

    def bound(more: int) -> float:
        grown = [
            Stratum(
                each.name,
                each.passed,
                min(each.passed, each.audited + -(-more * each.passed // passed)),
                each.defective,
            )
            for each in strata
        ]
        return estimate(grown).ppm_upper_any_time

    if bound(0) <= claim_ppm:
        return 0
    least, most = 0, passed
    if bound(most) > claim_ppm:
        return None  # not even if every part were looked at
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if bound(middle) <= claim_ppm else (middle, most)
    return most


def _curve(parts: Sequence[Looked], counted: int, delta: float = 0.05) -> tuple[tuple[int, float], ...]:
    places = sorted({round(1 + step * (counted - 1) / CURVE_POINTS) for step in range(CURVE_POINTS + 1)})
    if not counted:
        return ()
    is_defective = [part.truth != GOOD for part in parts[:counted]]
    return tuple(
        (place, any_time_upper(sum(is_defective[:place]), place, delta) * MILLION) for place in places
    )
