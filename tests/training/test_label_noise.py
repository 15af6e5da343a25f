"""Wrong labels that were planted stand at the head of the list of those worth a second look."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.training.evaluation.label_noise import Labelled, rank

from .spots import CLASSIFIER, KINDS, SEGMENTER, make_parts

PARTS, PLANTED = 90, 9


def trained_with_wrong_labels(
    folder: Path, config: str, *, masks: bool
) -> tuple[list[dict[str, str]], str]:
    """The list and the report of a training in which every tenth part carries a wrong label."""
    wrong = [""] * PARTS
    for number in range(0, PARTS, PARTS // PLANTED):
        right = KINDS[number % 3]
        # A defect filed as good has no mask; a good part filed as a defect would need one.
        wrong[number] = "good" if masks else KINDS[(number + 1) % 3]
        if wrong[number] == right:
            wrong[number + 1] = "good"
    make_parts(folder / "parts", PARTS, masks=masks, filed_under=wrong)
    (folder / "training.yaml").write_text(config.format(root=folder / "parts", epochs=20, batch=8))
    assert main(["train", str(folder / "training.yaml"), "--run", str(folder / "run")]) == 0
    assert main(["evaluate", str(folder / "run"), "--pictures", "2"]) == 0
    evaluation = folder / "run" / "evaluation"
    with (evaluation / "label_noise.csv").open(newline="") as file:
        return list(csv.DictReader(file)), (evaluation / "report.html").read_text(encoding="utf-8")


def planted(rows: list[dict[str, str]]) -> list[int]:
    """The places of the parts whose label is wrong."""
    places = []
    for place, row in enumerate(rows, start=1):
        right = KINDS[int(Path(row["image"]).stem) % 3]
        if right != row["label"]:
            places.append(place)
    return places


@pytest.mark.parametrize(("config", "masks"), [(SEGMENTER, True), (CLASSIFIER, False)])
def test_most_planted_wrong_labels_stand_within_twice_as_many_places(
    tmp_path: Path, config: str, masks: bool
) -> None:
    rows, report = trained_with_wrong_labels(tmp_path, config, masks=masks)
    places = planted(rows)
    assert len(places) >= 5  # those that fell into the test split are not listed
    assert sum(place <= 2 * len(places) for place in places) > 0.7 * len(places)
    assert {row["split"] for row in rows} == {"train", "val"}
    shown = re.findall(r"labelled <b>(\w+)</b>", report)
    assert shown == [row["label"] for row in rows[:4]]  # twice the number of pictures


def labelled(*rows: tuple[str, float, float]) -> list[Labelled]:
    """Parts named 0, 1, … with their label and their scores of bar and spot."""
    return [
        Labelled(f"{number}", label, "val", np.array([bar, spot], np.float32))
        for number, (label, bar, spot) in enumerate(rows)
    ]


def test_a_part_is_doubted_that_scores_like_parts_of_another_label() -> None:
    parts = labelled(
        ("good", 0.02, 0.01),
        ("good", 0.01, 0.35),  # like the spots
        ("good", 0.03, 0.02),
        ("bar", 0.30, 0.02),
        ("bar", 0.02, 0.04),  # like the good ones
        ("bar", 0.40, 0.01),
        ("spot", 0.02, 0.30),
        ("spot", 0.01, 0.40),
    )
    ranked = rank(parts, ("bar", "spot"), "segmentation")
    assert [suspect.name for suspect in ranked[:2]] == ["4", "1"]
    assert [suspect.said for suspect in ranked[:2]] == ["good", "spot"]
    assert ranked[0].disagreement == pytest.approx(3 / 5)  # of five parts without bars three score as high
    assert ranked[1].disagreement == pytest.approx(3 / 5)  # of five defective parts three score no higher
    assert all(suspect.disagreement <= 1 / 5 for suspect in ranked[2:])


def test_a_model_whose_scores_are_all_too_low_doubts_the_same_parts() -> None:
    rng = np.random.default_rng(0)
    rows = [(("good", "bar", "spot")[n % 3], *rng.random(2).tolist()) for n in range(60)]
    low = [(label, bar**3 / 10, spot**3 / 10) for label, bar, spot in rows]
    doubts = [
        {each.name: each.disagreement for each in rank(labelled(*scored), ("bar", "spot"), "segmentation")}
        for scored in (rows, low)
    ]
    assert doubts[0] == doubts[1]


def test_parts_of_one_label_alone_are_not_doubted() -> None:
    ranked = rank(labelled(("bar", 0.1, 0.0), ("bar", 0.9, 0.0)), ("bar", "spot"), "segmentation")
    assert [suspect.disagreement for suspect in ranked] == [0.0, 0.0]


def test_a_classification_is_doubted_by_the_lead_of_another_label() -> None:
    scores = np.array([[0.05, 0.05], [0.45, 0.5]], np.float32)
    parts = [Labelled("a", "bar", "train", scores[0]), Labelled("b", "bar", "train", scores[1])]
    first, second = rank(parts, ("bar", "spot"), "classification")
    assert (first.name, first.said) == ("a", "good")
    assert first.disagreement == pytest.approx((0.9 - 0.05 + 1) / 2)
    assert second.said == "spot"
    assert second.disagreement == pytest.approx(0.525)
