"""A trained run evaluated: limits from val, figures from test, one report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.judged import OpenedPart
from taktsight.training.evaluation.label_noise import write_list
from taktsight.training.evaluation.operating_point import ChosenLimits, choose_limits, judge
from taktsight.training.evaluation.report import Subject, write_report
from taktsight.training.evaluation.targets import write_targets
from taktsight.training.lessons import learn_lessons
from taktsight.training.predict import choose_map_score, judge_split, open_sample, part_name
from taktsight.training.run_folder import TrainedRun
from taktsight.training.test_looks import count_look

FOLDER = "evaluation"


def evaluate_run(
    run: TrainedRun,
    *,
    date: str,
    target_escape: float = 0.01,
    target_overkill: float = 0.01,
    pictures: int = 6,
    changed: Sequence[str] = (),
) -> tuple[Path, Figures]:
    """Writes the report of a run and returns its path and its figures.

    Args:
        run: a finished training.
        date: day of the evaluation, ISO 8601, for the report.
        target_escape: share of the defective val parts that may pass.
        target_overkill: share of the good val parts that may be rejected.
        pictures: worst escapes and overkills shown.
        changed: what is no longer as it was when the model was trained, for the report.
    """
    labels = run.module.labels
    val, test = list(judge_split(run, "val")), list(judge_split(run, "test"))
    map_score = choose_map_score(val)
    parts = [seen.at(map_score) for seen in (*val, *test)]
    chosen = choose_limits(
        parts, labels, run.task, target_escape=target_escape, target_overkill=target_overkill
    )
    limits = tuple(limit.model_copy(update={"map_score": map_score}) for limit in chosen.limits)
    chosen = ChosenLimits(limits, chosen.chosen_on, chosen.reason)
    figures = evaluate(parts, labels, run.task, chosen, mm_per_px=run.data.mm_per_px)
    tested = run.data.split("test")
    samples = {part_name(run, sample.images[0]): sample for sample in tested}
    looks = count_look(
        run.folder.resolve().parent,
        date=date,
        run=run.folder.resolve().name,
        weights=run.weights_digest,
        test=tested,
        root=run.data.root,
    )

    def open_part(name: str) -> OpenedPart:
        return open_sample(run, samples[name])

    subject = Subject(
        model=run.folder.resolve().name,
        data=run.data.root.resolve().name,
        date=date,
        looks=looks,
        changed=tuple(changed),
        digests=_digests(run),
    )
    lessons = learn_lessons(run, [seen.part for seen in val])
    report = write_report(
        run.folder / FOLDER, figures, subject, open_part, lessons, book=run.data.book, pictures=pictures
    )
    write_list(run.folder / FOLDER, lessons.suspects)
    judged = [seen.at(map_score) for seen in test]
    verdicts = judge(judged, labels, figures.limits)
    write_targets(run.folder / FOLDER, judged, verdicts, figures.limits, run.data.mm_per_px)
    return report, figures


def _digests(run: TrainedRun) -> dict[str, str]:
    """What the figures hold for; of a run without a manifest only the weights are known."""
    if run.manifest is None:
        return {"weights": run.weights_digest}
    data = {f"data, {split}": digest for split, digest in run.manifest.data.items()}
    return {"weights": run.weights_digest, **data, "split": run.manifest.split, "code": run.manifest.code}
