"""A float32 model as fp16, for GPUs: casts and halved weights stand in the ONNX, no engine decides."""

from __future__ import annotations

import onnx
import onnx_ir
from onnx_ir.passes.common import TopologicalSortPass
from onnxruntime.transformers.float16 import convert_float_to_float16

from taktsight.errors import ExportError


def halve_precision(model: bytes) -> bytes:
    """The same network in fp16, from its first cast to its outputs, which stay float32.

    Resizing and the choice of the highest pixels stay float32 too. What is too large for fp16 is cut at
    65,504: whether verdicts flip, parity says.

    Raises:
        ExportError: If the result is no valid model.
    """
    halved = convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True)
    # The converter appends its casts; ONNX wants each node behind those it reads.
    network = onnx_ir.serde.deserialize_model(halved)
    TopologicalSortPass()(network)
    sorted_model = onnx_ir.serde.serialize_model(network)
    try:
        onnx.checker.check_model(sorted_model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the network cannot be written in fp16: {error}") from error
    return bytes(sorted_model.SerializeToString(deterministic=True))
