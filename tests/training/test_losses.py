"""Losses: what is not known teaches nothing, and what is rare still teaches."""

from __future__ import annotations

import math

import torch

from taktsight.training.losses import map_loss, one_hot, part_loss, per_label


def logits(count: int = 2, labels: int = 2, size_px: int = 32, value: float = -4.6) -> torch.Tensor:
    return torch.full((count, labels, size_px, size_px), value, requires_grad=True)


def gradient(of: torch.Tensor, share: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    map_loss(of, share, known).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert of.grad is not None
    return of.grad


def test_unknown_pixels_get_no_gradient() -> None:
    share, known = torch.zeros(2, 2, 32, 32), torch.ones(2, 1, 32, 32)
    share[0, 0, 4:8, 4:8] = 1
    share[1, 0, :16] = 1  # what stands in unknown pixels does not count
    known[1, 0, :16] = 0
    slope = gradient(logits(), share, known)
    assert torch.count_nonzero(slope[1, :, :16]) == 0
    assert torch.count_nonzero(slope[1, :, 16:]) == slope[1, :, 16:].numel()


def test_batch_of_unknown_pixels_only_is_finite_and_teaches_nothing() -> None:
    slope = gradient(logits(), torch.ones(2, 2, 32, 32), torch.zeros(2, 1, 32, 32))
    assert torch.count_nonzero(slope) == 0


def test_batch_without_a_defect_is_finite_and_only_lowers_the_maps() -> None:
    slope = gradient(logits(value=0.0), torch.zeros(2, 2, 32, 32), torch.ones(2, 1, 32, 32))
    assert torch.isfinite(slope).all()
    assert (slope > 0).all()


def test_one_defective_pixel_in_a_thousand_is_raised_fifty_times_as_hard_as_a_good_one_is_lowered() -> None:
    share = torch.zeros(1, 1, 32, 32)
    share[0, 0, 5, 7] = 1
    slope = gradient(logits(1, 1), share, torch.ones(1, 1, 32, 32))
    defective = float(slope[0, 0, 5, 7])
    assert defective < 0  # a step against the gradient raises the map here
    assert abs(defective) > 50 * float(slope.max())


def test_defect_that_is_missed_altogether_is_pulled_at_as_hard_as_one_that_is_doubted() -> None:
    share, known = torch.zeros(2, 2, 32, 32), torch.ones(2, 1, 32, 32)
    share[0, 0, 4:8, 4:8] = 1
    missed = gradient(logits(value=-9.0), share, known)[0, 0, 4:8, 4:8]
    doubted = gradient(logits(value=-3.0), share, known)[0, 0, 4:8, 4:8]
    assert missed.sum() < 0.5 * doubted.sum() < 0


def test_step_against_the_gradient_raises_the_defect_and_lowers_the_good_pixels() -> None:
    share = torch.zeros(1, 1, 32, 32)
    share[0, 0, 5, 7] = 1
    start = logits(1, 1)
    moved = start.detach() - gradient(start, share, torch.ones(1, 1, 32, 32))
    assert moved[0, 0, 5, 7] > -4.6
    assert moved[0, 0, 20, 20] < -4.6


def test_right_map_costs_less_than_a_missed_defect() -> None:
    share, known = torch.zeros(1, 2, 32, 32), torch.ones(1, 1, 32, 32)
    share[0, 1, 5:7, 5:7] = 1
    missed = torch.full((1, 2, 32, 32), -9.0)
    right = torch.where(share > 0, 9.0, -9.0)
    assert map_loss(right, share, known) < 0.1 < map_loss(missed, share, known)


def test_label_that_nothing_shows_costs_no_dice() -> None:
    known, right = torch.ones(1, 1, 32, 32), torch.full((1, 1, 32, 32), -9.0)
    right[0, 0, :8] = 9
    share = (right > 0).float()
    spare = torch.full((1, 1, 32, 32), -9.0)
    alone = map_loss(right, share, known)
    beside = map_loss(torch.cat([right, spare], 1), torch.cat([share, spare * 0], 1), known)
    assert math.isclose(float(alone), float(beside), abs_tol=1e-3)


def test_part_loss_is_least_a_little_short_of_certain() -> None:
    """Labels are written by people: a score of 0.98 costs less than one of 0.9999."""
    costs = [
        float(part_loss(torch.logit(torch.tensor([[score]])), torch.ones(1, 1)))
        for score in (0.9, 0.98, 0.9999)
    ]
    assert costs[1] == min(costs)


def test_good_part_has_no_column() -> None:
    assert one_hot(torch.tensor([1, 0, 2]), 2).tolist() == [[0, 1], [1, 0], [0, 0]]


def test_each_pixel_belongs_to_the_label_it_was_drawn_as() -> None:
    kinds = torch.tensor([[[0, 1], [1, 2]]], dtype=torch.uint8)
    assert per_label(kinds, 3).tolist() == [[[[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]]]
    whole = torch.tensor([[[2]], [[0]]], dtype=torch.uint8)
    assert per_label(whole, 3).flatten(1).tolist() == [[0, 0, 1], [1, 0, 0]]
