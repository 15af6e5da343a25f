"""ONNX Runtime on an NVIDIA GPU: pinned buffers, one stream, one call a run, no node anywhere else."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.lanes import (
    WARM_UPS,
    Shapes,
    all_answers,
    check_repeats,
    noise_tiles,
    through_lanes,
)
from taktsight.inspect.backends.ort import ERRORS, check_contract, new_session, session_options

PROVIDER = "CUDAExecutionProvider"
FATAL = 4


class CudaBackend:
    """uint8 (N, H, W, C) in, maps and scores out, in the precision that the model is written in.

    Args:
        model: float32, or fp16 by its own nodes.
        batch: tiles of one run.

    Raises:
        BackendError: If there is no GPU or no CUDA in this ONNX Runtime, or a node would run elsewhere.
    """

    def __init__(self, model: bytes, *, batch: int = 1) -> None:
        if PROVIDER not in ort.get_available_providers():
            raise BackendError(
                f"{PROVIDER} was asked for and this onnxruntime has {ort.get_available_providers()}; "
                "install onnxruntime-gpu in the place of onnxruntime, or set backend.device to cpu"
            )
        self._gpu = Gpu()
        self._name = f"ONNX Runtime on {self._gpu.name}"
        stream = self._gpu.new_stream()
        session = _open_session(model, batch, stream)
        self._shapes = _session_shapes(session, batch, self._name)
        self._lane = CudaLane(self._gpu, session, self._shapes, stream, self._name)
        tiles = noise_tiles(self._shapes)
        answers = [all_answers(self._lane, self._shapes, tiles) for _ in range(WARM_UPS)]
        check_repeats(answers, self._name, "the GPU or its driver is at fault: try another engine")

    def infer(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """maps (N, K, h, w) and scores (N, K) of a batch.

        Raises:
            BackendError: If the batch is not what the model takes, or the GPU fails.
        """
        self._gpu.enter()
        return through_lanes([self._lane], self._shapes, batch, self._name)


class CudaLane:
    """Takes a run's tiles up, through the session and down again, all on one stream."""

    def __init__(
        self, gpu: Gpu, session: ort.InferenceSession, shapes: Shapes, stream: int, name: str
    ) -> None:
        self._gpu, self._session, self._stream, self._name = gpu, session, stream, name
        (images, frames), *outputs = shapes.items()
        self._images = gpu.buffer(frames, np.uint8)
        self._outputs = [gpu.buffer(shape, np.float32) for _, shape in outputs]
        self._binding = session.io_binding()
        self._binding.bind_input(images, "cuda", 0, np.uint8, frames, self._images.device)
        for (output, shape), buffer in zip(outputs, self._outputs, strict=True):
            self._binding.bind_output(output, "cuda", 0, np.float32, shape, buffer.device)
        self._run_options = ort.RunOptions()
        # The copies that follow are in the same stream: one wait at their end is enough.
        self._run_options.add_run_config_entry("disable_synchronize_execution_providers", "1")

    def start(self, tiles: Batch) -> None:
        """Queues up to a run of tiles; what is missing is filled with those of before and ignored."""
        np.copyto(self._images.pinned[: len(tiles)], tiles)
        self._outputs[-1].pinned.fill(np.nan)  # scores that nobody wrote must not be those of before
        self._gpu.upload(self._images, self._stream)
        try:
            self._session.run_with_iobinding(self._binding, self._run_options)
        except ERRORS as error:
            raise BackendError(f"{self._name} failed on {len(tiles)} tiles: {error}") from error
        for output in self._outputs:
            self._gpu.download(output, self._stream)

    def finish(self, maps: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        """Waits for what was started, and writes it where it belongs: (n, K, h, w) and (n, K)."""
        self._gpu.wait(self._stream)
        for wanted, output in zip((maps, scores), self._outputs, strict=True):
            np.copyto(wanted, output.pinned[: len(wanted)])


def _open_session(model: bytes, batch: int, stream: int) -> ort.InferenceSession:
    ort.preload_dlls()  # CUDA and cuDNN from Python packages, where they are
    ort.set_default_logger_severity(FATAL)  # cuDNN reports every plan that it tries in vain as an error
    options = session_options(threads=1)
    # With a fixed number of tiles no node is left that computes shapes, which would run on the CPU.
    free = _free_dimension(model)
    if free is not None:
        options.add_free_dimension_override_by_name(free, batch)
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    given = {
        "device_id": "0",
        "user_compute_stream": str(stream),
        "enable_cuda_graph": "1",
        "use_tf32": "0",  # left alone, float32 is multiplied with 10 bits of mantissa
    }
    return new_session(model, options, PROVIDER, given)


def _free_dimension(model: bytes) -> str | None:
    """The name of N in the model; None where it is fixed."""
    options = session_options(threads=1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    tiles = new_session(model, options, "CPUExecutionProvider").get_inputs()[0].shape[0]
    return tiles if isinstance(tiles, str) else None


def _session_shapes(session: ort.InferenceSession, batch: int, name: str) -> Shapes:
    images = check_contract(session)
    values = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
    shapes = {each: (batch, *values[each][1:]) for each in (images, "maps", "scores")}
    if any(not isinstance(side, int) for shape in shapes.values() for side in shape):
        raise BackendError(f"{name}: the model's shapes {values} are not fixed but for N; export it again")
    return shapes
