"""A model of anomalib under the model contract: the same maps, scored faster where the scoring is known.

*PaDiM* (Defard et al. 2021) and *PatchCore* (Roth et al. 2022) are computed from their own numbers in
another order. Interpolation and blur of a distance map are linear, and rows and columns do not meet in
them: both are one product of matrices from each side instead of a 33 × 33 kernel at every pixel. Every
other model runs as anomalib wrote it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d, interpolate, pad

ALARM = 4.0
"""A place scores 0.5 so many standard deviations above the held-out good parts."""
LOOK_CELLS = 8
"""Parts whose model shows no features are compared by their map in so many cells each way."""


class AsWritten(nn.Module):
    """A torch model of anomalib, untouched.

    Args:
        model: gives ``anomaly_map`` (N, 1, h, w) or ``pred_score`` (N,), or both.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, h, w) → map and part distance; a model without a map says so with one cell."""
        said = self.model(images)
        if said.anomaly_map is None:
            score = said.pred_score.reshape(-1, 1)
            return score[:, :, None, None], score
        cells = said.anomaly_map.reshape(images.shape[0], 1, *said.anomaly_map.shape[-2:])
        if said.pred_score is None:
            return cells, cells.flatten(1).amax(dim=1, keepdim=True)
        return cells, said.pred_score.reshape(-1, 1)


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


class AnomalibNetwork(nn.Module):
    """An anomalib model under the model contract.

    Args:
        scoring: what finds an image strange.
        canvas: height, width, channels of the network's input.
        size: h, w that the model was trained on; the canvas is resized as anomalib's PreProcessor does.
        mean: of each colour, 0–1.
        deviation: likewise.
    """

    calibration: Tensor
    down: Tensor
    across: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        scoring: nn.Module,
        canvas: tuple[int, int, int],
        size: tuple[int, int],
        mean: tuple[float, ...],
        deviation: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.scoring, self.canvas, self.size = scoring, canvas, size
        self.register_buffer("mean", 255 * torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("deviation", 255 * torch.tensor(deviation).reshape(-1, 1, 1))
        self.register_buffer("down", _resized(canvas[0], size[0]))
        self.register_buffer("across", _resized(canvas[1], size[1]).T.contiguous())
        self.register_buffer("calibration", torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
        self.scoring.requires_grad_(False)

    def prepare(self, images: Tensor) -> Tensor:
        """(N, H, W, C) uint8 → (N, 3, h, w) float32 as anomalib's PreProcessor gives it."""
        planes = images.float().permute(0, 3, 1, 2)
        if self.size != self.canvas[:2]:
            planes = self.down @ planes @ self.across
        # One grey plane becomes three here; some models view them and need them in this order.
        return ((planes - self.mean) / self.deviation).contiguous()

    def distances(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → the model's own map (N, 1, h, w) and part distance (N, 1)."""
        with torch.autocast(images.device.type, enabled=False):
            cells, part = self.scoring(self.prepare(images))
        fitting = _fitting(self.canvas[:2], (cells.shape[2], cells.shape[3]))
        if fitting != tuple(cells.shape[2:]):
            cells = interpolate(cells, fitting, mode="bilinear", align_corners=False)
        return cells, part

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, 1, h, w) and scores (N, 1), float32 0–1."""
        cells, part = self.distances(images)
        of_maps, of_parts = self.calibration.unbind()
        return _sure(cells, *of_maps.unbind()), _sure(part, *of_parts.unbind())

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → what parts are compared by (N, F), and scores (N, 1)."""
        features = getattr(self.scoring, "features", None)
        if features is None:
            cells, _ = self.distances(images)
            compared = adaptive_avg_pool2d(cells, LOOK_CELLS).flatten(1)
        else:
            compared = list(features(self.prepare(images)).values())[-1].mean(dim=(2, 3))
        return compared, self(images)[1]


def make_room(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Gives every buffer the size of the one that is about to be loaded: what is remembered varies."""
    for name, tensor in state.items():
        owner, _, buffer = name.rpartition(".")
        module = network.get_submodule(owner)
        if buffer in module._buffers and getattr(module, buffer).shape != tensor.shape:
            setattr(module, buffer, torch.empty_like(tensor))


def _sure(distances: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """0–1, 0.5 at ALARM standard deviations; of far ones the logarithm (asinh), so that 1 stays far."""
    deviations = (distances - mean) / spread
    grown = deviations.sign() * (deviations.abs() + (deviations.square() + 1).sqrt()).log()
    sure: Tensor = (grown - math.asinh(ALARM)).sigmoid().clamp(0, 1)
    return sure


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


def _resized(length: int, wanted: int) -> Tensor:
    """(wanted, length): what torchvision's antialiased bilinear Resize does to one axis."""
    every = torch.eye(length)[None, None]
    resized: Tensor = interpolate(
        every, (wanted, length), mode="bilinear", antialias=True, align_corners=False
    )
    return resized[0, 0]


def _fitting(canvas: tuple[int, int], cells: tuple[int, int]) -> tuple[int, int]:
    """The map's size where it divides the canvas evenly, else the next larger one that does."""
    stride = canvas[0] // cells[0]
    if cells == (1, 1) or (stride * cells[0], stride * cells[1]) == canvas:
        return cells
    stride = 32
    while stride > 1 and (canvas[0] < stride * cells[0] or canvas[1] < stride * cells[1]):
        stride //= 2
    return canvas[0] // stride, canvas[1] // stride
