"""Batch norms that see the whole batch, however many processes share it."""

from __future__ import annotations

from typing import cast

import torch
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from taktsight.training.processes import processes, whole_batch


def synchronise_batch_norms(network: nn.Module, device: str) -> None:
    """Replaces the batch norms in ``network``; weights and their names stay what they are.

    Args:
        network: what several processes are going to train.
        device: ``cuda`` or ``cpu``. PyTorch's own synchronised norm knows no CPU.
    """
    for name, child in list(network.named_children()):
        if device == "cuda":
            setattr(network, name, convert_sync_batchnorm(child))  # type: ignore[no-untyped-call]  # timm's
        elif isinstance(child, _BatchNorm):
            setattr(network, name, WholeBatchNorm(child))
        else:
            synchronise_batch_norms(child, device)


class WholeBatchNorm(nn.BatchNorm2d):
    """A batch norm whose mean and variance are those of all processes' shares together.

    Args:
        of: the norm in whose place it stands, also timm's with an activation behind it.
    """

    def __init__(self, of: _BatchNorm) -> None:
        super().__init__(of.num_features, of.eps, of.momentum, of.affine, of.track_running_stats)
        self.weight, self.bias = of.weight, of.bias
        self.running_mean, self.running_var = of.running_mean, of.running_var
        self.num_batches_tracked = of.num_batches_tracked
        self.train(of.training)
        for name in ("drop", "act"):
            if hasattr(of, name):
                setattr(self, name, getattr(of, name))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) → the same; each process must have as many values as the others."""
        if self.training and processes() > 1:
            features = self._normalised(features)
        else:
            features = super().forward(features)
        for name in ("drop", "act"):
            if hasattr(self, name):
                features = cast(nn.Module, getattr(self, name))(features)
        return features

    def _normalised(self, features: Tensor) -> Tensor:
        single = features.float()
        variance, mean = torch.var_mean(single, dim=(0, 2, 3), correction=0)
        # Sums of squares are told in float64: their difference to the squared mean may be tiny.
        own_mean, own_variance = mean.double(), variance.double()
        moments = torch.stack([own_mean, own_variance + own_mean.square()])
        mean, square = whole_batch(moments) / processes()
        variance = square - mean.square()
        self._remember(mean, variance, processes() * single.numel() // single.shape[1])
        scale = (variance + self.eps).rsqrt().float()
        if self.affine:
            scale = scale * self.weight
        answer = (single - mean.float()[:, None, None]) * scale[:, None, None]
        if self.affine:
            answer = answer + self.bias[:, None, None]
        return cast(Tensor, answer.to(features.dtype))

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, values: int) -> None:
        """Running statistics as a single process would keep them."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.float(), share)
        self.running_var.lerp_((variance * values / max(1, values - 1)).float(), share)
