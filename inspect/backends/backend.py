"""What the line asks of an engine, and which engine it gets."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taktsight.imaging import Batch
from taktsight.inspect.config import OnnxRuntime

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]
"""maps (N, K, h, w) and scores (N, K), float32."""


class Backend(Protocol):
    """An engine with a model in it."""

    def infer(self, batch: Batch) -> Outputs:
        """Raises ``BackendError`` where the engine fails."""


def open_backend(config: OnnxRuntime, model: bytes) -> Backend:
    """The engine that was asked for, with ``model`` loaded.

    Raises:
        BackendError: If it is not installed, refuses the model, or another one would run.
    """
    from taktsight.inspect.backends.ort import OnnxRuntimeBackend

    return OnnxRuntimeBackend(model, device=config.device, threads=config.threads)
