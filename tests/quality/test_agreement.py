"""Agreement: kappas are those of other libraries, intervals cover, names and order do not matter."""

from __future__ import annotations

import warnings
from random import Random

import numpy as np
import pytest

from taktsight.errors import DataError
from taktsight.quality.agreement import Agreement, agreement
from taktsight.quality.agreement_looks import looks_of
from taktsight.quality.kappas import cohen_kappa, fleiss_kappa
from taktsight.quality.repeats import repeats

Look = tuple[str, str, str, str, str]
"""part, appraiser, trial, verdict, reference"""


def study(parts: int = 60, *, errors: dict[str, float], trials: int = 3, seed: int = 1) -> list[Look]:
    chance = Random(seed)
    rows = []
    for appraiser, error in errors.items():
        for trial in range(1, trials + 1):
            for number in range(parts):
                reference = "ok" if number % 2 else "nok"
                verdict = reference
                if chance.random() < error:
                    verdict = "nok" if reference == "ok" else "ok"
                rows.append((f"P{number}", appraiser, str(trial), verdict, reference))
    return rows


def judged(rows: list[Look], good: str = "ok") -> Agreement:
    parts, appraisers, trials, verdicts, references = (list(column) for column in zip(*rows, strict=True))
    return agreement(
        looks_of(parts, appraisers, verdicts, good=[good], trials=trials, references=references)
    )


def test_kappas_are_those_of_other_libraries() -> None:
    draw = np.random.default_rng(1)
    first, second = draw.integers(0, 3, 80), draw.integers(0, 3, 80)
    second[:50] = first[:50]
    metrics = pytest.importorskip("sklearn.metrics")
    ours = cohen_kappa(first[:, None], second[:, None], 3)
    assert ours.value == pytest.approx(metrics.cohen_kappa_score(first, second))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raters = pytest.importorskip("statsmodels.stats.inter_rater")
    looks = draw.integers(0, 4, (50, 6))
    looks[:30, 1:] = looks[:30, :1]
    counts, _ = raters.aggregate_raters(looks, n_cat=4)
    assert fleiss_kappa(looks, 4).value == pytest.approx(raters.fleiss_kappa(counts))
    # One look a part: the jackknife comes near the textbook's standard error.
    table = np.zeros((3, 3))
    np.add.at(table, (first, second), 1)
    textbook = raters.cohens_kappa(table)
    assert ours.low == pytest.approx(textbook.kappa_low, abs=0.02)
    assert ours.high == pytest.approx(textbook.kappa_upp, abs=0.02)


def test_interval_of_kappa_covers_with_repeated_looks_at_the_same_parts() -> None:
    """400 studies of 50 parts, 3 looks: parts differ in how hard they are, so looks are not independent."""
    draw = np.random.default_rng(2)

    def looks(parts: int) -> tuple[np.ndarray, np.ndarray]:
        hard = draw.choice([0.02, 0.4], size=(parts, 1), p=[0.8, 0.2])
        truth = draw.integers(0, 2, (parts, 1))
        return tuple((truth ^ (draw.random((parts, 3)) < hard)).astype(np.intp) for _ in range(2))  # type: ignore[return-value]

    big = looks(200_000)
    table = np.zeros((2, 2))
    np.add.at(table, (big[0].ravel(), big[1].ravel()), 1)
    shares = table / table.sum()
    chance = shares.sum(axis=0) @ shares.sum(axis=1)
    truth = (np.trace(shares) - chance) / (1 - chance)
    studies = [cohen_kappa(*looks(50), 2) for _ in range(400)]
    covered = sum(
        one.low is not None and one.high is not None and one.low <= truth <= one.high for one in studies
    )
    assert 0.90 <= covered / 400 <= 0.98


def test_everybody_right_is_acceptable() -> None:
    found = judged(study(errors={"anna": 0, "line": 0}))
    assert found.verdict == "acceptable"
    assert found.all_right is not None
    assert (found.all_agree.events, found.all_right.events) == (60, 60)
    assert found.pairs[0].kappa.value == 1.0
    assert found.warnings == ()


def test_miss_and_false_alarm_rates_count_looks_at_each_kind() -> None:
    rows = study(4, errors={"anna": 0}, trials=2)
    rows = [(*look[:3], "ok", look[4]) if look[0] == "P0" and look[2] == "1" else look for look in rows]
    one = judged(rows).appraisers[0]
    assert one.missed is not None
    assert one.false_alarms is not None
    assert one.effective is not None
    assert (one.missed.events, one.missed.of) == (1, 4)  # P0 and P2, twice each
    assert (one.false_alarms.events, one.false_alarms.of) == (0, 4)
    assert (one.effective.events, one.effective.of) == (3, 4)
    assert (one.repeatable.events, one.repeatable.of) == (3, 4)
    assert one.verdict == "unacceptable"
    assert "misses" in one.why


@pytest.mark.parametrize(
    ("effective", "grade"), [(54, "acceptable"), (53, "marginal"), (48, "marginal"), (47, "unacceptable")]
)
def test_limits_of_effectiveness_are_the_usual_ones(effective: int, grade: str) -> None:
    """60 parts, of which good ones alone are judged wrong now and then: once each, in one of 20 trials."""
    wrong = {f"P{2 * number + 1}" for number in range(60 - effective)}
    rows = [
        (part, who, trial, "nok" if part in wrong and trial == "1" else verdict, reference)
        for part, who, trial, verdict, reference in study(errors={"anna": 0}, trials=20)
    ]
    assert judged(rows).appraisers[0].verdict == grade


def test_order_of_rows_and_names_of_verdicts_do_not_matter() -> None:
    rows = study(errors={"anna": 0.05, "ben": 0.1, "line": 0.02})
    shuffled = list(rows)
    Random(3).shuffle(shuffled)
    assert judged(shuffled) == judged(rows)
    renamed = [
        (part, who, trial, {"ok": "bon", "nok": "mauvais"}[said], {"ok": "bon", "nok": "mauvais"}[meant])
        for part, who, trial, said, meant in rows
    ]
    assert judged(renamed, good="bon") == judged(rows)


def test_labels_may_be_told_apart() -> None:
    arguments = (["a", "b", "a", "b"], ["x", "x", "y", "y"], ["pit", "ok", "dent", "ok"])
    together = agreement(looks_of(*arguments, good=["ok"]))
    apart = agreement(looks_of(*arguments, good=["ok"], by_label=True))
    assert together.all_agree.events == 2
    assert apart.all_agree.events == 1
    assert apart.categories == ("good", "dent", "pit")


def test_verdict_that_lets_nothing_pass_may_not_be_called_good() -> None:
    with pytest.raises(DataError, match="call it otherwise"):
        looks_of(["a", "b"], ["x", "x"], ["ok", "good"], good=["ok"], by_label=True)
    odd = agreement(
        looks_of(["a", "b"], ["x", "x"], ["not good", "ok"], good=["not good"], references=["ok", "ok"])
    )
    assert odd.appraisers[0].missed is not None
    assert odd.appraisers[0].missed.events == 1


def test_review_and_uninspected_of_a_machine_hold_a_part_up() -> None:
    one = agreement(
        looks_of(
            ["a", "b", "c", "d"],
            ["line"] * 4,
            ["PASS", "REVIEW", "UNINSPECTED", "REJECT"],
            good=["PASS", "good"],
            references=["good", "good", "bad", "bad"],
        )
    ).appraisers[0]
    assert one.missed is not None
    assert one.false_alarms is not None
    assert (one.missed.events, one.false_alarms.events) == (0, 1)


def test_kappa_of_one_verdict_alone_is_undefined_and_not_zero() -> None:
    found = agreement(looks_of(["a", "b"] * 2, ["x", "x", "y", "y"], ["ok"] * 4, good=["ok"]))
    assert found.pairs[0].kappa.value is None
    assert found.pairs[0].verdict == "undefined"
    assert found.pairs[0].kappa.observed == 1.0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "x", "1", "ok", "ok"), ("a", "x", "1", "ok", "ok")], "twice in trial 1"),
        ([("a", "x", "1", "ok", "ok"), ("b", "y", "1", "ok", "ok")], "x did not judge part 'b'"),
        ([("a", "x", "1", "ok", "ok"), ("a", "x", "2", "ok", "nok")], "two references"),
        ([("a", "x", "1", "gut", "gut")], "--good"),
    ],
)
def test_a_study_with_holes_is_refused(rows: list[Look], said: str) -> None:
    with pytest.raises(DataError, match=said):
        judged(rows)


def test_what_a_study_cannot_show_is_told() -> None:
    found = judged(study(10, errors={"anna": 0}, trials=1))
    assert any("10 parts" in warning for warning in found.warnings)
    assert any("one trial" in warning for warning in found.warnings)
    assert found.appraisers[0].within is None
    blind = agreement(looks_of(["a", "b"], ["x", "x"], ["ok", "nok"], good=["ok"]))
    assert blind.verdict is None
    assert any("no reference" in warning for warning in blind.warnings)


def test_parts_that_a_line_saw_again_are_compared_with_themselves() -> None:
    looks = [
        ("A", "PASS", {"top": (0.10, 0.2)}),
        ("B", "PASS", {"top": (0.48, 0.2)}),
        ("A", "PASS", {"top": (0.12, 0.2)}),
        ("B", "REJECT", {"top": (0.52, 0.2)}),
        ("C", "PASS", {"top": (0.1, 0.1)}),
    ]
    found = repeats(looks)
    assert (found.parts, found.looks, found.same.events) == (2, 4, 1)
    assert [part.part for part in found.changed] == ["B"]
    assert found.changed[0].outcomes == ("PASS", "REJECT")
    assert found.score_sigma == pytest.approx(np.sqrt((0.0002 + 0.0008) / 4))
    with pytest.raises(DataError, match="none of 1 named parts"):
        repeats(looks[:1])
