"""A stand-in for NVIDIA's Python modules: one cannot be installed everywhere, none runs without a GPU.

It has the calls that Taktsight makes and no others, notes them, and computes with ONNX Runtime on the
stand-in driver's memory. A test holds its names against the real tensorrt_rtx, where that is installed.
"""

from __future__ import annotations

import ctypes
import json
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from taktsight.inspect.backends.trt.vendor import Vendor, vendor_of

from .cuda_stand_in import StandIn

VERSIONS = {
    "10": ("tensorrt", "10.3.0"),
    "11": ("tensorrt", "11.4.1"),
    "rtx": ("tensorrt_rtx", "1.7.1.116"),
}
DataType = IntEnum("DataType", "FLOAT HALF BF16 INT8 INT32 INT64 BOOL UINT8", start=0)
LayerType = IntEnum("LayerType", "CONSTANT ELEMENTWISE CAST QUANTIZE")
TensorIOMode = IntEnum("TensorIOMode", "NONE INPUT OUTPUT", start=0)
MemoryPoolType = IntEnum("MemoryPoolType", "WORKSPACE")
DeviceType = IntEnum("DeviceType", "GPU DLA")
TYPES = {1: DataType.FLOAT, 2: DataType.UINT8, 3: DataType.INT8, 10: DataType.HALF}
ComputeCapability = IntEnum("ComputeCapability", "NONE CURRENT SM75 SM80 SM86 SM89 SM120 SM121")
ENUMS = (DataType, LayerType, TensorIOMode, MemoryPoolType, DeviceType, ComputeCapability)


class ILogger:
    Severity = IntEnum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE", start=0)


class IProgressMonitor:
    pass


class Tensor:
    def __init__(self, value: onnx.ValueInfoProto) -> None:
        self.name = value.name
        self.dtype = TYPES[value.type.tensor_type.elem_type]
        self.shape = tuple(each.dim_value or -1 for each in value.type.tensor_type.shape.dim)


class Layer:
    def __init__(self, node: onnx.NodeProto, types: dict[str, Any]) -> None:
        self.type = LayerType.QUANTIZE if node.op_type == "QuantizeLinear" else LayerType.ELEMENTWISE
        self._outputs = [SimpleNamespace(dtype=types.get(name, DataType.FLOAT)) for name in node.output]
        self.num_outputs = len(self._outputs)

    def get_output(self, number: int) -> Any:
        return self._outputs[number]


class Network:
    """Filled by the parser."""

    def __init__(self) -> None:
        self.model = b""
        self._in: list[Tensor] = []
        self._out: list[Tensor] = []
        self._layers: list[Layer] = []

    def fill(self, content: bytes) -> None:
        proto = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
        self.model = content
        self._in, self._out = ([Tensor(v) for v in vs] for vs in (proto.graph.input, proto.graph.output))
        types = {v.name: TYPES.get(v.type.tensor_type.elem_type) for v in proto.graph.value_info}
        self._layers = [Layer(node, types) for node in proto.graph.node]

    @property
    def num_inputs(self) -> int:
        return len(self._in)

    @property
    def num_outputs(self) -> int:
        return len(self._out)

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    def get_input(self, number: int) -> Tensor:
        return self._in[number]

    def get_output(self, number: int) -> Tensor:
        return self._out[number]

    def get_layer(self, number: int) -> Layer:
        return self._layers[number]


class Engine:
    def __init__(self, driver: StandIn, content: bytes) -> None:
        told, self._model = content[4:].split(b"\n", 1)
        self._batch = json.loads(told)["batch"]
        self._driver = driver
        network = Network()
        network.fill(self._model)
        self._tensors = {t.name: t for t in (network.get_input(0), *map(network.get_output, range(2)))}
        self._input = network.get_input(0).name
        self.num_io_tensors = len(self._tensors)

    def get_tensor_name(self, number: int) -> str:
        return list(self._tensors)[number]

    def get_tensor_mode(self, name: str) -> Any:
        return TensorIOMode.INPUT if name == self._input else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return self._tensors[name].dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._tensors[name].shape

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [(self._batch, *self._tensors[name].shape[1:])] * 3

    def create_execution_context(self) -> Context:
        return Context(self._driver, self._model, self._input)


class Context:
    def __init__(self, driver: StandIn, model: bytes, images: str) -> None:
        self._driver, self._images = driver, images
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shape = shape
        return name == self._images

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        self._driver.enqueue(stream_handle, self._compute)
        return True

    def is_stream_capturable(self, stream: int) -> bool:
        return True

    def _compute(self) -> None:
        size = int(np.prod(self._shape))
        raw = (ctypes.c_uint8 * size).from_address(self._addresses[self._images])
        answers = self._session.run(
            ["maps", "scores"], {self._images: np.ctypeslib.as_array(raw).reshape(self._shape)}
        )
        for name, answer in zip(("maps", "scores"), answers, strict=True):
            ctypes.memmove(self._addresses[name], np.ascontiguousarray(answer).ctypes.data, answer.nbytes)


class Noted:
    """An object whose attributes that are set, and methods that are called, are noted."""

    calls: list[tuple[Any, ...]]

    def __init__(self, calls: list[tuple[Any, ...]]) -> None:
        object.__setattr__(self, "calls", calls)

    def __setattr__(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        object.__setattr__(self, name, value)

    def note(self, *call: Any) -> None:
        self.calls.append(call)


class Profile(Noted):
    def set_shape(self, name: str, least: Any, usual: Any, most: Any) -> None:
        self.note("set_shape", name, least, usual, most)
        object.__setattr__(self, "usual", usual)


class Config(Noted):
    progress_monitor: Any = None
    profile: Any
    cache: Any

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        self.note("set_memory_pool_limit", pool, size)

    def set_flag(self, flag: Any) -> None:
        self.note("set_flag", flag.name)

    def clear_flag(self, flag: Any) -> None:
        self.note("clear_flag", flag.name)

    def add_optimization_profile(self, profile: Profile) -> int:
        object.__setattr__(self, "profile", profile)
        return 0

    def set_compute_capability(self, capability: Any, index: int) -> bool:
        self.note("set_compute_capability", capability.name, index)
        return True

    def create_timing_cache(self, content: bytes) -> Any:
        self.note("create_timing_cache", content)
        return SimpleNamespace(serialize=lambda: content + b"timed")

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        object.__setattr__(self, "cache", cache)
        return not cache.serialize().startswith(b"foreign")

    def get_timing_cache(self) -> Any:
        return self.cache

    def can_run_on_DLA(self, layer: Layer) -> bool:  # noqa: N802 - the vendor's name
        return True


class TensorRtStandIn:
    """A module of one version, as :class:`Vendor` takes it, and the calls that were made."""

    def __init__(self, name: str, driver: StandIn, *, dla_cores: int = 0) -> None:
        kind, version = VERSIONS[name]
        self.calls: list[tuple[Any, ...]] = []
        self.driver, self.version, self.dla_cores = driver, version, dla_cores
        self.vendor: Vendor = vendor_of(kind, self._module(name, version))

    def _module(self, name: str, version: str) -> Any:
        short = "FP16 INT8 " if name == "10" else ""  # what version 11 no longer has
        graph = " REQUIRE_USER_ALLOCATION" if name == "rtx" else ""
        return SimpleNamespace(
            __version__=version,
            BuilderFlag=IntEnum("BuilderFlag", f"{short}TF32 GPU_FALLBACK{graph}"),
            NetworkDefinitionCreationFlag=IntEnum("NetworkDefinitionCreationFlag", "STRONGLY_TYPED"),
            Builder=self._builder,
            OnnxParser=self._parser,
            Runtime=self._runtime,
            **{each.__name__: each for each in (ILogger, IProgressMonitor)},
            **{each.__name__: each for each in ENUMS},
        )

    def _builder(self, logger: Any) -> Any:
        return SimpleNamespace(
            num_DLA_cores=self.dla_cores,
            create_network=self._network,
            create_builder_config=lambda: Config(self.calls),
            create_optimization_profile=lambda: Profile(self.calls),
            build_serialized_network=self._build,
        )

    def _network(self, flags: int) -> Network:
        self.calls.append(("create_network", flags))
        return Network()

    def _parser(self, network: Network, logger: Any) -> Any:
        def parse(content: bytes) -> bool:
            network.fill(content)
            return True

        return SimpleNamespace(parse=parse, num_errors=0, get_error=None)

    def _build(self, network: Network, config: Config) -> bytes:
        self.calls.append(("build_serialized_network",))
        told = {"batch": config.profile.usual[0], "version": self.version}
        config.progress_monitor.phase_start("Building engine", None, 1)
        config.progress_monitor.step_complete("Building engine", 0)
        config.progress_monitor.phase_finish("Building engine")
        return b"plan" + json.dumps(told).encode() + b"\n" + network.model

    def _runtime(self, logger: Any) -> Any:
        def load(content: bytes) -> Engine | None:
            told = json.loads(content[4:].split(b"\n", 1)[0]) if content[:4] == b"plan" else {}
            if told.get("version") != self.version:
                logger.log(ILogger.Severity.ERROR, "the version tag does not match")
                return None
            return Engine(self.driver, content)

        return SimpleNamespace(deserialize_cuda_engine=load)
