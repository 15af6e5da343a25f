"""A stand-in for ONNX Runtime's TensorRT provider, which does not start without a GPU.

It takes model and options as the provider of onnxruntime-gpu 1.31 does, and refuses what that refuses.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import onnx
from onnx import TensorProto, helper

from taktsight.errors import BackendError

from .tensorrt_stand_in import TensorRtStandIn

TYPES: dict[int, str] = {TensorProto.UINT8: "tensor(uint8)", TensorProto.FLOAT: "tensor(float)"}
CALLED = "TensorrtExecutionProvider"


class ProviderStandIn:
    """Opens sessions, as ``new_session`` does; notes their options."""

    def __init__(self, tensorrt: TensorRtStandIn) -> None:
        self._tensorrt = tensorrt
        self.given: list[dict[str, str]] = []
        self.may_use_the_processor: list[bool] = []
        self.broken = ""
        """What every session is refused with; "" for none."""

    def __call__(self, model: bytes, options: Any, provider: str, given: dict[str, str]) -> Any:
        assert provider == CALLED
        entry = options.get_session_config_entry("session.disable_cpu_ep_fallback")
        self.may_use_the_processor.append(entry != "1")
        self.given.append(given)
        if self.broken:
            raise BackendError(f"ONNX Runtime refuses the model: {self.broken}")
        if given["trt_cuda_graph_enable"] not in ("True", "False"):
            raise BackendError("The value for the key 'trt_cuda_graph_enable' should be 'True' or 'False'")
        return Session(self._tensorrt, onnx.load_from_string(model), int(given["user_compute_stream"]))


class Session:
    """Of a model that is one engine."""

    def __init__(self, tensorrt: TensorRtStandIn, model: onnx.ModelProto, stream: int) -> None:
        (node,) = model.graph.node
        said = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        assert (node.op_type, said["embed_mode"], said["source"]) == ("EPContext", 1, CALLED.encode())
        logger = SimpleNamespace(log=lambda level, words: None)
        engine = tensorrt.vendor.module.Runtime(logger).deserialize_cuda_engine(said["ep_cache_context"])
        if engine is None:
            raise BackendError("EP_FAIL : TensorRT EP could not deserialize engine from binary data")
        self._graph, self._stream = model.graph, stream
        self._context = engine.create_execution_context()

    def get_inputs(self) -> list[Any]:
        return [_told(value) for value in self._graph.input]

    def get_outputs(self) -> list[Any]:
        return [_told(value) for value in self._graph.output]

    def io_binding(self) -> Session:
        return self

    def bind_input(
        self, name: str, device: str, number: int, dtype: Any, shape: tuple[int, ...], address: int
    ) -> None:
        assert (device, number) == ("cuda", 0)
        assert self._context.set_input_shape(name, shape)
        self._context.set_tensor_address(name, address)

    def bind_output(
        self, name: str, device: str, number: int, dtype: Any, shape: tuple[int, ...], address: int
    ) -> None:
        assert (device, number) == ("cuda", 0)
        self._context.set_tensor_address(name, address)

    def run_with_iobinding(self, binding: Session, options: Any) -> None:
        binding._context.execute_async_v3(self._stream)


def _told(value: onnx.ValueInfoProto) -> Any:
    tensor = value.type.tensor_type
    shape = [each.dim_value for each in tensor.shape.dim]
    return SimpleNamespace(name=value.name, type=TYPES[tensor.elem_type], shape=shape)
