"""Losses that survive one defective pixel in a thousand."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from taktsight.training.processes import Over, own_share

ENTROPY_WEIGHT = 10.0
"""Cross-entropy is a mean over pixels, nearly all of them good: it needs the weight."""

MISSED_WEIGHT = 0.3
"""Of the cross-entropy over defective pixels alone; more of it draws defects too wide."""


def map_loss(logits: Tensor, share: Tensor, known: Tensor, over: Over = own_share) -> Tensor:
    """Cross-entropy per pixel and per defect, Dice per label over the batch, Dice per image.

    Cross-entropy alone learns "no defect" where 1 pixel in 1,000 is defective. Dice per label
    (Milletari et al. 2016) ignores how rare a pixel is; Dice per image gives a pit of ten pixels the
    weight of a stain of ten thousand. Dice counts only labels and images that have something to find,
    and hardly pulls at a defect that is missed altogether, where p (1 − p) is nearly 0: cross-entropy
    over the defective pixels of each image does.

    Args:
        logits: (N, K, H, W).
        share: (N, K, H, W) share of each pixel that shows the label, 0–1.
        known: (N, 1, H, W) 1 where the pixel's truth is known, else 0.
        over: what the batch is. With ``whole_batch`` the mean of the processes' losses, and of their
            gradients, is that of one process with all of the batch.
    """
    logits, share, known = logits.float(), share.float(), known.float()
    entropy = binary_cross_entropy_with_logits(logits, share, reduction="none") * known
    probability = logits.sigmoid() * known
    share = share * known
    per_label = _mean(_dice(over(_overlaps(probability, share, dim=(0, 2, 3)))))
    per_image = _mean(over(_dice(_overlaps(probability.amax(dim=1), share.amax(dim=1), dim=(1, 2)))))
    missed = _mean(over(_missed(entropy, share)))
    return ENTROPY_WEIGHT * entropy.mean() + MISSED_WEIGHT * missed + per_label + per_image


def _missed(entropy: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy over the defective pixels of each image: its sum over images, and how many have any."""
    mass = share.sum(dim=(1, 2, 3))
    per_image = (entropy * share).sum(dim=(1, 2, 3)) / mass.clamp(min=1)
    return torch.stack([per_image.sum(), (mass > 0).float().sum()])


def _overlaps(probability: Tensor, share: Tensor, dim: tuple[int, ...]) -> Tensor:
    """(3, …) what was found rightly, what was found, and what there is to find."""
    return torch.stack([(probability * share).sum(dim=dim), probability.sum(dim=dim), share.sum(dim=dim)])


def _dice(overlaps: Tensor) -> Tensor:
    """1 − Dice: its sum over what has something to find, and how many have."""
    hits, found, mass = overlaps
    missed = 1 - (2 * hits + 1) / (found + mass + 1)
    present = (mass > 0).float()
    return torch.stack([(missed * present).sum(), present.sum()])


def _mean(summed: Tensor) -> Tensor:
    """Of a sum and a count; 0 where there is nothing."""
    return summed[0] / summed[1].clamp(min=1)


def part_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of "this label is on this part", softened a little: labels are written by people.

    Args:
        logits: (N, K).
        present: (N, K), 1 where the label is on the part.
    """
    return binary_cross_entropy_with_logits(logits.float(), softened(present))


def softened(present: Tensor) -> Tensor:
    """0 and 1 as 0.02 and 0.98: nobody's labels are surer than that."""
    return present.float() * 0.96 + 0.02


def one_hot(labels: Tensor, count: int) -> Tensor:
    """(N,) labels 0…K as (N, K) float32; K, the good part, has no column."""
    return torch.nn.functional.one_hot(labels, count + 1)[:, :count].float()


def per_label(kinds: Tensor, count: int) -> Tensor:
    """(N, H, W) labels 0…K − 1 of pixels as (N, K, H, W) float32; sides of 1 stay 1."""
    return (kinds.unsqueeze(1) == torch.arange(count, device=kinds.device)[:, None, None]).float()
