"""A finished engine as an ONNX model of one node, ``EPContext``, as ONNX Runtime's providers take it.

Written by hand: a line has no ``onnx``. Field numbers are those of onnx.proto, attributes those of ONNX
Runtime's operator.
"""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.inspect.backends.lanes import Shapes

IR_VERSION, OPSET, DOMAIN = 8, 17, "com.microsoft"
FLOAT, UINT8 = 1, 2
"""TensorProto.DataType"""
INT, STRING = 2, 3
"""AttributeProto.AttributeType"""


def context_model(engine: bytes, shapes: Shapes, compute_capability: str, provider: str) -> bytes:
    """The model that the provider runs as this engine, with the engine's own inputs and outputs.

    Args:
        engine: serialised by TensorRT.
        shapes: of the uint8 input and of the float32 outputs, in this order.
        compute_capability: that it was built for, such as 8.9.
        provider: the only one that may run it.
    """
    images, *outputs = shapes
    attributes = (
        _attribute("embed_mode", 1),
        _attribute("ep_cache_context", engine),
        _attribute("hardware_architecture", compute_capability.replace(".", "").encode()),
        _attribute("source", provider.encode()),
    )
    node = [_text(1, images), *(_text(2, each) for each in outputs), _text(4, "EPContext")]
    node += [*(_bytes(5, each) for each in attributes), _text(7, DOMAIN)]
    graph = [_bytes(1, b"".join(node)), _text(2, "engine")]
    graph.append(_bytes(11, _value(images, UINT8, shapes[images])))
    graph += [_bytes(12, _value(each, FLOAT, shapes[each])) for each in outputs]
    opsets = [_number(2, OPSET), _text(1, DOMAIN) + _number(2, 1)]
    model = [_number(1, IR_VERSION), _bytes(7, b"".join(graph)), *(_bytes(8, each) for each in opsets)]
    return b"".join(model)


def _attribute(name: str, value: int | bytes) -> bytes:
    said = (
        _number(3, value) + _number(20, INT)
        if isinstance(value, int)
        else _bytes(4, value) + _number(20, STRING)
    )
    return _text(1, name) + said


def _value(name: str, dtype: int, shape: Sequence[int]) -> bytes:
    """A ValueInfoProto: name, and a tensor's type with its dimensions."""
    dimensions = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, dtype) + _bytes(2, dimensions)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)
