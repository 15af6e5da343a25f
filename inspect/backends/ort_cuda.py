"""ONNX Runtime's CUDA provider: every node of the bundle's model on the GPU, as the model is written."""

from __future__ import annotations

import onnxruntime as ort

from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.ort import new_session
from taktsight.inspect.backends.ort_gpu import (
    BoundBackend,
    check_provider,
    options_of,
    refuse_other_providers,
    shapes_of,
)
from taktsight.inspect.engines import PROVIDERS

PROVIDER = PROVIDERS["cuda"]
FATAL = 4


def open_cuda(model: bytes, *, batch: int = 1, cuda_graph: bool = True) -> BoundBackend:
    """The model on the GPU.

    Args:
        model: float32, or fp16 by its own nodes.
        batch: tiles of one run.
        cuda_graph: launch a run with one call.

    Raises:
        BackendError: If there is no GPU or no CUDA in this ONNX Runtime, or a node would run elsewhere.
    """
    check_provider(PROVIDER, "backend.device to cpu")
    gpu = Gpu()
    name = f"ONNX Runtime on {gpu.name}"
    stream = gpu.new_stream()
    ort.preload_dlls()  # CUDA and cuDNN from Python packages, where they are
    ort.set_default_logger_severity(FATAL)  # cuDNN reports every plan that it tries in vain as an error
    options = options_of(model, batch)
    refuse_other_providers(options)
    given = {
        "device_id": "0",
        "user_compute_stream": str(stream),
        "enable_cuda_graph": str(int(cuda_graph)),
        "use_tf32": "0",  # left alone, float32 is multiplied with 10 bits of mantissa
    }
    session = new_session(model, options, PROVIDER, given)
    return BoundBackend(gpu, session, shapes_of(session, batch, name), stream, name)
