"""The parts that an acceptance report is about: a table of verdicts, an evaluation, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.operating_point import choose_limits
from taktsight.training.evaluation.report import Subject, write_report

from .acceptance_evidence import table


def test_parts_with_verdicts_alone_have_rates_and_no_scores(place: Path, tmp_path: Path) -> None:
    rows = [
        (
            f"P{part}",
            "spot" if part < 20 else "good",
            "REJECT" if part < 18 else "PASS",
            "2030-02-03T06:00:00",
        )
        for part in range(60)
    ]
    parts = table(tmp_path / "judged.csv", ("part", "truth", "outcome", "time"), rows)
    given = ["--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "plain.taktsight"), str(parts), *given]) == 0
    figures = json.loads((tmp_path / "out" / "acceptance.json").read_text(encoding="utf-8"))
    assert figures["date"] == "2030-02-03"
    assert figures["rates"]["groups"][0]["escape"]["events"] == 2
    assert "score histograms and trade-off" in {each["what"] for each in figures["not_shown"]}


def test_evaluation_gives_its_parts_unless_it_is_of_another_network(place: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    scores = [*draw.uniform(0.3, 1.0, 40), *draw.uniform(0.0, 0.6, 40)]
    parts = [
        JudgedPart(f"{split}-{number}", label, np.array([score], np.float32), split, lot=f"L{number % 4}")
        for split in ("val", "test")
        for number, (score, label) in enumerate(zip(scores, ["spot"] * 40 + ["good"] * 40, strict=True))
    ]
    figures = evaluate(parts, ("spot",), "segmentation", choose_limits(parts, ("spot",), "segmentation"))
    given = [str(tmp_path), "--no-pdf", "--out", str(tmp_path / "out")]
    subject = Subject(model="m", data="d", date="2030-04-05", digests={"weights": 64 * "9"})
    write_report(tmp_path / "evaluation", figures, subject)
    assert main(["report", str(place / "plain.taktsight"), *given]) == 0
    told = json.loads((tmp_path / "out" / "acceptance.json").read_text(encoding="utf-8"))
    limit = told["subject"]["limits"][0]["review_score"]  # the card's, not the evaluation's
    assert told["rates"]["groups"][0]["escape"]["events"] == sum(score < limit for score in scores[:40])
    assert told["date"] == "2030-04-05"
    assert told["population"]["lots"] == 4
    other = subject.model_copy(update={"digests": {"weights": 64 * "8"}})
    write_report(tmp_path / "evaluation", figures, other)
    assert main(["report", str(place / "plain.taktsight"), *given]) == 1


def test_folder_without_an_evaluation_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "plain.taktsight"), str(tmp_path), *given]) == 2
    assert "--layout" in capsys.readouterr().err
