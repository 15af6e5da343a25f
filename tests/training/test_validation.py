"""Figures of an epoch against counts made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from taktsight.training.validation import ValidationParts, picked_by


def gathered(
    owners: list[int], labels: list[int], scores: list[list[float]], defects: int
) -> ValidationParts:
    parts = ValidationParts()
    parts.add(torch.tensor(owners), torch.tensor(labels), torch.tensor(scores), defects)
    return parts


def pixels(*on: int) -> Tensor:
    mask = torch.zeros(1, 2, 5, dtype=torch.bool)
    mask.view(-1)[list(on)] = True
    return mask


def test_auroc_counts_pairs_in_order_and_ties_half() -> None:
    parts = gathered([0, 1, 2, 3], [0, 0, 1, 1], [[0.9], [0.4], [0.4], [0.1]], 1)
    assert parts.auroc() == 3.5 / 4  # 0.9 above both, 0.4 ties one and is above the other


def test_part_scores_as_its_worst_tile_and_its_worst_label() -> None:
    parts = gathered([0, 0, 1], [2, 2, 0], [[0.1, 0.8], [0.3, 0.2], [0.7, 0.6]], 2)
    parts.add(torch.tensor([1]), torch.tensor([0]), torch.tensor([[0.1, 0.1]]), 2)
    assert parts.auroc() == 0.0  # the good part's tile reaches 0.8, the defective part 0.7


@pytest.mark.parametrize("label", [0, 1])
def test_auroc_without_one_of_the_sides_is_a_coin(label: int) -> None:
    assert gathered([0, 1], [label, label], [[0.9], [0.1]], 1).auroc() == 0.5


def test_pixel_f1_is_the_mean_over_parts_with_true_pixels() -> None:
    parts = ValidationParts()
    for owner, found, truth in (
        (0, pixels(0, 1, 2), pixels(1, 2, 3)),  # 2 × 2 ÷ (3 + 3)
        (1, pixels(), pixels(4)),  # missed: 0
        (2, pixels(5, 6), pixels()),  # a good part is left out
    ):
        parts.add_pixels(torch.tensor([owner]), found & truth, found, truth)
    assert parts.mean_pixel_f1() == pytest.approx((2 / 3 + 0) / 2)


def test_pixel_f1_adds_the_tiles_of_a_part_before_it_divides() -> None:
    parts = ValidationParts()
    for found, truth in ((pixels(0), pixels(0)), (pixels(), pixels(1, 2, 3))):
        parts.add_pixels(torch.tensor([0]), found & truth, found, truth)
    assert parts.mean_pixel_f1() == pytest.approx(2 * 1 / (1 + 4))


def test_pixel_f1_without_known_pixels_is_0() -> None:
    assert ValidationParts().mean_pixel_f1() == 0.0


def test_accuracy_and_macro_f1_are_those_of_the_confusion() -> None:
    scores = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]
    parts = gathered([0, 1, 2, 3], [0, 0, 1, 2], scores, 2)
    assert parts.accuracy() == 0.75
    assert parts.macro_f1() == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_of_equal_figures_the_newest_epoch_is_picked_and_a_higher_one_always() -> None:
    assert picked_by(1.0, 29) > picked_by(1.0, 4)
    assert picked_by(0.991, 4) > picked_by(0.99, 300)
    newer = [torch.tensor(picked_by(1.0, epoch), dtype=torch.float32) for epoch in (30, 31)]
    assert newer[1] > newer[0]  # as it is logged
