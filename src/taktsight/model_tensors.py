"""The numbers in a network: each is there, in the file itself, and finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BundleError
from taktsight.wire_format import Message, Schema, WireReader

TENSOR: Schema = {
    1: "ints", 2: "int", 4: "floats", 5: "bytes", 7: "bytes", 8: "bytes", 9: "bytes", 10: "bytes",
    11: "bytes", 12: "bytes", 13: "many", 14: "int", 16: "many",
}  # fmt: skip
"""ONNX's TensorProto without segments and strings."""
FLOAT, UINT8, INT32, INT64, DOUBLE = 1, 2, 6, 7, 11
MAX_RANK = 12
SMALL = 2 * MAX_RANK
"""Shapes, sizes and scales have so many numbers at most: padding has two for each dimension."""
_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Size of one number by ONNX's type: float32, (u)int8 … (u)int64, bool, float16, float64, bfloat16."""
_EXPONENT: dict[int, tuple[Any, int]] = {
    1: (np.dtype("<u4"), 0x7F800000),
    10: (np.dtype("<u2"), 0x7C00),
    11: (np.dtype("<u8"), 0x7FF0000000000000),
    16: (np.dtype("<u2"), 0x7F80),
}
"""Bits that are all set in what is infinite or no number."""
_TYPED = {1: 4, 6: 5, 2: 5, 3: 5, 4: 5, 5: 5, 9: 5, 10: 5, 16: 5, 7: 7, 11: 10, 12: 11, 13: 11}
"""The field of each type's numbers where they are not stored as raw bytes."""
_CHUNK = 1 << 18
_RAW, _INT32, _EXTERNAL, _LOCATION = 9, 5, 13, 14


def check_tensor(reader: WireReader, tensor: Message, name: str) -> None:
    """Refuses a tensor that lies in another file, is not whole, or holds what is no number.

    Raises:
        BundleError: Naming the tensor.
    """
    kind, shape = tensor.integer(2), tensor.integers(1)
    if _EXTERNAL in tensor or tensor.integer(_LOCATION):
        raise BundleError(f"{name} lies in another file; a bundle's network holds all its weights")
    if kind not in _BYTES:
        raise BundleError(f"{name} is of type {kind}; numbers of 8 to 64 bits are wanted")
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise BundleError(f"{name} has the shape {shape[:MAX_RANK]}, which nothing has")
    wanted = math.prod(shape)
    held = _count(reader, tensor, kind, name)
    if held != wanted:
        raise BundleError(f"{name} has the shape {shape} and {held} numbers")
    if kind in _EXPONENT and not _is_finite(_bits(reader, tensor, kind), _EXPONENT[kind][1]):
        raise BundleError(f"{name} holds a number that is infinite or none")


def small_numbers(reader: WireReader, tensor: Message) -> list[float]:
    """The numbers of a tensor that may be a shape; none of a larger one. It was checked before."""
    kind = tensor.integer(2)
    dtype = {FLOAT: "<f4", INT32: "<i4", INT64: "<i8", DOUBLE: "<f8"}.get(kind)
    if math.prod(tensor.integers(1)) > SMALL or dtype is None:
        return []
    if _RAW in tensor:
        return [float(number) for number in np.frombuffer(tensor.content(_RAW), dtype)]
    if kind in (FLOAT, DOUBLE):
        return [float(number) for number in _bits(reader, tensor, kind).view(dtype)]
    values = reader.varints(tensor.content(_TYPED[kind]), "a tensor")
    return [float(value - (1 << 64) if value >> 63 else value) for value in values]


def _count(reader: WireReader, tensor: Message, kind: int, name: str) -> int:
    stored = [number for number in (4, 5, 7, _RAW, 10, 11) if number in tensor]
    if len(stored) > 1 or (stored and stored[0] not in (_RAW, _TYPED[kind])):
        raise BundleError(f"{name} is stored in the fields {stored}; one, that of its type, is wanted")
    if not stored:
        return 0
    size = _BYTES[kind]
    if stored[0] == 4:
        length = sum(map(len, tensor.contents(4)))
        size = 4
    else:
        length = len(tensor.content(stored[0]))
    if stored[0] in (5, 7, 11):  # of a number's bytes only the last has its top bit clear
        return int((np.frombuffer(tensor.content(stored[0]), np.uint8) < 0x80).sum())
    if length % size:
        raise BundleError(f"{name} has {length} bytes, no multiple of {size}")
    return length // size


def _bits(reader: WireReader, tensor: Message, kind: int) -> NDArray[Any]:
    dtype, _ = _EXPONENT[kind]
    if _RAW in tensor:
        return np.frombuffer(tensor.content(_RAW), dtype)
    if kind == FLOAT:
        return np.frombuffer(b"".join(tensor.contents(4)), dtype)
    if kind == DOUBLE:
        return np.frombuffer(tensor.content(10), dtype)
    values = reader.varints(tensor.content(_INT32), "a tensor")
    return np.array([value & 0xFFFF for value in values], dtype)


def _is_finite(bits: NDArray[Any], mask: int) -> bool:
    exponent = bits.dtype.type(mask)
    pieces = (bits[start : start + _CHUNK] for start in range(0, len(bits), _CHUNK))
    return not any(bool(((piece & exponent) == exponent).any()) for piece in pieces)
