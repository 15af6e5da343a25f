"""The curves of a training: resumed runs joined, the kept epoch marked, and what they say in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taktsight.errors import DataError
from taktsight.training.evaluation.learning_curves import (
    Learning,
    learning_chart,
    learning_said,
    read_learning,
)
from taktsight.training.validation import picked_by

HEAD = "epoch,step,train_loss,val_auroc,val_figure,val_loss\n"


def run_of(folder: Path, **files: str) -> Path:
    for name, rows in files.items():
        (folder / f"{name.replace('_', '-')}.csv").write_text(HEAD + rows)
    return folder


def test_a_resumed_training_is_one_curve_and_an_epoch_trained_twice_counts_as_trained_last(
    tmp_path: Path,
) -> None:
    folder = run_of(
        tmp_path,
        metrics_1="0,4,3.0,,,\n0,4,,0.5,0.5,2.9\n1,9,2.0,,,\n",
        metrics_2="1,9,1.9,0.6,0.6,2.0\n",
        metrics_10="2,14,1.5,0.7,0.7,1.8\n",
        metrics="3,19,1.2,0.8,0.8,1.7\n",
    )
    learning = read_learning(folder, kept_epoch=4)
    assert learning.curves["train_loss"] == ((1, 3.0), (2, 1.9), (3, 1.5), (4, 1.2))
    assert learning.curves["val_auroc"] == ((1, 0.5), (2, 0.6), (3, 0.7), (4, 0.8))
    assert learning.epochs == 4


def test_the_real_run_has_loss_rate_and_figures_of_every_epoch(workshop: Path) -> None:
    learning = read_learning(workshop / "run", kept_epoch=1)
    for column in ("train_loss", "learning_rate", "val_auroc", "val_f1", "val_figure"):
        assert [epoch for epoch, _ in learning.curves[column]] == [1, 2, 3], column


def test_the_report_of_the_real_run_shows_how_it_learned_and_what_lies_near(workshop: Path) -> None:
    page = (workshop / "run" / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "How it learned" in page
    assert "3 epochs were trained" in page
    assert len(re.findall(r"<h4>Nearest", page)) == 2  # one escape, one overkill
    assert len(re.findall(r"<br>distance \d\.\d\d", page)) == 6
    near = re.findall(r"</b><br>images/([\w/.-]+)<br>distance", page)
    assert all((workshop / "learn" / "images" / name).is_file() for name in near)


def curves(**values: list[float]) -> Learning:
    return Learning({name: tuple(enumerate(row, start=1)) for name, row in values.items()}, kept_epoch=2)


def test_curves_that_were_still_rising_and_curves_that_turned_are_told_apart() -> None:
    rising = Learning(curves(val_figure=[0.5, 0.6, 0.7]).curves, kept_epoch=3)
    turned = curves(val_figure=[0.5, 0.7, 0.6], val_loss=[2.0, 1.0, 1.2], train_loss=[2.0, 1.0, 0.5])
    assert "more epochs may help" in learning_said(rising)
    assert "by heart" not in learning_said(rising)
    assert "by heart" in learning_said(turned)
    assert "highest, 0.700" in learning_said(turned)
    assert "more epochs may help" not in learning_said(turned)


def test_a_figure_that_stays_at_its_highest_is_not_rising() -> None:
    level = Learning(curves(val_figure=[0.9, 1.0, picked_by(1.0, 2)]).curves, kept_epoch=3)
    assert "more epochs may help" not in learning_said(level)


def test_the_chart_marks_the_kept_epoch_and_draws_the_same_bytes_twice() -> None:
    learning = curves(train_loss=[2.0, 1.0, 0.5], val_auroc=[0.5, 0.7, 0.6], learning_rate=[0.1, 0.05, 0.0])
    drawn = learning_chart(learning)
    assert drawn.startswith("<svg")
    assert drawn == learning_chart(learning)
    assert drawn != learning_chart(Learning(learning.curves, kept_epoch=3))


def test_without_metrics_there_is_no_chart(tmp_path: Path) -> None:
    learning = read_learning(tmp_path, kept_epoch=1)
    assert learning_chart(learning) == ""
    assert learning_said(learning) == ""


def test_a_file_that_is_no_metrics_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,train_loss\nfirst,low\n")
    with pytest.raises(DataError, match=r"metrics\.csv: is not what a training wrote"):
        read_learning(tmp_path, kept_epoch=1)
