"""From parts to claims: what is counted, what is missing, and what must make no difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taktsight.errors import DataError
from taktsight.quality.certifying import GIVEN, LEARNED, Certified, certify
from taktsight.quality.claims import Wanted
from taktsight.quality.learn_then_test import Thresholds
from taktsight.quality.parts import Names, Parts, numbered

from .made_up import make_parts, shuffled


def claims(made: Certified) -> list[tuple[str, int, int, int]]:
    return [(claim.subject, claim.events, claim.units, claim.allowed) for claim in made.claims]


def test_299_defective_and_59_good_parts_are_enough_and_one_fewer_is_not() -> None:
    assert not certify(make_parts(299, 59), Wanted()).missing
    (escape,) = certify(make_parts(298, 59), Wanted()).missing
    assert (escape.kind, escape.units, escape.needed) == ("escape", 298, 299)
    assert "1 are missing" in escape.reason
    (overkill,) = certify(make_parts(299, 58), Wanted()).missing
    assert (overkill.kind, overkill.units, overkill.needed) == ("overkill", 58, 59)


def test_each_label_needs_its_own_parts_at_its_share_of_delta() -> None:
    made = certify(make_parts(3 * 407, 100, labels=3), Wanted())
    assert [(each.label, each.needed) for each in made.missing] == [
        ("label 0", 408),
        ("label 1", 408),
        ("label 2", 408),
    ]
    assert made.thresholds is None
    made = certify(make_parts(3 * 408, 100, labels=3), Wanted())
    assert [claim.delta for claim in made.claims] == pytest.approx([0.05 / 3] * 3 + [0.05])
    assert "for every label at once (Bonferroni over 3" in made.simultaneous
    assert "Both at once with 90 %" in made.simultaneous


def test_by_part_all_defective_parts_are_one_kind() -> None:
    made = certify(make_parts(299, 100, labels=3), Wanted(scope="part"))
    assert claims(made)[0] == ("escape", 0, 299, 0)
    assert made.thresholds is not None
    assert len(set(made.thresholds.review)) == 1
    assert "mixed as they were here" in made.simultaneous


def test_what_is_claimed_is_what_the_limits_do_to_these_parts() -> None:
    parts = make_parts(2000, 3000, labels=2, seed=3)
    made = certify(parts, Wanted(escape=0.02, overkill=0.02))
    assert made.thresholds is not None
    held = made.thresholds.held(parts.scores)
    for place, (_, events, units, allowed) in enumerate(claims(made)[:2]):
        rows = parts.has(f"label {place}")
        assert units == rows.sum()
        assert events == np.sum(parts.scores[rows, place] < made.thresholds.review[place])
        assert events <= allowed
    assert made.overkill is not None
    assert made.overkill.events == np.sum(held & ~parts.is_defective)


@pytest.mark.parametrize("scope", ["label", "part"])
def test_order_of_the_rows_and_names_of_labels_make_no_difference(scope: str) -> None:
    parts = make_parts(1500, 900, labels=3, seed=9)
    wanted = Wanted(escape=0.02, scope=scope)  # type: ignore[arg-type]  # one of the two
    made = certify(parts, wanted)
    assert certify(shuffled(parts), wanted) == made
    names = ("zebra", "ant", "cow")
    renamed = replace(parts, labels=names, truth=Names(("good", *names), parts.truth.codes))
    other = certify(renamed, wanted)
    assert other.thresholds == made.thresholds
    assert [claim[1:] for claim in claims(other)] == [claim[1:] for claim in claims(made)]


def test_order_of_the_labels_makes_no_difference() -> None:
    parts = make_parts(1500, 900, labels=3, seed=9)
    turned = replace(parts, labels=parts.labels[::-1], scores=parts.scores[:, ::-1].copy())
    made, other = certify(parts, Wanted(escape=0.02)), certify(turned, Wanted(escape=0.02))
    assert made.thresholds is not None
    assert other.thresholds is not None
    assert other.thresholds.review == made.thresholds.review[::-1]
    assert sorted(claims(other)) == sorted(claims(made))


def test_part_with_two_labels_counts_for_both() -> None:
    parts = make_parts(1000, 100, labels=2)
    both = parts.truth.codes.copy()
    both[:10] = 3
    parts = replace(parts, truth=Names((*parts.truth.names, "label 0|label 1"), both))
    made = certify(parts, Wanted(escape=0.05))
    assert [claim.units for claim in made.claims[:2]] == [505, 505]
    assert made.defective == 1000


def test_lot_escapes_if_one_of_its_parts_does() -> None:
    parts = make_parts(1200, 1200, lots=400)
    made = certify(parts, Wanted(unit="lot"))
    assert claims(made)[0][2] == 400
    few = certify(make_parts(1200, 1200, lots=100), Wanted(unit="lot"))
    assert [(each.kind, each.units) for each in few.missing] == [("escape", 100)]


def test_part_that_was_looked_at_twice_escapes_if_it_passed_once() -> None:
    parts = make_parts(600, 200)
    twice = numbered([f"part {row // 2}" for row in range(800)])
    made = certify(replace(parts, part=twice), Wanted())
    assert claims(made)[0][2] == 300
    assert any("800 looks at 400 parts" in warning for warning in made.warnings)


def test_views_of_one_inspection_are_as_bad_as_the_worst() -> None:
    parts = make_parts(600, 200)
    two = numbered([f"part {row // 2}" for row in range(800)])
    cameras = numbered(["top" if row % 2 else "side" for row in range(800)])
    made = certify(replace(parts, part=two, groups={"camera": cameras}), Wanted())
    assert claims(made)[0][2] == 300
    assert not any("looks" in warning for warning in made.warnings)


def test_lots_that_resemble_each_other_are_told_in_words() -> None:
    alike = certify(make_parts(2000, 2000, lots=20, likeness=1.0), Wanted())
    (bad, good) = alike.warnings
    assert "2,000 defective parts of 20 lots resemble each other" in bad
    assert "certify by lot" in good
    assert certify(make_parts(2000, 2000, lots=20), Wanted()).warnings == ()
    assert "lots of the parts are not known" in certify(make_parts(299, 59), Wanted()).warnings[0]


def test_given_limits_are_tested_and_fail_with_what_they_would_take() -> None:
    parts = make_parts(400, 400)
    fine = certify(parts, Wanted(), Thresholds((0.2,), (0.9,)))
    assert (fine.method, fine.missing) == (GIVEN, ())
    loose = certify(parts, Wanted(), Thresholds((0.95,), (0.97,)))
    assert loose.claims == ()
    (missing,) = loose.missing
    assert missing.kind == "escape"
    assert missing.needed is not None
    assert missing.needed > 400


def test_given_limits_by_part_hold_a_part_by_any_of_its_labels() -> None:
    """The second label's lower limit must not be taken for the first one's."""
    scores = np.column_stack([np.full(400, 0.35), np.full(400, 0.1)])
    scores[300:] = 0.01
    truth = Names(("a", "good"), (np.arange(400) >= 300).astype(np.int64))
    parts = Parts(numbered([str(row) for row in range(400)]), truth, ("a", "b"), scores)
    made = certify(parts, Wanted(scope="part"), Thresholds((0.4, 0.3), (0.4, 0.3)))
    assert made.missing[0].kind == "escape"
    assert "300 of 300" in made.missing[0].reason


def test_bound_on_review_is_kept_where_limits_were_chosen_here() -> None:
    parts = make_parts(600, 600)
    noisy = parts.scores.copy()
    noisy[600:640] = 0.9
    made = certify(replace(parts, scores=noisy), Wanted(overkill=0.02))
    assert made.method == LEARNED
    assert made.thresholds is not None
    assert made.thresholds.has_band
    assert made.claims[-1].kind == "false reject"
    assert made.overkill is not None
    assert made.reviewed is not None
    assert made.reviewed.events <= made.overkill.events
    assert made.reviewed.upper == made.overkill.upper > made.overkill.events / 600


def test_defective_parts_that_score_nothing_make_it_infeasible() -> None:
    parts = make_parts(300, 100)
    scores = parts.scores.copy()
    scores[:2] = 0.0
    (missing,) = certify(replace(parts, scores=scores), Wanted()).missing
    assert missing.needed is None
    assert "no part pass" in missing.reason


def test_good_parts_that_score_1_make_it_infeasible() -> None:
    parts = make_parts(300, 100)
    scores = parts.scores.copy()
    scores[300:310] = 1.0
    (missing,) = certify(replace(parts, scores=scores), Wanted()).missing
    assert missing.kind == "overkill"
    assert "score 1" in missing.reason


def test_one_kind_of_parts_alone_and_labels_without_scores_are_refused() -> None:
    parts = make_parts(300, 100)
    with pytest.raises(DataError, match="column truth: every part is good"):
        certify(parts.at(~parts.is_defective), Wanted())
    with pytest.raises(DataError, match="column truth: no part is good"):
        certify(parts.at(parts.is_defective), Wanted())
    with pytest.raises(DataError, match="column lot"):
        certify(parts, Wanted(unit="lot"))
    strange = replace(parts, truth=Names(("good", "dent"), parts.truth.codes))
    with pytest.raises(DataError, match="dent has no column score:dent"):
        certify(strange, Wanted())
    assert not certify(strange, Wanted(scope="part")).missing
    with pytest.raises(DataError, match="score:LABEL"):
        certify(replace(parts, labels=(), scores=np.zeros((400, 0))), Wanted())
