"""P(defective) rises with the score, from limits to limits, and learns from what people decided."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.inspect.review.parts.chance import Chances, learn, positions_of, wrong
from taktsight.inspect.review.parts.tables import OUTCOMES
from taktsight.records import Outcome

NAN = float("nan")


def place(outcome: Outcome) -> int:
    return OUTCOMES.index(outcome)


def position(score: float, outcome: Outcome, review: float = NAN, reject: float = NAN) -> float:
    column = positions_of(
        np.array([score]), np.array([place(outcome)]), np.array([review]), np.array([reject])
    )
    return float(column[0])


@pytest.mark.parametrize(
    ("score", "wanted"),
    [(0.0, 0.0), (0.15, 1 / 6), (0.3, 1 / 3), (0.45, 1 / 2), (0.6, 2 / 3), (0.8, 5 / 6), (1.0, 1.0)],
)
def test_position_says_where_a_score_stands_against_its_limits(score: float, wanted: float) -> None:
    assert position(score, Outcome.PASS, 0.3, 0.6) == pytest.approx(wanted)


def test_without_limits_the_verdict_gives_the_third() -> None:
    assert position(0.9, Outcome.PASS) == pytest.approx(0.3)
    assert position(0.5, Outcome.REVIEW) == pytest.approx(0.5)
    assert position(0.5, Outcome.REJECT) == pytest.approx(2.5 / 3)
    assert np.isnan(position(0.5, Outcome.UNINSPECTED))
    assert np.isnan(position(NAN, Outcome.REJECT, 0.3, 0.6))


def test_band_without_width_and_limits_at_the_ends_have_positions() -> None:
    assert position(0.5, Outcome.REJECT, 0.5, 0.5) == pytest.approx(2 / 3)
    assert position(1.0, Outcome.REJECT, 1.0, 1.0) == pytest.approx(2.5 / 3)
    assert position(0.0, Outcome.REJECT, 0.0, 0.0) == pytest.approx(2 / 3)


def test_before_any_decision_the_middle_of_the_band_is_undecided() -> None:
    found = Chances().of_positions(np.array([0.0, 0.5, 1.0, NAN]))
    assert found[1] == found[3] == 0.5
    assert found[0] < 0.05
    assert found[2] > 0.95


def test_chances_never_fall_with_the_score() -> None:
    rng = np.random.default_rng(2)
    positions = rng.random(300)
    chances = learn(positions, rng.random(300) < positions**3)
    found = chances.of_positions(np.linspace(0, 1, 50))
    assert (np.diff(found) >= 0).all()
    assert found[25] < 0.5, "at the middle one in eight was defective"


def test_decisions_of_one_kind_pull_all_chances_their_way() -> None:
    positions = np.full(100, 0.9)
    good, bad = learn(positions, np.zeros(100, bool)), learn(positions, np.ones(100, bool))
    at = np.array([0.9, NAN])
    assert (good.of_positions(at) < 0.3).all()
    assert (bad.of_positions(at) > 0.8).all()
    assert learn(np.empty(0), np.empty(0, bool)) == Chances()
    nobody_judged = learn(np.full(40, NAN), np.ones(40, bool))
    assert nobody_judged.of_positions(np.array([NAN]))[0] == pytest.approx(0.75)


def test_each_verdict_is_wrong_in_its_own_way() -> None:
    outcomes = np.array([place(outcome) for outcome in Outcome])
    found = dict(zip(Outcome, wrong(np.full(4, 0.8), outcomes), strict=True))
    assert found == pytest.approx(
        {Outcome.PASS: 0.8, Outcome.REJECT: 0.2, Outcome.REVIEW: 0.2, Outcome.UNINSPECTED: 0.2}
    )
