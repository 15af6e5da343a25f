"""From labelled parts to certified limits, or to what is missing for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.certificate import Claim, Counted, Kind, Method
from taktsight.quality.claims import Wanted, claimed_together, warnings_of
from taktsight.quality.exact_binomial import allowed_events, p_value, parts_needed
from taktsight.quality.learn_then_test import Thresholds, reject_thresholds, review_threshold, way_up
from taktsight.quality.parts import Bools, Codes, Floats, Parts, greatest_of, least_of, one_row_each
from taktsight.quality.parts_file import unscored
from taktsight.quality.rates import upper_bound

LEARNED: Method = "fixed-sequence Learn-then-Test, exact binomial"
GIVEN: Method = "exact binomial at limits chosen elsewhere"


@dataclass(frozen=True, slots=True)
class Missing:
    """A claim that these parts cannot show."""

    kind: Kind
    label: str | None
    units: int
    """There are so many."""
    needed: int | None
    """So many are needed, with no more events than there are; None where more parts are not what helps."""
    alpha: float
    delta: float
    reason: str


@dataclass(frozen=True, slots=True)
class Certified:
    """Limits with what was shown of them; or, with anything in ``missing``, nothing but that."""

    labels: tuple[str, ...]
    method: Method
    thresholds: Thresholds | None
    claims: tuple[Claim, ...] = ()
    missing: tuple[Missing, ...] = ()
    simultaneous: str = ""
    defective: int = 0
    good: int = 0
    overkill: Counted | None = None
    reviewed: Counted | None = None
    warnings: tuple[str, ...] = field(default=())


def certify(parts: Parts, wanted: Wanted, given: Thresholds | None = None) -> Certified:
    """Chooses limits and certifies them on the same parts, or tests limits that are given.

    Args:
        parts: that neither the network nor given limits have seen, a random sample of those to come.
        wanted: the rates and the confidence.
        given: limits that were chosen on other parts; None: they are chosen here, by Learn-then-Test.

    Raises:
        DataError: If a kind of parts is missing altogether, or a label has no score.
    """
    samples = _samples(one_row_each(parts), wanted)
    delta = wanted.escape_delta / len(samples.defective)
    allowed = {
        label: allowed_events(kind.units, wanted.escape, delta) for label, kind in samples.defective.items()
    }
    lacking = [
        _lacking("escape", label, samples.defective[label].units, wanted.escape, delta)
        for label, count in allowed.items()
        if count is None
    ]
    good = samples.good.units
    spare = allowed_events(good, wanted.overkill, wanted.overkill_delta)
    if spare is None:
        lacking.append(_lacking("overkill", None, good, wanted.overkill, wanted.overkill_delta))
    if lacking or spare is None:
        return Certified(samples.labels, LEARNED if given is None else GIVEN, None, missing=tuple(lacking))
    counts = {label: count for label, count in allowed.items() if count is not None}
    if given is None:
        return _learned(samples, counts, spare, wanted)
    return _tested(samples, given, counts, spare, wanted, GIVEN)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one kind, in units."""

    scores: Floats
    """(N, K)."""
    codes: Codes
    """(N,) which unit each row is of."""
    units: int

    def with_any(self, events: Bools) -> int:
        """Units of which at least one row has the event."""
        return int(np.unique(self.codes[events]).size)


@dataclass(frozen=True, slots=True)
class Samples:
    """What is tested."""

    labels: tuple[str, ...]
    defective: dict[str | None, Sample]
    """By label those that have it; or, under None, all of them."""
    good: Sample
    defective_units: int
    warnings: tuple[str, ...]

    def column(self, label: str | None) -> slice:
        """The scores that count for a label; all of them where all defective parts are one kind."""
        place = None if label is None else self.labels.index(label)
        return slice(None) if place is None else slice(place, place + 1)


def _samples(parts: Parts, wanted: Wanted) -> Samples:
    _check_parts(parts, wanted)
    units = parts.part if wanted.unit == "part" else parts.groups["lot"]

    def sample(rows: Bools) -> Sample:
        codes = units.codes[rows]
        return Sample(parts.scores[rows], codes, int(np.unique(codes).size))

    bad = parts.is_defective
    everything: dict[str | None, Sample] = {None: sample(bad)}
    by_label: dict[str | None, Sample] = {label: sample(parts.has(label)) for label in parts.labels}
    return Samples(
        parts.labels,
        everything if wanted.scope == "part" else by_label,
        sample(~bad),
        everything[None].units,
        warnings_of(parts, wanted.unit),
    )


def _check_parts(parts: Parts, wanted: Wanted) -> None:
    if not parts.labels:
        raise DataError("no column score:LABEL: a certificate is about scores, one column for each label")
    if wanted.unit == "lot" and ("lot" not in parts.groups or "" in parts.groups["lot"].names):
        raise DataError("column lot: is missing or empty somewhere, and the unit to certify is the lot")
    if not parts.is_defective.any():
        raise DataError("column truth: every part is good, so nothing can be said of escapes")
    if parts.is_defective.all():
        raise DataError("column truth: no part is good, so nothing can be said of overkill")
    unknown = unscored(parts)
    if unknown and wanted.scope == "label":
        raise DataError(
            f"column truth: {', '.join(unknown)} has no column score:{unknown[0]}, so no limit is its own; "
            "certify by part, where all defective parts count as one kind"
        )


def _lacking(kind: Kind, label: str | None, units: int, alpha: float, delta: float) -> Missing:
    needed = parts_needed(0, alpha, delta)
    said = (
        f"{units:,} cannot show {alpha:.3%} even without a miss, {needed:,} can: "
        f"{needed - units:,} are missing"
    )
    return Missing(kind, label, units, needed, alpha, delta, said)


def _learned(samples: Samples, allowed: Mapping[str | None, int], spare: int, wanted: Wanted) -> Certified:
    edges, blind = [], []
    for label, kind in samples.defective.items():
        scores = least_of(kind.scores[:, samples.column(label)].max(axis=1), kind.codes)
        edges.append(review_threshold(scores, allowed[label]))
        if edges[-1] == 0:
            blind.append(_blind(label, scores, wanted, len(samples.defective)))
    if blind:
        return Certified(samples.labels, LEARNED, None, missing=tuple(blind))
    review = edges * len(samples.labels) if wanted.scope == "part" else edges
    ways = greatest_of(way_up(samples.good.scores, review), samples.good.codes)
    thresholds = reject_thresholds(review, ways, spare)
    if thresholds is None:
        said = f"more than {spare} good parts score 1, so no limit spares them; the network is sure of them"
        place = (samples.good.units, None, wanted.overkill, wanted.overkill_delta, said)
        return Certified(samples.labels, LEARNED, None, missing=(Missing("overkill", None, *place),))
    return _tested(samples, thresholds, allowed, spare, wanted, LEARNED)


def _blind(label: str | None, scores: Floats, wanted: Wanted, tests: int) -> Missing:
    unseen = int(np.sum(scores == 0))
    said = f"{unseen} of {scores.size} score 0, so a limit that holds enough of them lets no part pass"
    return Missing("escape", label, scores.size, None, wanted.escape, wanted.escape_delta / tests, said)


def _tested(
    samples: Samples,
    thresholds: Thresholds,
    allowed: Mapping[str | None, int],
    spare: int,
    wanted: Wanted,
    method: Method,
) -> Certified:
    claims: list[Claim] = []
    missing: list[Missing] = []
    delta, good = wanted.escape_delta / len(samples.defective), samples.good
    for label, kind in samples.defective.items():
        column = samples.column(label)
        passed = np.all(kind.scores[:, column] < np.array(thresholds.review)[column], axis=1)
        seen = (label, kind.units, kind.with_any(passed), allowed[label])
        _put("escape", seen, (wanted.escape, delta), claims, missing)
    held, rejected = (
        good.with_any(events) for events in (thresholds.held(good.scores), thresholds.rejected(good.scores))
    )
    about: Kind = "false reject" if thresholds.has_band else "overkill"
    seen = (None, good.units, rejected if thresholds.has_band else held, spare)
    _put(about, seen, (wanted.overkill, wanted.overkill_delta), claims, missing)
    overkill, reviewed = _counted(held, held - rejected, samples, thresholds, wanted, method)
    return Certified(
        samples.labels,
        method,
        thresholds,
        () if missing else tuple(claims),
        tuple(missing),
        "" if missing else claimed_together(wanted, claims, thresholds),
        samples.defective_units,
        good.units,
        overkill,
        reviewed,
        samples.warnings,
    )


def _counted(
    held: int, reviewed: int, samples: Samples, thresholds: Thresholds, wanted: Wanted, method: Method
) -> tuple[Counted, Counted]:
    """Good parts held up and sent to review, with bounds that hold although limits were chosen here.

    With a band the review thresholds were chosen on defective parts alone, so the count of good parts held
    up is binomial, and no more can be reviewed than are held. Without one the threshold was chosen on good
    parts too, and what is certified of it is the bound.
    """
    units, sure = samples.good.units, 1 - wanted.overkill_delta
    upper = upper_bound(held, units, sure)
    review_upper = upper
    if not thresholds.has_band:
        upper, review_upper = (wanted.overkill if method == LEARNED else upper), 0.0
    elif method == GIVEN:
        review_upper = upper_bound(reviewed, units, sure)
    return (
        Counted(events=held, parts=units, upper=upper),
        Counted(events=reviewed, parts=units, upper=review_upper),
    )


def _put(
    kind: Kind,
    seen: tuple[str | None, int, int, int],
    chance: tuple[float, float],
    claims: list[Claim],
    missing: list[Missing],
) -> None:
    """A claim where so many events show it, else what is missing."""
    (label, units, events, allowed), (alpha, delta) = seen, chance
    if events <= allowed:
        claims.append(
            Claim(
                kind=kind,
                label=label,
                units=units,
                events=events,
                allowed=allowed,
                alpha=alpha,
                delta=delta,
            )
        )
        return
    needed = parts_needed(events, alpha, delta)
    chance_said = p_value(events, units, alpha)
    said = (
        f"{events} of {units:,}, {allowed} may be (p = {chance_said:.3g}): {needed:,} with no further one "
        "would show it; limits that were not chosen on these parts can only be tested"
    )
    missing.append(Missing(kind, label, units, needed, alpha, delta, said))
