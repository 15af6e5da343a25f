"""Whether a criterion is fulfilled: only where a bound says so, and what is missing where none does.

fulfilled           the bound at the agreed confidence lies on the criterion's side
not fulfilled       the opposite bound lies beyond the criterion: more parts would not help
cannot be decided   neither, or the thing was not measured
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from taktsight.quality.exact_binomial import parts_needed
from taktsight.quality.rates import lower_bound, upper_bound
from taktsight.strict_model import StrictModel

Decision = Literal["fulfilled", "not fulfilled", "cannot be decided"]
NOT_GIVEN = {
    "pod": "no table of targets was given (--targets)",
    "agreement": "no agreement study was given (--agreement)",
    "gage": "no gage study was given (--gage)",
    "ledger": "no ledger was given (--records)",
    "audit": "no audit was given (--audit)",
}
"""What decides → why it is not there."""


class Criterion(StrictModel):
    """One line of the table that decides."""

    name: str
    agreed: str
    """The limit, as people write it."""
    limit: float
    measured: str = ""
    """As people write it; "" where nothing was measured."""
    value: float | None = None
    bound: str = ""
    """What decides, as people write it."""
    bound_value: float | None = None
    decision: Decision
    missing: int | None = None
    """Parts, targets or verdicts that a decision takes, if no further event comes; None where more of them
    would not help or nothing was measured."""
    why: str = ""
    """Why it cannot be decided, or is not fulfilled."""
    sources: tuple[str, ...] = ()
    """Markers of what it comes from."""


def rate_at_most(
    name: str,
    counted: tuple[int, int],
    limit: float,
    confidence: float,
    sources: Sequence[str],
    *,
    unit: str = "parts",
) -> Criterion:
    """A share that may be so much at most, by the exact binomial.

    Args:
        name: of the rate.
        counted: events, and parts they may happen to.
        limit: 0–1.
        confidence: one-sided.
        sources: markers.
        unit: what is counted.
    """
    events, parts = counted
    if not parts:
        return undecided(name, f"≤ {percent(limit)}", limit, f"no such {unit} were judged", sources)
    upper, lower = (bound(events, parts, confidence) for bound in (upper_bound, lower_bound))
    shows = upper <= limit
    refuted = lower > limit
    needed = None if shows or refuted else parts_needed(events, limit, 1 - confidence)
    if shows:
        why = ""
    elif refuted:
        why = f"at least {percent(lower)} at {percent(confidence)} confidence"
    else:
        why = f"{needed or 0:,} {unit} with no further event would show it"
    return Criterion(
        name=name,
        agreed=f"≤ {percent(limit)}",
        limit=limit,
        measured=f"{events:,} of {parts:,} = {percent(events / parts)}",
        value=events / parts,
        bound=f"≥ {percent(lower)}" if refuted else f"≤ {percent(upper)}",
        bound_value=lower if refuted else upper,
        decision="fulfilled" if shows else "not fulfilled" if refuted else "cannot be decided",
        missing=None if needed is None else needed - parts,
        why=why,
        sources=tuple(sources),
    )


def undecided(name: str, agreed: str, limit: float, why: str, sources: Sequence[str] = ()) -> Criterion:
    """A criterion about something that was not measured."""
    return Criterion(
        name=name,
        agreed=agreed,
        limit=limit,
        decision="cannot be decided",
        why=why,
        sources=tuple(sources),
    )


def size_at_most(
    name: str, measured: tuple[float, float | None], limit: float, targets: int, sources: Sequence[str]
) -> Criterion:
    """a90/95: by the curve's own bound; refuted where a90 itself is larger.

    Args:
        name: of the size.
        measured: a90, and a90/95 or None where no size is.
        limit: in mm.
        targets: that the curve is of.
        sources: markers.
    """
    estimate, bound = measured
    shows = bound is not None and bound <= limit
    refuted = not shows and estimate > limit
    missing = None
    why = ""
    if refuted:
        why = f"a90 itself is {estimate:.4g} mm"
    elif not shows and bound is None:
        why = "no size has a bound: see the warnings of the curve"
    elif not shows and bound is not None:
        missing = _more(targets, bound - estimate, limit - estimate)
        why = (
            "the bound nears a90 with the root of the number of targets" if missing else "a90 is the limit"
        )
    return Criterion(
        name=name,
        agreed=f"≤ {limit:g} mm",
        limit=limit,
        measured=f"a90 = {estimate:.4g} mm",
        value=estimate,
        bound="none" if bound is None else f"a90/95 = {bound:.4g} mm",
        bound_value=bound,
        decision="fulfilled" if shows else "not fulfilled" if refuted else "cannot be decided",
        missing=missing,
        why=why,
        sources=tuple(sources),
    )


def kappa_at_least(
    name: str,
    measured: tuple[float, float | None, float | None],
    limit: float,
    parts: int,
    sources: Sequence[str],
) -> Criterion:
    """Agreement of at least so much, by its interval.

    Args:
        name: of the agreement.
        measured: kappa with the ends of its interval, None where it has none.
        limit: −1 to 1.
        parts: of the study.
        sources: markers.
    """
    value, low, high = measured
    shows = low is not None and low >= limit
    refuted = high is not None and high < limit
    missing = None
    why = ""
    if refuted:
        why = f"even the upper end of its interval is {high:.2f}"
    elif low is None:
        why = "its interval cannot be had from these parts"
    elif not shows and value > limit:
        missing = _more(parts, value - low, value - limit)
        why = "the interval narrows with the root of the number of parts"
    elif not shows:
        why = "the estimate lies below the limit, its interval does not"
    return Criterion(
        name=name,
        agreed=f"≥ {limit:.2f}",
        limit=limit,
        measured=f"{value:.3f}",
        value=value,
        bound="none" if low is None else f"≥ {low:.3f}",
        bound_value=low,
        decision="fulfilled" if shows else "not fulfilled" if refuted else "cannot be decided",
        missing=missing,
        why=why,
        sources=tuple(sources),
    )


def estimate_at_most(name: str, value: float, limit: float, why: str, sources: Sequence[str]) -> Criterion:
    """A figure whose method has no bound: the estimate decides, and that is said."""
    return Criterion(
        name=name,
        agreed=f"≤ {percent(limit)}",
        limit=limit,
        measured=percent(value),
        value=value,
        bound="the method has none",
        decision="fulfilled" if value <= limit else "not fulfilled",
        why=why,
        sources=tuple(sources),
    )


def _more(count: int, distance: float, room: float) -> int | None:
    """As many more as shrink a distance, which falls with the root of their number, into the room."""
    if room <= 0:
        return None
    return max(1, math.ceil(count * (distance / room) ** 2) - count)


def percent(share: float) -> str:
    """A share in per cent, with the digits that it needs."""
    value = 100 * share
    return f"{value:.3g} %" if value < 10 else f"{value:.1f} %".replace(".0 %", " %")


def counts_of(criteria: Sequence[Criterion]) -> Mapping[Decision, int]:
    """How many are decided which way."""
    states: tuple[Decision, ...] = ("fulfilled", "not fulfilled", "cannot be decided")
    return {state: sum(each.decision == state for each in criteria) for state in states}


def in_a_sentence(criteria: Sequence[Criterion]) -> str:
    """The verdict of them all."""
    if not criteria:
        return "No criteria were agreed: the figures stand without a verdict."
    counts = counts_of(criteria)
    total = "the criterion is" if len(criteria) == 1 else f"all {len(criteria)} criteria are"
    if counts["fulfilled"] == len(criteria):
        return f"Fulfilled: {total} fulfilled."
    said = [
        f"{count} of {len(criteria)} {'is' if count == 1 else 'are'} {state}"
        if state != "cannot be decided"
        else f"{count} of {len(criteria)} cannot be decided"
        for state, count in counts.items()
        if count
    ]
    first = "Not fulfilled" if counts["not fulfilled"] else "Not decided"
    return f"{first}: {', '.join(said)}."
