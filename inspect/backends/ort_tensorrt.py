"""ONNX Runtime's TensorRT provider: it runs the engine that kind tensorrt builds, and builds none itself.

Its own building cannot be told to leave TF32 alone, and 1.31 makes networks in which the builder chooses
the precision. So it gets one node that holds a finished engine. No other provider can run that node.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import onnxruntime as ort

from taktsight.errors import BackendError
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.lanes import Shapes
from taktsight.inspect.backends.ort import check_contract, new_session, session_options
from taktsight.inspect.backends.ort_gpu import (
    BoundBackend,
    check_provider,
    options_of,
    refuse_other_providers,
    shapes_of,
)
from taktsight.inspect.backends.trt.context_model import context_model
from taktsight.inspect.backends.trt.ready import ready_engine
from taktsight.inspect.backends.trt.target import target_here
from taktsight.inspect.backends.trt.vendor import Vendor, open_vendor
from taktsight.inspect.config import TensorRt
from taktsight.inspect.engines import PROVIDERS

log = logging.getLogger(__name__)
PROVIDER = PROVIDERS["tensorrt"]
LIBRARY = Path(ort.__file__).parent / "capi" / "libonnxruntime_providers_tensorrt.so"
ERROR = 3
REFUSED = "could not deserialize engine"
"""The provider's words where TensorRT does not take an engine."""
NewSession = Callable[[bytes, ort.SessionOptions, str, dict[str, str]], ort.InferenceSession]


def open_tensorrt(config: TensorRt, model: bytes) -> BoundBackend:
    """The model's engine on the GPU, from the cache or built.

    Raises:
        BackendError: If the provider, TensorRT or the GPU is not there, they do not fit each other, or the
            engine cannot be built. Nothing else runs in its place.
    """
    check_provider(PROVIDER, "backend.kind to tensorrt")
    vendor = open_vendor("tensorrt")  # its libraries are then loaded, and the provider finds them
    check_major(vendor, major_of_provider())
    gpu = Gpu()
    ort.preload_dlls()  # cuBLAS and cuDNN, which the provider links with
    ort.set_default_logger_severity(ERROR)  # it warns of every embedded engine
    return run_engine(config, model, vendor, gpu)


def run_engine(
    config: TensorRt, model: bytes, vendor: Vendor, gpu: Gpu, new_session: NewSession = new_session
) -> BoundBackend:
    """The model's engine in a session.

    Args:
        config: by which the engine is built.
        model: the bundle's ONNX of that precision.
        vendor: TensorRT as it is installed.
        gpu: this machine's.
        new_session: opens a session on a provider.

    Raises:
        BackendError: If the engine cannot be built, loaded or run.
    """
    name = f"ONNX Runtime with {vendor} on {gpu.name}"
    target, shapes = target_here(vendor, gpu), run_shapes(model, config.batch, name)
    stream = gpu.new_stream()

    def load(engine: bytes) -> ort.InferenceSession:
        wrapped = context_model(engine, shapes, gpu.compute_capability, PROVIDER)
        try:
            return new_session(wrapped, _options(), PROVIDER, _given(stream, cuda_graph=config.cuda_graph))
        except BackendError as error:
            said = " ".join(str(error).split())
            raise BackendError(f"{name}: {said}; its own words, if it has more, stand above") from error

    ready = ready_engine(vendor, target, config, model)
    try:
        session = load(ready.engine)
    except BackendError as error:
        if ready.built_s is not None or REFUSED not in str(error):
            raise
        log.warning("engine %s is refused (%s): built again", ready.path, error)
        session = load(ready_engine(vendor, target, config, model, look=False).engine)
    check_contract(session)
    return BoundBackend(gpu, session, shapes, stream, name)


def major_of_provider(library: Path = LIBRARY) -> int | None:
    """Of the TensorRT that this ONNX Runtime runs; None where it has no such provider."""
    found = re.search(rb"libnvinfer\.so\.(\d+)", library.read_bytes()) if library.is_file() else None
    return int(found[1]) if found else None


def check_major(vendor: Vendor, major: int | None) -> None:
    """That the engine is built by the library that will run it.

    Raises:
        BackendError: If another major version is installed.
    """
    if major is not None and int(vendor.version.split(".")[0]) != major:
        raise BackendError(
            f"{vendor} is installed, and onnxruntime {ort.__version__} runs TensorRT {major}: pip install "
            f"'tensorrt=={major}.*', or set backend.kind to tensorrt"
        )


def run_shapes(model: bytes, batch: int, name: str) -> Shapes:
    """Shapes of one run of the bundle's model, which is opened on the processor for that."""
    options = options_of(model, batch)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return shapes_of(new_session(model, options, "CPUExecutionProvider"), batch, name)


def _options() -> ort.SessionOptions:
    options = session_options(threads=1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # one node
    refuse_other_providers(options)
    return options


def _given(stream: int, *, cuda_graph: bool) -> dict[str, str]:
    """The provider's options. With any given it reads no ORT_TENSORRT_… variable of the environment."""
    return {
        "device_id": "0",
        "user_compute_stream": str(stream),
        "trt_cuda_graph_enable": str(cuda_graph),  # "True" or "False": it refuses 1 and 0
    }
