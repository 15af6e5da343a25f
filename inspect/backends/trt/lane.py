"""One way through the GPU: pinned buffers, a stream, an execution context, and all of it as one graph."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch
from taktsight.inspect.backends.cuda_driver import Buffer, Gpu
from taktsight.inspect.backends.lanes import Shapes

log = logging.getLogger(__name__)


class TensorRtLane:
    """Takes a whole batch up, through the engine and down again, without waiting for it.

    Args:
        gpu: whose.
        engine: the vendor's, loaded.
        shapes: of ``images``, ``maps`` and ``scores``, under the engine's own name for the input.
        name: of engine and GPU, for messages.

    Raises:
        BackendError: If the vendor refuses a step.
    """

    def __init__(self, gpu: Gpu, engine: Any, shapes: Shapes, name: str) -> None:
        self._gpu, self._name = gpu, name
        self._graph: int | None = None
        self._stream = gpu.new_stream()
        self._context = engine.create_execution_context()
        if self._context is None:
            raise BackendError(
                f"{name}: no execution context; is its memory full? Else try cuda_graph: false"
            )
        self._images, *self._outputs = (self._bind(tensor, shape) for tensor, shape in shapes.items())
        (images, shape), *_ = shapes.items()
        if not self._context.set_input_shape(images, shape):
            raise BackendError(f"{name}: refuses {images} of shape {shape}; build the engine again")

    def start(self, tiles: Batch) -> None:
        """Queues up to a batch of tiles; what is missing is filled with those of before and ignored."""
        np.copyto(self._images.pinned[: len(tiles)], tiles)
        self._outputs[-1].pinned.fill(np.nan)  # scores that nobody wrote must not be those of before
        if self._graph is not None:
            self._gpu.launch(self._graph, self._stream)
        else:
            self._enqueue()

    def finish(self, maps: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        """Waits for what was started, and writes it where it belongs: (n, K, h, w) and (n, K)."""
        self._gpu.wait(self._stream)
        for wanted, output in zip((maps, scores), self._outputs, strict=True):
            np.copyto(wanted, output.pinned[: len(wanted)])

    def capture(self) -> None:
        """Notes copies and kernels once, to launch them with one call; some engines cannot be noted."""
        able = getattr(self._context, "is_stream_capturable", None)
        if able is not None and not able(self._stream):
            log.warning("%s: this engine fits in no CUDA graph; it runs without", self._name)
            return
        try:
            self._graph = self._captured()
        except BackendError as error:
            log.warning("%s: fits in no CUDA graph (%s); it runs without", self._name, error)

    def _captured(self) -> int:
        self._gpu.begin_capture(self._stream)
        try:
            self._enqueue()
        except BackendError:
            self._gpu.abandon_capture(self._stream)
            raise
        return self._gpu.end_capture(self._stream)

    def _enqueue(self) -> None:
        self._gpu.upload(self._images, self._stream)
        if not self._context.execute_async_v3(self._stream):
            raise BackendError(f"{self._name}: the engine refused to run; see the log for its words")
        for output in self._outputs:
            self._gpu.download(output, self._stream)

    def _bind(self, tensor: str, shape: tuple[int, ...]) -> Buffer:
        dtype: type[np.generic] = np.float32 if tensor in ("maps", "scores") else np.uint8
        buffer = self._gpu.buffer(shape, dtype)
        if not self._context.set_tensor_address(tensor, buffer.device):
            raise BackendError(f"{self._name}: has no tensor {tensor}; build the engine again")
        return buffer
