"""How unlike every good part a place is: two memories of good parts under the model contract.

*Neighbour* keeps examples of what good parts look like at a fine grid and measures the distance to the
nearest (Roth et al. 2022, "PatchCore"): it knows rare things that are good. *Gaussian* keeps the mean and
the covariance of wider surroundings and measures the Mahalanobis distance (Defard et al. 2021, "PaDiM",
without its fixed places: parts may shift and turn): it knows how features go together. Each is counted in
standard deviations of held-out good parts; the more alarmed of the two speaks.
"""

from __future__ import annotations

from typing import Any, cast

import timm
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from taktsight.errors import ConfigError
from taktsight.training.networks import Normalise
from taktsight.training.weights import initialise

STAGES = (8, 16, 32)
"""Strides of the encoder's stages that are remembered, px."""
ALARM, SOFTNESS = 4.0, 2.0
"""A place scores 0.5 so many standard deviations above the held-out good parts; so many are one logit."""
EVEN = 3
"""Features and distances are means over so many cells each way: a single cell is noise."""
TINY = 1e-6


class Neighbour(nn.Module):
    """Distance to the nearest of M remembered feature vectors, as one product of matrices.

    Args:
        features: D.
        examples: M.
    """

    centre: Tensor
    scale: Tensor
    examples: Tensor

    def __init__(self, features: int, examples: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("examples", torch.zeros(examples, features))

    def project(self, features: Tensor) -> Tensor:
        """(N, D, h, w) → (N, h·w, D), each stage about 0 and of length 1 on average."""
        return (features.flatten(2).transpose(1, 2) - self.centre) / self.scale

    def forward(self, features: Tensor) -> Tensor:
        """(N, D, h, w) → squared distances (N, 1, h, w)."""
        places = self.project(features)
        # |x − m|² = |x|² + |m|² − 2 x·m: the smallest needs no (places × examples × D) differences.
        products = 2 * places @ self.examples.T - self.examples.square().sum(dim=1)
        nearest = places.square().sum(dim=2) - products.amax(dim=2)
        return nearest.clamp(min=0).reshape(-1, 1, *features.shape[2:])


class Gaussian(nn.Module):
    """Squared Mahalanobis distance to the mean of what good parts look like.

    Args:
        features: D.
    """

    centre: Tensor
    whiten: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("whiten", torch.eye(features))

    def forward(self, features: Tensor) -> Tensor:
        """(N, D, h, w) → squared distances (N, 1, h, w)."""
        places = (features.flatten(2).transpose(1, 2) - self.centre) @ self.whiten
        return places.square().sum(dim=2).reshape(-1, 1, *features.shape[2:])


class AnomalyNetwork(nn.Module):
    """Maps at an eighth of the canvas and a score, for the one label of whatever is not good.

    Args:
        channels: 1 or 3.
        encoder: a timm name; it is not trained.
        weights: ``package``, a file, or None; see :mod:`taktsight.training.weights`.
        examples: M, how many feature vectors of good parts are remembered.
    """

    calibration: Tensor

    def __init__(self, channels: int, encoder: str, weights: str | None, examples: int) -> None:
        super().__init__()
        self.normalise = Normalise()
        body = timm.create_model(encoder, pretrained=False, in_chans=channels, features_only=True)
        strides: list[int] = cast(Any, body).feature_info.reduction()
        if not set(STAGES) <= set(strides):
            raise ConfigError(f"encoder {encoder}: has strides {strides}, a memory needs {STAGES}")
        wanted = tuple(strides.index(stride) for stride in STAGES)
        self.body = timm.create_model(
            encoder, pretrained=False, in_chans=channels, features_only=True, out_indices=wanted
        )
        initialise(self.body, encoder, weights)
        self.body.requires_grad_(False)
        sizes: list[int] = cast(Any, self.body).feature_info.channels()
        self.fine_sizes, self.wide_sizes = tuple(sizes[:2]), tuple(sizes[1:])
        self.neighbour = Neighbour(sum(self.fine_sizes), examples)
        self.gaussian = Gaussian(sum(self.wide_sizes))
        self.register_buffer("calibration", torch.tensor([[0.0, 1.0], [0.0, 1.0]]))

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → fine (N, D, H/8, W/8) and wide (N, E, H/16, W/16) float32.

        In float32 whatever the training's precision: what is remembered is what the line will compute.
        """
        with torch.autocast(images.device.type, enabled=False):
            eighth, sixteenth, last = (_even(stage) for stage in self.body(self.normalise(images)))
        fine = torch.cat([eighth, _as_large_as(eighth, sixteenth)], dim=1)
        return fine, torch.cat([sixteenth, _as_large_as(sixteenth, last)], dim=1)

    def distances(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Log distances of both memories, (N, 1, H/8, W/8) and (N, 1, H/16, W/16)."""
        fine, wide = self.features(images)
        near = _even(self.neighbour(fine))
        far = _even(self.gaussian(wide))
        return (near + TINY).log(), (far + TINY).log()

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, 1, H/8, W/8) and scores (N, 1) before the sigmoid."""
        near, far = self.distances(images)
        (near_mean, near_spread), (far_mean, far_spread) = self.calibration.unbind()
        near = (near - near_mean) / near_spread
        alarm = torch.maximum(near, _as_large_as(near, (far - far_mean) / far_spread))
        maps = (alarm - ALARM) / SOFTNESS
        return maps, maps.flatten(1).amax(dim=1, keepdim=True)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → mean features (N, E) by which parts are compared, and scores (N, 1)."""
        _, wide = self.features(images)
        return wide.mean(dim=(2, 3)), self(images)[1]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, 1, H/8, W/8) and scores (N, 1), float32 0–1."""
        maps, scores = self.logits(images)
        return maps.sigmoid().clamp(0, 1), scores.sigmoid().clamp(0, 1)


def _even(cells: Tensor) -> Tensor:
    return avg_pool2d(cells, EVEN, 1, EVEN // 2, count_include_pad=False)


def _as_large_as(large: Tensor, small: Tensor) -> Tensor:
    return interpolate(small, size=large.shape[2:], mode="bilinear", align_corners=False)
