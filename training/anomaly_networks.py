"""How unlike every good part a place is: a memory of good parts under the model contract.

It keeps examples of what good parts look like, at strides where a place knows its surroundings, and
measures the distance to the nearest (Roth et al. 2022, "PatchCore"), counted in standard deviations of
held-out good parts.
"""

from __future__ import annotations

from typing import Any, cast

import timm
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from taktsight.errors import ConfigError
from taktsight.training.networks import Normalise
from taktsight.training.weights import initialise

STAGES = (16, 32)
"""Strides of the encoder's stages that are remembered, px. A finer one takes a surface's grain for news."""
MAP_STRIDE = 8
"""Canvas pixels per map pixel."""
ALARM, SOFTNESS = 4.0, 2.0
"""A place scores 0.5 so many standard deviations above the held-out good parts; so many are one logit."""
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
        self.sizes: tuple[int, ...] = tuple(cast(Any, self.body).feature_info.channels())
        self.neighbour = Neighbour(sum(self.sizes), examples)
        self.register_buffer("calibration", torch.tensor([0.0, 1.0]))

    def features(self, images: Tensor) -> Tensor:
        """(N, H, W, C) uint8 → (N, D, H/16, W/16) float32.

        In float32 whatever the training's precision: what is remembered is what the line will compute.
        """
        with torch.autocast(images.device.type, enabled=False):
            fine, wide = self.body(self.normalise(images))
        return torch.cat([fine, _enlarged(wide, STAGES[1] // STAGES[0])], dim=1)

    def distances(self, images: Tensor) -> Tensor:
        """Log distances to what is remembered, (N, 1, H/8, W/8)."""
        near = (self.neighbour(self.features(images)) + TINY).log()
        return _enlarged(near, STAGES[0] // MAP_STRIDE)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, 1, H/8, W/8) and scores (N, 1) before the sigmoid."""
        mean, spread = self.calibration.unbind()
        maps = ((self.distances(images) - mean) / spread - ALARM) / SOFTNESS
        return maps, maps.flatten(1).amax(dim=1, keepdim=True)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → mean features (N, D) by which parts are compared, and scores (N, 1)."""
        return self.features(images).mean(dim=(2, 3)), self(images)[1]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, 1, H/8, W/8) and scores (N, 1), float32 0–1."""
        maps, scores = self.logits(images)
        return maps.sigmoid().clamp(0, 1), scores.sigmoid().clamp(0, 1)


def _enlarged(cells: Tensor, times: int) -> Tensor:
    return interpolate(cells, scale_factor=float(times), mode="bilinear", align_corners=False)
