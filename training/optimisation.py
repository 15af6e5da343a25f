"""One optimiser for every network: AdamW, a short warm-up, then a cosine to zero."""

from __future__ import annotations

import math
from collections import defaultdict

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR


def adamw_cosine(
    network: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    steps: int,
    slow: nn.Module | None = None,
    slow_rate: float = 1.0,
) -> OptimizerLRScheduler:
    """Biases and norms are not decayed; the rate warms up over 5 % of the steps.

    Args:
        network: what is trained.
        learning_rate: the highest rate.
        weight_decay: decoupled (Loshchilov and Hutter 2019).
        steps: optimiser steps of the whole training.
        slow: a part of the network that knows something already, and moves slower.
        slow_rate: its rate ÷ that of the rest.
    """
    kept = {id(p) for p in slow.parameters()} if slow is not None else set()
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = defaultdict(list)
    for p in network.parameters():
        if p.requires_grad:
            groups[p.dim() > 1, id(p) in kept].append(p)
    on_cpu = all(p.device.type == "cpu" for weights in groups.values() for p in weights)
    optimizer = AdamW(
        (
            {
                "params": parameters,
                "weight_decay": weight_decay if is_decayed else 0.0,
                "lr": learning_rate * (slow_rate if is_slow else 1.0),
            }
            for (is_decayed, is_slow), parameters in groups.items()
        ),
        # On a CPU one kernel for all takes a third of the time; on a GPU it would unscale after clipping.
        fused=on_cpu,
        foreach=not on_cpu,
    )
    warm_up = max(1, steps // 20)

    def rate(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))

    scheduler = LambdaLR(optimizer, rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
