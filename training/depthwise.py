"""Depthwise convolutions kept in float32 while the rest trains in bfloat16 on a CPU.

Their backward pass in bfloat16 took 4.6 times as long as in float32 (oneDNN with AVX-512 BF16,
EfficientNet-Lite0 U-Net at 192², November 2026): more than half of a training step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def keep_depthwise_float32(network: nn.Module) -> None:
    """Wraps the depthwise convolutions of ``network`` while it is trained; its weights stay its own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            module.forward = _in_float32(module.forward)  # type: ignore[method-assign, assignment]  # undone by reloading


def _in_float32(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def float32_forward(features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return forward(features.float())

    return float32_forward
