"""What the line asks of an engine, and which engine it gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch
from taktsight.inspect.config import Engine, OnnxRuntime, TensorRt, built_engine

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]
"""maps (N, K, h, w) and scores (N, K), float32."""


class Backend(Protocol):
    """An engine with a model in it."""

    def infer(self, batch: Batch) -> Outputs:
        """Raises ``BackendError`` where the engine fails."""


def open_backend(engine: Engine, models: Mapping[str, bytes]) -> Backend:
    """The engine that was asked for, with the bundle's model of its precision loaded.

    Args:
        engine: of the station.
        models: of the bundle, by precision.

    Raises:
        BackendError: If it is not installed, has no model, refuses it, or another one would run.
    """
    model = model_for(engine, models)
    if engine.kind == "onnxruntime":
        return _open_onnxruntime(engine, model)
    if isinstance(engine, TensorRt):
        from taktsight.inspect.backends.cuda_driver import Gpu
        from taktsight.inspect.backends.trt.runner import TensorRtBackend
        from taktsight.inspect.backends.trt.vendor import open_vendor

        return TensorRtBackend(engine, model, open_vendor(engine.kind), Gpu())
    from taktsight.inspect.backends.ov import OpenVinoBackend

    return OpenVinoBackend(model, precision=engine.precision, threads=engine.threads)


def _open_onnxruntime(engine: OnnxRuntime, model: bytes) -> Backend:
    if engine.device == "cuda":
        from taktsight.inspect.backends.ort_cuda import open_cuda

        return open_cuda(model, batch=engine.batch, cuda_graph=engine.cuda_graph)
    built = built_engine(engine)
    if built is not None:
        from taktsight.inspect.backends.ort_tensorrt import open_tensorrt

        return open_tensorrt(built, model)
    from taktsight.inspect.backends.ort import OnnxRuntimeBackend

    return OnnxRuntimeBackend(model, threads=engine.threads)


def engine_name(engine: Engine) -> str:
    """As parity is stated for it: kind, precision and, if it is not the engine's usual one, the device."""
    device = "" if engine.device in ("cpu", "gpu") else f":{engine.device}"
    return f"{engine.kind}:{engine.precision}{device}"


def model_for(engine: Engine, models: Mapping[str, bytes]) -> bytes:
    """The bundle's model that the engine runs; bf16 is computed from the float32 one.

    Raises:
        BackendError: If the bundle was exported without that precision.
    """
    precision = "f32" if engine.precision == "bf16" else engine.precision
    if precision not in models:
        raise BackendError(
            f"{engine_name(engine)} was asked for and the bundle holds {', '.join(models)} only; export it "
            f"with --engine {engine_name(engine)}"
        )
    return models[precision]
