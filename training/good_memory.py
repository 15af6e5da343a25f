"""What good parts look like, gathered tile by tile and condensed into the memory of a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from taktsight.training.anomaly_networks import AnomalyNetwork

CANDIDATES = 64_000
"""Feature vectors that the remembered examples are chosen from, about."""
CHOOSING = 32
"""Random directions in which distances are compared while choosing: they keep them (Johnson and
Lindenstrauss 1984)."""


class GoodMemory:
    """Gathers the features of good tiles.

    Args:
        network: whose features are gathered, and whose memory is filled at the end.
        tiles: how many will come; each gives an equal share of the candidates.
        seed: of the places that are looked at.
    """

    def __init__(self, network: AnomalyNetwork, tiles: int, seed: int = 0) -> None:
        self._network = network
        self._per_tile = max(1, CANDIDATES // tiles)
        self._rng = torch.Generator().manual_seed(seed)
        self._candidates: list[Tensor] = []

    @torch.no_grad()
    def add(self, images: Tensor) -> None:
        """One batch of good tiles, (N, H, W, C) uint8."""
        for tile in _vectors(self._network.features(images)).cpu():
            chosen = torch.randperm(len(tile), generator=self._rng)[: self._per_tile]
            self._candidates.append(tile[chosen])

    def fill(self) -> None:
        """Writes the memory into the network."""
        candidates = torch.cat(self._candidates)
        near = self._network.neighbour
        near.centre.copy_(candidates.mean(dim=0))
        near.scale.copy_(_stage_lengths(candidates - candidates.mean(dim=0), self._network.sizes))
        places = near.project(candidates.T[None, :, :, None].to(near.centre.device))[0].cpu()
        directions = torch.randn(places.shape[1], CHOOSING, generator=self._rng)
        chosen = spread_out(places @ directions, len(near.examples))
        near.examples.copy_(places[chosen])


def spread_out(places: Tensor, wanted: int) -> Tensor:
    """Indices (wanted,) of examples that leave no place far from one.

    Greedy k-centre (Sener and Savarese 2018): the next is always the place farthest from all chosen.

    Args:
        places: (P, D).
        wanted: how many; where there are fewer places, they come again.
    """
    if len(places) <= wanted:
        return torch.arange(wanted) % len(places)
    lengths = places.square().sum(dim=1)
    chosen, distance = [0], torch.full((len(places),), torch.inf)
    while len(chosen) < wanted:
        newest = places[chosen[-1]]
        distance = torch.minimum(distance, lengths - 2 * places @ newest + newest.square().sum())
        chosen.append(int(distance.argmax()))
    return torch.tensor(chosen)


def _vectors(features: Tensor) -> Tensor:
    """(N, D, h, w) → (N, h·w, D)."""
    return features.flatten(2).transpose(1, 2)


def _stage_lengths(differences: Tensor, sizes: Sequence[int]) -> Tensor:
    """(D,) the mean length of a stage's vectors, for each of its features: no stage drowns another."""
    variances = differences.square().mean(dim=0)
    lengths = [
        stage.sum().sqrt().clamp(min=1e-6).expand(len(stage))
        for stage in torch.split_with_sizes(variances, list(sizes))
    ]
    return torch.cat(lengths)
