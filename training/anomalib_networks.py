"""A model of anomalib under the model contract: PaDiM and PatchCore scored faster, others as written."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

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
