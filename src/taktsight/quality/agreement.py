"""Attribute agreement: whether people and the machine judge the same parts the same way, and the right way.

Limits of the verdicts are those usual in the automotive industry (AIAG, Measurement Systems Analysis, 4th
edition): effectiveness, miss rate and false-alarm rate, and kappa. The machine is an appraiser like any
other. Rates are over parts or looks as said; intervals of parts are exact.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

from taktsight.quality.agreement_looks import Looks
from taktsight.quality.kappas import Kappa, cohen_kappa, fleiss_kappa
from taktsight.quality.rates import Rate, clopper_pearson
from taktsight.quality.tables import Bools
from taktsight.strict_model import StrictModel

Judged = Literal["acceptable", "marginal", "unacceptable"]
ENOUGH_PARTS = 50
"""Of an attribute study, by the same manual."""
GOOD_KAPPA, POOR_KAPPA = 0.75, 0.40


class Share(StrictModel):
    """A share with its exact interval."""

    events: int
    of: int
    value: float | None
    low: float
    high: float


class Appraiser(StrictModel):
    """One person, or the machine."""

    name: str
    repeatable: Share
    """Parts that got the same verdict in each trial ÷ parts."""
    within: Kappa | None
    """Fleiss's over the trials; None of a single trial."""
    effective: Share | None = None
    """Parts that were judged right in each trial ÷ parts; None without a reference."""
    missed: Share | None = None
    """Looks at a defective part that called it good ÷ such looks, taken for independent."""
    false_alarms: Share | None = None
    """Looks at a good part that did not call it good ÷ such looks."""
    to_reference: Kappa | None = None
    verdict: Judged | None = None
    """By the usual limits, the worst of effectiveness, misses and false alarms."""
    why: str = ""


class Pair(StrictModel):
    """Two appraisers."""

    first: str
    second: str
    kappa: Kappa
    verdict: Literal["good", "moderate", "poor", "undefined"]


class Agreement(StrictModel):
    """A study."""

    parts: int
    trials: int
    categories: tuple[str, ...]
    confidence: float
    appraisers: tuple[Appraiser, ...]
    pairs: tuple[Pair, ...]
    all_agree: Share
    """Parts that all appraisers judged the same in all trials ÷ parts."""
    all_right: Share | None
    """Of these, those judged as the reference says ÷ parts."""
    fleiss: Kappa | None
    """Over all looks of all appraisers; None of one appraiser with one trial."""
    verdict: Judged | None
    """The worst appraiser's."""
    convention: str
    warnings: tuple[str, ...]


def agreement(looks: Looks, confidence: float = 0.95) -> Agreement:
    """Everything that the study shows.

    Args:
        looks: the study.
        confidence: two-sided coverage of the intervals.
    """
    count, n, trials = looks.verdicts.shape
    size = len(looks.categories)
    every = looks.verdicts.transpose(1, 0, 2).reshape(n, count * trials)
    same = (every == every[:, :1]).all(axis=1)
    right = None if looks.reference is None else same & (every[:, 0] == looks.reference)
    appraisers = tuple(_appraiser(looks, index, confidence) for index in range(count))
    judged = [appraiser.verdict for appraiser in appraisers if appraiser.verdict is not None]
    return Agreement(
        parts=n,
        trials=trials,
        categories=looks.categories,
        confidence=confidence,
        appraisers=appraisers,
        pairs=tuple(_pair(looks, a, b, confidence) for a, b in combinations(range(count), 2)),
        all_agree=_share(same, confidence),
        all_right=None if right is None else _share(right, confidence),
        fleiss=fleiss_kappa(every, size, confidence) if count * trials > 1 else None,
        verdict=max(judged, key=ORDER.index) if judged else None,
        convention=(
            "AIAG MSA 4: effectiveness ≥ 90 %, misses ≤ 2 %, false alarms ≤ 5 % acceptable; ≥ 80 %, ≤ 5 %, "
            f"≤ 10 % marginal; kappa ≥ {GOOD_KAPPA} good, < {POOR_KAPPA:.2f} poor. Shares with exact "
            "intervals, kappa with the jackknife over parts"
        ),
        warnings=_warnings(looks),
    )


ORDER: tuple[Judged, ...] = ("acceptable", "marginal", "unacceptable")


def _appraiser(looks: Looks, index: int, confidence: float) -> Appraiser:
    verdicts, name = looks.verdicts[index], looks.appraisers[index]
    size, trials = len(looks.categories), verdicts.shape[1]
    same = (verdicts == verdicts[:, :1]).all(axis=1)
    within = fleiss_kappa(verdicts, size, confidence) if trials > 1 else None
    if looks.reference is None:
        return Appraiser(name=name, repeatable=_share(same, confidence), within=within)
    passed, is_good = (np.isin(codes, list(looks.good)) for codes in (verdicts, looks.reference))
    effective = _share(same & (verdicts[:, 0] == looks.reference), confidence)
    missed = _share(passed[~is_good].ravel(), confidence)
    false_alarms = _share(~passed[is_good].ravel(), confidence)
    repeated = np.repeat(looks.reference[:, None], trials, axis=1)
    verdict, why = _judged(effective, missed, false_alarms)
    return Appraiser(
        name=name,
        repeatable=_share(same, confidence),
        within=within,
        effective=effective,
        missed=missed,
        false_alarms=false_alarms,
        to_reference=cohen_kappa(verdicts, repeated, size, confidence),
        verdict=verdict,
        why=why,
    )


def _judged(effective: Share, missed: Share, false_alarms: Share) -> tuple[Judged | None, str]:
    grades: list[tuple[Judged, str]] = []
    for share, name, fine, bearable in (
        (missed, "misses", 0.02, 0.05),
        (false_alarms, "false alarms", 0.05, 0.10),
    ):
        if share.value is not None:
            grades.append((_grade(share.value, fine, bearable), f"{name} {share.value:.1%}"))
    if effective.value is not None:
        grades.append((_grade(1 - effective.value, 0.10, 0.20), f"effectiveness {effective.value:.1%}"))
    worst = max((grade for grade, _ in grades), key=ORDER.index)
    reasons = [why for grade, why in grades if grade == worst and worst != "acceptable"]
    return worst, ", ".join(reasons)


def _grade(value: float, fine: float, bearable: float) -> Judged:
    if value <= fine + 1e-12:
        return "acceptable"
    return "marginal" if value <= bearable + 1e-12 else "unacceptable"


def _pair(looks: Looks, first: int, second: int, confidence: float) -> Pair:
    kappa = cohen_kappa(looks.verdicts[first], looks.verdicts[second], len(looks.categories), confidence)
    if kappa.value is None:
        verdict: Literal["good", "moderate", "poor", "undefined"] = "undefined"
    elif kappa.value >= GOOD_KAPPA:
        verdict = "good"
    else:
        verdict = "poor" if kappa.value < POOR_KAPPA else "moderate"
    names = looks.appraisers
    return Pair(first=names[first], second=names[second], kappa=kappa, verdict=verdict)


def _share(happened: Bools, confidence: float) -> Share:
    rate: Rate = clopper_pearson(int(happened.sum()), len(happened), confidence)
    return Share(
        events=rate.events,
        of=rate.parts,
        value=rate.value if rate.parts else None,
        low=rate.low,
        high=rate.high,
    )


def _warnings(looks: Looks) -> tuple[str, ...]:
    said = []
    n, trials = looks.verdicts.shape[1:]
    if n < ENOUGH_PARTS:
        said.append(f"{n} parts; {ENOUGH_PARTS} are usual, so that few parts do not decide")
    if trials < 2:
        said.append("one trial: nothing is known of how well each repeats itself")
    if looks.reference is None:
        said.append("no reference: who agrees may agree on what is wrong")
    else:
        good = int(np.isin(looks.reference, list(looks.good)).sum())
        if good in (0, n):
            kind = "good" if good else "defective"
            said.append(
                f"all parts are {kind}: " + ("misses" if good else "false alarms") + " are not known"
            )
        elif not 0.25 <= good / n <= 0.75:
            said.append(f"{good} of {n} parts are good; kappa wants both kinds about as often")
    return tuple(said)
