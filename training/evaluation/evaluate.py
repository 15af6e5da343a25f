"""From judged parts to figures: what the chosen limits do to a split that nothing was fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taktsight.card import Task
from taktsight.datasets.samples import GOOD, Split
from taktsight.errors import DataError
from taktsight.quality.rates import clopper_pearson, escape_rate, overkill_rate
from taktsight.recipe import Limit
from taktsight.records import Outcome, Verdict
from taktsight.training.evaluation.classes import classify
from taktsight.training.evaluation.curves import Bools, auroc, average_precision, curve, shortest
from taktsight.training.evaluation.estimates import Estimate, Share, bootstrap, weighted_mean
from taktsight.training.evaluation.figures import (
    Figures,
    LabelFigures,
    LotFigures,
    OutcomeCounts,
    PartFigures,
    SplitFigures,
)
from taktsight.training.evaluation.found_regions import count_regions, region_figures
from taktsight.training.evaluation.judged import Clusters, JudgedPart, clusters_of, is_defective
from taktsight.training.evaluation.operating_point import (
    ChosenLimits,
    held_by,
    judge,
    measure,
    parts_to_measure,
)
from taktsight.training.evaluation.sizes import size_figures
from taktsight.training.evaluation.timelines import timelines


def evaluate(
    parts: Sequence[JudgedPart],
    labels: Sequence[str],
    task: Task,
    chosen: ChosenLimits,
    *,
    measured_on: Split = "test",
    mm_per_px: float | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> Figures:
    """What the chosen limits do to the parts of a split.

    Args:
        parts: of all splits; those of ``measured_on`` are judged, the others are counted, and
            checked to share no physical part with them.
        labels: K defect labels, in the order of the scores.
        task: what the network does; a classification gets a confusion matrix.
        chosen: from :func:`~taktsight.training.evaluation.operating_point.choose_limits`.
        measured_on: a split that neither the network nor the limits have seen.
        mm_per_px: scale of the frames, for the sizes of defects; None where nobody knows.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        DataError: If the split is empty or the one the limits were chosen on, a label is unknown, a
            name stands twice, or a physical part lies in two splits.
    """
    measured = parts_to_measure(parts, chosen_on=chosen.chosen_on, measured_on=measured_on)
    _check_parts(parts, measured, labels)
    verdicts = judge(measured, labels, chosen.limits)
    limits = tuple(sorted(chosen.limits, key=lambda limit: labels.index(limit.label)))
    defective = is_defective(measured)
    passed = np.array([verdict.outcome is Outcome.PASS for verdict in verdicts], dtype=bool)
    clusters = clusters_of(measured)
    scores = np.array([part.score for part in measured], dtype=np.float64)
    located = np.array([part.is_defective and part.pixel_f1 is not None for part in measured], dtype=bool)
    both_kinds = bool(defective.any() and not defective.all())
    precision = average_precision(defective, scores)
    repeated = len(set(clusters.tolist())) < len(measured)
    return Figures(
        task=task,
        labels=tuple(labels),
        limits=limits,
        limits_reason=chosen.reason,
        operating_point=measure(parts, labels, limits, chosen_on=chosen.chosen_on, measured_on=measured_on),
        escape=Share.of(escape_rate(defective, passed)),
        overkill=Share.of(overkill_rate(defective, passed)),
        escape_physical=_physical(clusters, defective, passed) if repeated else None,
        overkill_physical=_physical(clusters, ~defective, ~passed) if repeated else None,
        defective_outcomes=_count(verdicts, defective),
        good_outcomes=_count(verdicts, ~defective),
        auroc=auroc(defective, scores, clusters),
        average_precision=(
            bootstrap(precision, clusters, seed=seed, resamples=resamples) if both_kinds else None
        ),
        pixel_f1=_pixel_f1(measured, located, seed=seed, resamples=resamples),
        pixel_f1_parts=int(located.sum()),
        regions=region_figures(measured, seed=seed, resamples=resamples),
        classification=(
            classify(measured, labels, clusters, seed=seed, resamples=resamples)
            if task == "classification"
            else None
        ),
        per_label=tuple(_label_figures(measured, verdicts, clusters, labels, limit) for limit in limits),
        by_size=size_figures(measured, verdicts, labels, limits, mm_per_px),
        size_unit="mm" if mm_per_px else "px",
        unsized_parts=sum(part.true_defects is None for part in measured if part.is_defective),
        per_lot=_lot_figures(measured, defective, passed),
        timelines=timelines(measured, verdicts),
        splits=_split_figures(parts),
        curve=curve(defective, scores),
        parts=tuple(_part_figures(part, verdict) for part, verdict in zip(measured, verdicts, strict=True)),
        bootstrap_seed=seed,
        bootstrap_resamples=resamples,
    )


def _check_parts(
    parts: Sequence[JudgedPart], measured: Sequence[JudgedPart], labels: Sequence[str]
) -> None:
    unknown = sorted({part.label for part in parts} - {*labels, GOOD})
    if unknown:
        raise DataError(f"parts carry the labels {unknown}; the network knows {list(labels)}")
    wrong = [part.name for part in parts if part.scores.shape != (len(labels),)]
    if wrong:
        raise DataError(
            f"{len(labels)} labels need {len(labels)} scores per part; {_few(wrong)} have others"
        )
    names = [part.name for part in measured]
    twice = sorted({name for name in names if names.count(name) > 1}) if len({*names}) < len(names) else []
    if twice:
        raise DataError(f"names stand twice in the split: {_few(twice)}; give the folder with the name")
    split = measured[0].split
    elsewhere = {part.part for part in parts if part.split != split and part.part}
    shared = sorted({part.part for part in measured} & elsewhere)
    if shared:
        raise DataError(
            f"physical parts lie in {split} and in another split: {_few(shared)}; "
            "split by physical part, or the figures only show what the network remembers"
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _physical(clusters: Clusters, counted: Bools, event: Bools) -> Share:
    """Physical parts with an event in any exposure ÷ physical parts."""
    with_event = np.unique(clusters[counted & event]).size
    return Share.of(clopper_pearson(with_event, np.unique(clusters[counted]).size))


def _count(verdicts: Sequence[Verdict], chosen: Bools) -> OutcomeCounts:
    outcomes = [verdict.outcome for verdict, is_chosen in zip(verdicts, chosen, strict=True) if is_chosen]
    return OutcomeCounts(
        passed=outcomes.count(Outcome.PASS),
        reviewed=outcomes.count(Outcome.REVIEW),
        rejected=outcomes.count(Outcome.REJECT),
    )


def _pixel_f1(parts: Sequence[JudgedPart], located: Bools, *, seed: int, resamples: int) -> Estimate | None:
    chosen = [part for part, is_located in zip(parts, located, strict=True) if is_located]
    values = np.array([part.pixel_f1 for part in chosen], dtype=np.float64)
    if not chosen:
        return None
    return bootstrap(weighted_mean(values), clusters_of(chosen), seed=seed, resamples=resamples)


def _label_figures(
    parts: Sequence[JudgedPart],
    verdicts: Sequence[Verdict],
    clusters: Clusters,
    labels: Sequence[str],
    limit: Limit,
) -> LabelFigures:
    of_label = np.array([part.label == limit.label for part in parts], dtype=bool)
    good = ~is_defective(parts)
    compared = of_label | good
    own_scores = np.array([part.scores[labels.index(limit.label)] for part in parts], dtype=np.float64)
    outcomes = _count(verdicts, of_label)
    held = held_by(limit, [part for part in parts if not part.is_defective], labels)
    return LabelFigures(
        label=limit.label,
        escape=Share.of(clopper_pearson(outcomes.passed, int(of_label.sum()))),
        outcomes=outcomes,
        physical_parts=np.unique(clusters[of_label]).size,
        overkill=Share.of(clopper_pearson(held, int(good.sum()))),
        auroc=auroc(of_label[compared], own_scores[compared], clusters[compared]),
    )


def _lot_figures(parts: Sequence[JudgedPart], defective: Bools, passed: Bools) -> tuple[LotFigures, ...]:
    lots = np.array([part.lot for part in parts])
    return tuple(
        LotFigures(
            lot=lot,
            escape=Share.of(escape_rate(defective[lots == lot], passed[lots == lot])),
            overkill=Share.of(overkill_rate(defective[lots == lot], passed[lots == lot])),
        )
        for lot in sorted({part.lot for part in parts if part.lot})
    )


def _split_figures(parts: Sequence[JudgedPart]) -> tuple[SplitFigures, ...]:
    figures = []
    for split in sorted({part.split for part in parts}, key=("train", "val", "test").index):
        inside = [part for part in parts if part.split == split]
        labels = [part.label for part in inside]
        figures.append(
            SplitFigures(
                split=split,
                parts={label: labels.count(label) for label in sorted(set(labels))},
                physical_parts=len(set(clusters_of(inside).tolist())),
            )
        )
    return tuple(figures)


def _part_figures(part: JudgedPart, verdict: Verdict) -> PartFigures:
    return PartFigures(
        name=part.name,
        label=part.label,
        part=part.part,
        lot=part.lot,
        score=shortest(part.scores.max()),
        scores=tuple(shortest(score) for score in part.scores),
        outcome=verdict.outcome,
        reasons=verdict.reasons,
        pixel_f1=part.pixel_f1,
        regions=None if part.drawn is None else count_regions(part.defects, part.drawn),
        view=part.deciding_view,
    )
