"""ONNX Runtime: the reference engine."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from taktsight.errors import BackendError
from taktsight.imaging import Batch

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
)


class OnnxRuntimeBackend:
    """uint8 (N, H, W, C) in, maps and scores out, on the device that was asked for."""

    def __init__(
        self, model: bytes, *, device: Literal["cpu", "cuda"] = "cpu", threads: int | None = None
    ) -> None:
        provider = PROVIDERS[device]
        if provider not in ort.get_available_providers():
            raise BackendError(
                f"{provider} was asked for and this onnxruntime has {ort.get_available_providers()}; "
                "install the build for this device or set backend.device"
            )
        try:
            self._session = ort.InferenceSession(model, _options(threads), providers=[provider])
        except _ERRORS as error:
            raise BackendError(f"ONNX Runtime refuses the model: {error}") from error
        if self._session.get_providers()[0] != provider:
            # ONNX Runtime falls back to the CPU without an error; on a line that is a fault.
            raise BackendError(f"{provider} was asked for and is not what would run on this machine")
        self._session.disable_fallback()
        self._input = _check_contract(self._session)

    def infer(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """maps (N, K, h, w) and scores (N, K) of a batch.

        Raises:
            BackendError: If the engine fails; the message is its own.
        """
        try:
            maps, scores = self._session.run(["maps", "scores"], {self._input: batch})
        except _ERRORS as error:
            raise BackendError(f"ONNX Runtime failed on a batch {batch.shape}: {error}") from error
        return maps, scores


def _options(threads: int | None) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    # At takt the engine waits most of the time: spinning threads would burn 2.4 times the CPU.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check_contract(session: ort.InferenceSession) -> str:
    """The input's name, after checking that the model is what a bundle holds."""
    inputs = [(value.type, len(value.shape)) for value in session.get_inputs()]
    outputs = {value.name: (value.type, len(value.shape)) for value in session.get_outputs()}
    if inputs != [("tensor(uint8)", 4)]:
        raise BackendError(f"the model takes {inputs}; one uint8 (N, H, W, C) is wanted")
    if outputs != {"maps": ("tensor(float)", 4), "scores": ("tensor(float)", 2)}:
        raise BackendError(
            f"the model gives {outputs}; float32 maps (N, K, h, w) and scores (N, K) are wanted"
        )
    return str(session.get_inputs()[0].name)
