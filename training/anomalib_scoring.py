"""PaDiM and PatchCore of anomalib in another order of computing: the same maps, sooner.

*PaDiM* (Defard et al. 2021) and *PatchCore* (Roth et al. 2022) are computed from their own numbers.
Interpolation and blur of a distance map are linear, and rows and columns do not meet in them: both are one
product of matrices from each side instead of a 33 × 33 kernel at every pixel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad


class Padim(nn.Module):
    """PaDiM with each place's covariance factored beforehand.

    Args:
        model: ``anomalib.models.image.padim.torch_model.PadimModel``.
    """

    chosen: Tensor
    centre: Tensor
    whiten: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.features, self.layers = model.feature_extractor, tuple(model.layers)
        self.draw = Drawing()
        self.register_buffer("chosen", model.idx.clone())
        self.register_buffer("centre", torch.zeros(0))
        self.register_buffer("whiten", torch.zeros(0))

    def fill(self, model: Any, size: tuple[int, int]) -> None:
        """Takes over what the model learned of images of h, w."""
        grid = _grid_of(self.features, self.layers, size)
        self.draw.fill(model.anomaly_map_generator.blur, grid, size, "bilinear")
        self.centre = model.gaussian.mean.T.unsqueeze(1).contiguous()
        self.whiten = _factors(model.gaussian.inv_covariance)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, h, w) → the map of anomalib's PaDiM (N, 1, h, w) and its highest (N, 1)."""
        stages = self.features(images)
        first = stages[self.layers[0]]
        rows, columns = first.shape[2:]
        others = [interpolate(stages[layer], (rows, columns), mode="nearest") for layer in self.layers[1:]]
        places = torch.cat([first, *others], dim=1)[:, self.chosen].flatten(2).permute(2, 0, 1)
        # (x − m)' L L' (x − m) = |L'(x − m)|²: a sum of squares, never below 0.
        distances = torch.bmm(places - self.centre, self.whiten).square().sum(dim=2).sqrt()
        cells = self.draw(distances.T.reshape(-1, 1, rows, columns))
        return cells, cells.flatten(1).amax(dim=1, keepdim=True)


class Patchcore(nn.Module):
    """PatchCore with its neighbours as one product of matrices.

    Args:
        model: ``anomalib.models.image.patchcore.torch_model.PatchcoreModel``.
    """

    bank: Tensor
    halves: Tensor
    support: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.features, self.layers = model.feature_extractor, tuple(model.layers)
        self.pool, self.draw = model.feature_pooler, Drawing()
        self.register_buffer("bank", torch.zeros(0))
        self.register_buffer("halves", torch.zeros(0))
        self.register_buffer("support", torch.zeros(0, dtype=torch.long))

    def fill(self, model: Any, size: tuple[int, int]) -> None:
        """Takes over what the model remembers."""
        grid = _grid_of(self.features, self.layers, size)
        self.draw.fill(model.anomaly_map_generator.blur, grid, size, "nearest")
        self.bank = model.memory_bank.float().clone()
        self.halves = self.bank.square().sum(dim=1) / -2
        if model.num_neighbors > 1:
            self.support = _nearest(self.bank, min(model.num_neighbors, len(self.bank)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, h, w) → map (N, 1, h, w) and score (N, 1) of anomalib's PatchCore."""
        stages = {name: self.pool(stage) for name, stage in self.features(images).items()}
        first = stages[self.layers[0]]
        rows, columns = first.shape[2:]
        others = [interpolate(stages[layer], (rows, columns), mode="bilinear") for layer in self.layers[1:]]
        places = torch.cat([first, *others], dim=1).flatten(2).transpose(1, 2).flatten(0, 1)
        # |x − m|² = |x|² − 2 (x·m − |m|²/2): only the largest product needs its root.
        products = torch.addmm(self.halves, places, self.bank.T)
        nearest = (places.square().sum(dim=1) - 2 * products.amax(dim=1)).clamp(min=0).sqrt()
        nearest = nearest.reshape(first.shape[0], rows * columns)
        cells = self.draw(nearest.reshape(-1, 1, rows, columns))
        return cells, self._score(nearest, places.reshape(*nearest.shape, -1), products)

    def _score(self, nearest: Tensor, places: Tensor, products: Tensor) -> Tensor:
        """(N, 1): the farthest place's distance, less where its neighbour is itself a rare one."""
        farthest, place = nearest.max(dim=1, keepdim=True)
        if not self.support.numel():
            return farthest
        shown = places.gather(1, place[:, :, None].expand(-1, -1, places.shape[2]))
        row = products.reshape(*nearest.shape, -1)
        row = row.gather(1, place[:, :, None].expand(-1, -1, row.shape[2]))
        around = self.bank[self.support[row.squeeze(1).argmax(dim=1)]]
        weight = 1 - (around - shown).square().sum(dim=2).sqrt().softmax(dim=1)[:, :1]
        return weight * farthest


class Drawing(nn.Module):
    """A grid of distances as anomalib's map: interpolated, then blurred.

    Both are linear, and along rows and columns independent: one matrix from the left, one from the right.
    """

    down: Tensor
    across: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("down", torch.zeros(0))
        self.register_buffer("across", torch.zeros(0))

    def fill(self, blur: Any, grid: tuple[int, int], size: tuple[int, int], mode: str) -> None:
        """Both matrices.

        Args:
            blur: ``anomalib.models.components.GaussianBlur2d``.
            grid: rows and columns of the distances.
            size: h, w of the map.
            mode: of the interpolation.
        """
        kernel = blur.kernel[0, 0]  # an outer product that sums to 1: its sums are its factors
        self.down = _drawn(grid[0], size[0], mode, kernel.sum(dim=1))
        self.across = _drawn(grid[1], size[1], mode, kernel.sum(dim=0)).T.contiguous()

    def forward(self, distances: Tensor) -> Tensor:
        """(N, 1, rows, columns) → (N, 1, h, w)."""
        return self.down @ (distances @ self.across)


def _factors(inverse: Tensor) -> Tensor:
    """(P, D, D) symmetric → lower L with L L' the same."""
    even = (inverse.double() + inverse.double().transpose(1, 2)) / 2
    lower: Tensor = torch.linalg.cholesky(even)
    return lower.float()


def _nearest(bank: Tensor, wanted: int) -> Tensor:
    """(M, wanted) which of the bank lie nearest to each of the bank, itself first."""
    chunks = [
        torch.cdist(some, bank).topk(wanted, largest=False).indices for some in torch.split(bank, 1024)
    ]
    return torch.cat(chunks)


def _grid_of(features: nn.Module, layers: tuple[str, ...], size: tuple[int, int]) -> tuple[int, int]:
    with torch.no_grad():
        rows, columns = features(torch.zeros(1, 3, *size))[layers[0]].shape[2:]
    return rows, columns


def _drawn(cells: int, length: int, mode: str, kernel: Tensor) -> Tensor:
    """(length, cells): interpolation of one axis, then a blur of it that reflects at the ends."""
    corners = None if mode == "nearest" else False
    stretched = interpolate(torch.eye(cells)[None, None], (length, cells), mode=mode, align_corners=corners)
    reach = len(kernel) // 2
    padded = pad(stretched, (0, 0, reach, reach), mode="reflect")
    return conv2d(padded, kernel[None, None, :, None])[0, 0]
