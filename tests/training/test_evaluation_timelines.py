"""When the alarm of a lot that wears came, counted by hand, and how the report shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.samples import GOOD
from taktsight.recipe import Limit
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.operating_point import ChosenLimits
from taktsight.training.evaluation.report import FIGURES_FILE, Subject, read_evaluation, write_report
from taktsight.training.evaluation.timelines import Timeline

LIMITS = ChosenLimits((Limit(label="pit", review_score=0.5, reject_score=0.5),), "val", "by hand")


def look(lot: str, hour: int, truth: str, score: float) -> JudgedPart:
    name = f"{lot} {23 - hour}"  # the order of names is not that of time
    return JudgedPart(
        name, truth, np.array([score], np.float32), "test", lot=lot, time=f"2026-11-24T{hour:02}"
    )


def looks(lot: str, truths: str, flags: str) -> list[JudgedPart]:
    """``.`` good or passed, ``x`` defective or held up."""
    return [
        look(lot, hour, GOOD if truth == "." else "pit", 0.9 if flag == "x" else 0.1)
        for hour, (truth, flag) in enumerate(zip(truths, flags, strict=True))
    ]


def evaluated(parts: list[JudgedPart]) -> Figures:
    return evaluate(parts, ("pit",), "segmentation", LIMITS)


def timeline(truths: str, flags: str) -> Timeline:
    (only,) = evaluated(looks("spindle", truths, flags)).timelines
    return only


@pytest.mark.parametrize(
    ("truths", "flags", "delay", "before"),
    [
        ("....xxxx", "....xxxx", 1, 0),  # at the second look
        ("....xxxx", "...xxxxx", 0, 0),  # one look early: the alarm comes with the onset
        ("....xxxx", "....x.xx", 3, 0),  # interrupted: two in a row are wanted
        ("....xxxx", ".x...x.x", None, 0),  # single looks are no alarm, before or after
        ("....xxxx", "xx....xx", 3, 1),
        ("....xxxx", ".xxxxxxx", 0, 1),  # began too early and still stands at the onset
        ("....xxxx", "xx.xxxxx", 0, 1),  # the second begins with the onset
        ("....", ".xx.", None, 1),  # never defective
        ("xx..", "xx..", 1, 0),
        ("xxxx", "....", None, 0),
    ],
)
def test_alarm_is_the_second_look_in_a_row_that_is_held_up(
    truths: str, flags: str, delay: int | None, before: int
) -> None:
    seen = timeline(truths, flags)
    assert (seen.delay, seen.alarms_before_onset) == (delay, before)


def test_looks_are_in_order_of_time_whatever_their_names_and_the_order_of_the_parts() -> None:
    parts = looks("spindle", "..xx", "..xx")
    (seen,) = evaluated(parts[::-1]).timelines
    assert [moment.time for moment in seen.moments] == [f"2026-11-24T{hour:02}" for hour in range(4)]
    assert seen.onset == 2
    assert seen.alarms == (3,)


def test_lots_are_told_apart_and_parts_without_time_or_lot_left_out() -> None:
    parts = looks("b", "..xx", "..xx") + looks("a", ".x", "..")
    parts += [
        JudgedPart("no time", GOOD, np.zeros(1, np.float32), "test", lot="a"),
        JudgedPart("no lot", GOOD, np.zeros(1, np.float32), "test", time="2026-11-24T05"),
    ]
    seen = evaluated(parts).timelines
    assert [(lot.lot, len(lot.moments)) for lot in seen] == [("a", 2), ("b", 4)]


def test_report_shows_onset_and_alarm_and_the_file_reads_back(tmp_path: Path) -> None:
    figures = evaluated(looks("spindle 7", "...xxx", "...xxx") + looks("spindle 8", "..xx", "...."))
    page = write_report(tmp_path, figures, Subject(model="m", data="d", date="2026-11-24")).read_text(
        "utf-8"
    )
    assert "<h2>Over time</h2>" in page
    assert "spindle 7</th><td>6</td><td>2026-11-24T03</td><td>1 look</td><td>0</td>" in page
    assert (
        'class="wrong"><th scope="row">spindle 8</th><td>4</td><td>2026-11-24T02</td><td>never</td>' in page
    )
    assert 'id="timelines-' in page
    assert read_evaluation(tmp_path / FIGURES_FILE).figures.timelines == figures.timelines


def test_report_of_parts_without_a_time_says_nothing_of_it(tmp_path: Path) -> None:
    parts = [
        JudgedPart("bad", "pit", np.ones(1, np.float32), "test"),
        JudgedPart("good", GOOD, np.zeros(1, np.float32), "test"),
    ]
    page = write_report(
        tmp_path, evaluated(parts), Subject(model="m", data="d", date="2026-11-24")
    ).read_text("utf-8")
    assert "Over time" not in page
