"""Calibration against scikit-learn, and by cases whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.cli import main
from taktsight.quality.calibration import (
    bins_of,
    brier,
    expected_error,
    fit_isotonic,
    fit_temperature,
    log_loss,
)
from taktsight.quality.calibration_report import calibrate
from taktsight.quality.parts_file import read_parts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def sure(count: int, factor: float, seed: int = 0) -> tuple[Floats, Bools]:
    """Scores of a network that is ``factor`` times as sure as it may be, in logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.5, 1.5, count)
    is_defect = rng.random(count) < 1 / (1 + np.exp(-logits))
    return 1 / (1 + np.exp(-factor * logits)), is_defect


def test_temperature_finds_how_much_too_sure_the_network_was() -> None:
    scores, is_defect = sure(20_000, 2.0)
    found = fit_temperature(scores, is_defect)
    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert (np.diff(found(np.sort(scores))) >= 0).all()
    assert log_loss(found(scores), is_defect) < log_loss(scores, is_defect)


def test_figures_are_those_of_the_oracle() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    curves = pytest.importorskip("sklearn.calibration")
    isotonic = pytest.importorskip("sklearn.isotonic")
    scores, is_defect = sure(500, 1.5, 1)
    wide = bins_of(scores, is_defect, "equal width")
    shares, means = curves.calibration_curve(is_defect, scores, n_bins=10)
    assert [each.share for each in wide] == pytest.approx(shares.tolist())
    assert [each.score for each in wide] == pytest.approx(means.tolist())
    assert brier(scores, is_defect, wide).value == pytest.approx(
        metrics.brier_score_loss(is_defect, scores)
    )
    assert log_loss(scores, is_defect) == pytest.approx(metrics.log_loss(is_defect, scores))
    oracle = isotonic.IsotonicRegression(out_of_bounds="clip").fit(scores, is_defect)
    grid = np.linspace(0, 1, 301)
    assert fit_isotonic(scores, is_defect)(grid).tolist() == pytest.approx(oracle.predict(grid).tolist())


def test_ece_by_hand() -> None:
    scores = np.array([0.05, 0.15, 0.15, 0.95])
    is_defect = np.array([False, False, True, True])
    wide = bins_of(scores, is_defect, "equal width")
    assert [(each.parts, each.share) for each in wide] == [(1, 0.0), (2, 0.5), (1, 1.0)]
    assert expected_error(wide) == pytest.approx((0.05 + 2 * 0.35 + 0.05) / 4)


def test_brier_is_the_sum_of_its_terms() -> None:
    scores, is_defect = sure(400, 2.0, 2)
    found = brier(scores, is_defect, bins_of(scores, is_defect, "equal mass"))
    terms = found.reliability - found.resolution + found.uncertainty + found.within
    assert found.value == pytest.approx(terms)
    rounded = np.round(scores, 1)  # one score a bin: Murphy's three terms are all of it
    levels = bins_of(rounded, is_defect, "equal width", 40)
    assert brier(rounded, is_defect, levels).within == pytest.approx(0, abs=1e-12)


def test_order_of_parts_changes_nothing() -> None:
    scores, is_defect = sure(300, 2.0, 3)
    order = np.random.default_rng(0).permutation(300)
    one, other = (bins_of(scores[rows], is_defect[rows], "equal mass") for rows in (order, np.arange(300)))
    assert [(each.parts, each.share) for each in one] == [(each.parts, each.share) for each in other]
    assert fit_isotonic(scores[order], is_defect[order]) == fit_isotonic(scores, is_defect)


def write_parts(path: Path, count: int = 400, *, factor: float = 2.0, lots: int | None = None) -> Path:
    scores, is_defect = sure(count, factor, 4)
    lot = "" if lots is None else ",lot"
    lines = [f"part,truth,score:crack{lot}"]
    for number, (score, defect) in enumerate(zip(scores, is_defect, strict=True)):
        row = f"p{number},{'crack' if defect else 'good'},{float(score)!r}"
        lines.append(row if lots is None else f"{row},L{number % lots}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_calibrated_scores_are_judged_on_other_parts(tmp_path: Path) -> None:
    (found,) = calibrate(read_parts(write_parts(tmp_path / "parts.csv", 1500)), resamples=50)
    given, temperature, isotonic = found.measured
    assert temperature.ece_width.value < given.ece_width.value / 2
    assert given.ece_width.low > given.ece_by_chance
    assert temperature.ece_width.low <= temperature.ece_by_chance
    assert isotonic.brier.value > 0  # of five fits, none to the parts that it scored
    assert given.brier.low < given.brier.value < given.brier.high


def test_lots_widen_the_interval(tmp_path: Path) -> None:
    alone = calibrate(read_parts(write_parts(tmp_path / "a.csv", 1000)), resamples=100)
    lots = calibrate(read_parts(write_parts(tmp_path / "b.csv", 1000, lots=8)), resamples=100)
    assert lots[0].measured[0].brier.value == alone[0].measured[0].brier.value


def test_command_prints_a_table_and_writes_json_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    file = write_parts(tmp_path / "parts.csv")
    out, picture = tmp_path / "out.json", tmp_path / "reliability.png"
    given = ["calibration", str(file), "--resamples", "50", "--json", str(out), "--plot", str(picture)]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "crack: " in said
    assert "ECE, 10 equal" in said
    written = json.loads(out.read_text())
    assert written["labels"][0]["measured"][1]["name"] == "temperature"
    assert len(written["parts_sha256"]) == 64
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("part,truth,score:crack\na,good,0.1\nb,crack,1.2\n", "row 3, column score:crack: 1.2 is no score"),
        ("part,truth,score:crack\na,good,nan\n", "row 2, column score:crack"),
        ("part,truth\na,good\n", "has no column of scores: score:LABEL"),
        ("part,truth,score:crack\na,good,0.1\na,good,0.2\n", "row 3, column part"),
        ("part,truth,score:crack\na,good,0.1\n", "label crack: 0 parts have it and 1 do not"),
    ],
)
def test_bad_input_is_one_sentence_that_names_row_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    file = tmp_path / "parts.csv"
    file.write_text(text)
    assert main(["calibration", str(file)]) == 1
    assert says in capsys.readouterr().err
