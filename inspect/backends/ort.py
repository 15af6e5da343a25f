"""ONNX Runtime on the CPU: the reference engine."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from taktsight.errors import BackendError
from taktsight.imaging import Batch

ERRORS = (
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
    """uint8 (N, H, W, C) in, maps and scores out, on the CPU."""

    def __init__(self, model: bytes, *, threads: int | None = None) -> None:
        self._session = new_session(model, session_options(threads), "CPUExecutionProvider")
        self._input = check_contract(self._session)

    def infer(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """maps (N, K, h, w) and scores (N, K) of a batch.

        Raises:
            BackendError: If the engine fails; the message is its own.
        """
        try:
            maps, scores = self._session.run(["maps", "scores"], {self._input: batch})
        except ERRORS as error:
            raise BackendError(f"ONNX Runtime failed on a batch {batch.shape}: {error}") from error
        return maps, scores


def new_session(
    model: bytes, options: ort.SessionOptions, provider: str, given: dict[str, str] | None = None
) -> ort.InferenceSession:
    """A session that runs on the provider, or none.

    Raises:
        BackendError: If ONNX Runtime refuses the model, or would run it on another provider.
    """
    try:
        # Left alone it prints an error of the provider, and opens the session on another one.
        session = ort.InferenceSession(
            model, options, providers=[(provider, given or {})], enable_fallback=0
        )
    except ERRORS as error:
        raise BackendError(f"ONNX Runtime refuses the model: {error}") from error
    if session.get_providers()[0] != provider:
        # ONNX Runtime falls back to the CPU without an error; on a line that is a fault.
        raise BackendError(f"{provider} was asked for and is not what would run on this machine")
    session.disable_fallback()
    return session


def session_options(threads: int | None) -> ort.SessionOptions:
    """As every session here gets them; threads None: one per core."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    # Threads that spin between two operators save a quarter of the median and double the 99th percentile,
    # even when they stop with the run: a core that spins is not there for the rest of the line.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def check_contract(session: ort.InferenceSession) -> str:
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
