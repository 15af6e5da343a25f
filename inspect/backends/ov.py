"""OpenVINO on the CPU, in the precision that was asked for and no other."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch

OpenVinoPrecision = Literal["f32", "bf16", "int8"]
MAX_SIZES = 4
"""Numbers of tiles that a network is kept compiled for: one for each view, as a rule the same."""
HINTS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}
"""INFERENCE_PRECISION_HINT. What is quantised is int8 by its own nodes; what is not must stay float32."""


class OpenVinoBackend:
    """uint8 (N, H, W, C) in, maps and scores out."""

    def __init__(
        self, model: bytes, *, precision: OpenVinoPrecision = "f32", threads: int | None = None
    ) -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise BackendError(
                f"backend openvino is not installed ({error}); pip install 'taktsight[openvino]'"
            ) from error
        self._openvino, self._core = openvino, openvino.Core()
        self._model, self._precision = model, precision
        self._properties = _properties(precision, threads)
        self._requests: OrderedDict[int, Any] = OrderedDict()
        _check_processor(self._core, precision)
        self._request(1)

    def infer(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """maps (N, K, h, w) and scores (N, K) of a batch.

        Raises:
            BackendError: If the engine fails; the message is its own.
        """
        # The engine reads the batch where it lies; it must not be freed before the answer is there.
        frames = np.ascontiguousarray(batch)
        request = self._request(len(frames))
        try:
            request.set_input_tensor(self._openvino.Tensor(frames, shared_memory=True))
            request.infer()
            # Copies: the engine writes the next answer to the same place.
            maps, scores = (np.array(request.get_tensor(name).data) for name in ("maps", "scores"))
        except RuntimeError as error:
            raise BackendError(f"OpenVINO on the CPU failed on a batch {batch.shape}: {error}") from error
        return maps, scores

    def _request(self, tiles: int) -> Any:
        """Compiled for so many tiles: that runs up to a third faster than what takes any number."""
        if tiles in self._requests:
            self._requests.move_to_end(tiles)
            return self._requests[tiles]
        if len(self._requests) == MAX_SIZES:
            self._requests.popitem(last=False)
        self._requests[tiles] = self._compile(tiles).create_infer_request()
        return self._requests[tiles]

    def _compile(self, tiles: int) -> Any:
        try:
            network = self._core.read_model(self._model)
            _check_contract(network)
            shape = network.inputs[0].partial_shape
            if shape[0].is_dynamic:
                shape[0] = tiles
                network.reshape(shape)
            compiled = self._core.compile_model(network, "CPU", self._properties)
        except RuntimeError as error:
            raise BackendError(f"OpenVINO on the CPU refuses the model: {error}") from error
        runs_in = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if runs_in != HINTS[self._precision]:
            raise BackendError(f"OpenVINO would run in {runs_in}, {HINTS[self._precision]} was asked for")
        return compiled


def _check_processor(core: Any, precision: OpenVinoPrecision) -> None:
    can = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and "BF16" not in can:
        raise BackendError(
            f"bf16 was asked for and this processor computes {', '.join(can)} only; "
            "set backend.precision to f32 or int8"
        )


def _properties(precision: OpenVinoPrecision, threads: int | None) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": threads or len(os.sched_getaffinity(0)),
        # Layers that may be computed shorter than was asked for.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    }


def _check_contract(network: Any) -> None:
    """That the model is what a bundle holds."""
    inputs = [(value.element_type.to_string(), len(value.partial_shape)) for value in network.inputs]
    outputs = {
        name: (value.element_type.to_string(), len(value.partial_shape))
        for value in network.outputs
        for name in value.names & {"maps", "scores"}  # inner values that are the same share the output
    }
    if inputs != [("u8", 4)]:
        raise BackendError(f"the model takes {inputs}; one u8 (N, H, W, C) is wanted")
    if outputs != {"maps": ("f32", 4), "scores": ("f32", 2)}:
        raise BackendError(f"the model gives {outputs}; f32 maps (N, K, h, w) and scores (N, K) are wanted")
