"""Weights as one number: equal numbers, equal networks, whatever file they lie in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over name, type, shape and bytes of every tensor, in the order of their names.

    Args:
        state: a state dict, on any device and in any memory format.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def not_finite(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Names of the tensors that hold a value that is no number, sorted."""
    return tuple(name for name in sorted(state) if not bool(torch.isfinite(state[name]).all()))
