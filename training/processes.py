"""What the processes of one training tell each other. A training of one process talks to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed

Over = Callable[[Tensor], Tensor]
"""Makes sums over this process's share of a batch into sums over as much as a loss is about."""
Value = TypeVar("Value")


def processes() -> int:
    """How many train together."""
    is_shared = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if is_shared else 1


def own_share(sums: Tensor) -> Tensor:
    """The sums as they are: a loss over what this process sees."""
    return sums


def whole_batch(sums: Tensor) -> Tensor:
    """The sums over all processes, the same in each; gradients flow back to all of them.

    Each process must call it equally often and in the same order.
    """
    return sums if processes() == 1 else cast(Tensor, _Summed.apply(sums))


def mean_over_processes(value: Tensor) -> float:
    """A number's mean; not a number anywhere is not a number everywhere."""
    with torch.no_grad():
        return float(whole_batch(value.detach().float())) / processes()


def from_all_processes(value: Value) -> list[Value]:
    """What each process has, in their order."""
    if processes() == 1:
        return [value]
    found: list[Any] = [None] * processes()
    distributed.all_gather_object(found, value)
    return found


class _Summed(torch.autograd.Function):
    """A sum over processes; torch.distributed.nn, which had one, is deprecated."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor) -> Tensor:
        return _summed(sums)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Each process's loss depends on each process's share."""
        return _summed(slope)


def _summed(own: Tensor) -> Tensor:
    total = own.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total
