"""Networks whose weights are not there, not finite, not as large as they say, or in another file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper

from .changed_networks import Change, node, ship
from .malicious import add

FLOAT = TensorProto.FLOAT
NOT_FINITE, ELSEWHERE = "infinite or none", "lies in another file"


def _tensor(**fields: object) -> Change:
    """One more weight, with some of its fields set by hand."""

    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer.add(name="unused")
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)

    return change


def _weight(numbers: object, dtype: type) -> Change:
    array: NDArray[Any] = np.array(numbers, dtype)
    return lambda model: model.graph.initializer.append(numpy_helper.from_array(array, "unused"))


def _external(location: str) -> Change:
    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer.add(
            name="unused", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
        )
        tensor.external_data.add(key="location", value=location)

    return change


def _constant(value: TensorProto) -> Change:
    return node("Constant", value=value)


def _nan_constant() -> TensorProto:
    return numpy_helper.from_array(np.array([np.nan], np.float32))


def _sparse(model: ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add(dims=[1 << 40])
    sparse.values.CopyFrom(numpy_helper.from_array(np.ones(1, np.float32), "unused"))


add(
    {
        "network_with_weights_in_another_file": (ship(_external("weights.bin")), ELSEWHERE),
        "network_with_weights_in_a_secret_file": (ship(_external("../../../etc/shadow")), ELSEWHERE),
        "weight_without_its_numbers": (
            ship(_tensor(dims=[1 << 31, 1 << 31], data_type=FLOAT)),
            "and 0 numbers",
        ),
        "weight_whose_size_overflows_to_nothing": (
            ship(_tensor(dims=[1 << 32, 1 << 32], data_type=FLOAT, raw_data=b"")),
            "and 0 numbers",
        ),
        "weight_of_negative_size": (ship(_tensor(dims=[-4], data_type=FLOAT)), "which nothing has"),
        "weight_of_a_thousand_dimensions": (
            ship(_tensor(dims=[1] * 1000, data_type=FLOAT)),
            "nothing has",
        ),
        "weight_with_too_few_bytes": (
            ship(_tensor(dims=[4], data_type=FLOAT, raw_data=bytes(12))),
            "and 3 numbers",
        ),
        "weight_with_too_many_bytes": (
            ship(_tensor(dims=[1], data_type=FLOAT, raw_data=bytes(4 << 20))),
            "and 1048576 numbers",
        ),
        "weight_that_stands_twice": (
            ship(_tensor(dims=[1], data_type=FLOAT, raw_data=bytes(4), float_data=[1.0])),
            "one, that of its type, is wanted",
        ),
        "weight_of_text": (
            ship(_tensor(dims=[1], data_type=TensorProto.STRING, string_data=[b"x"])),
            "has a field 6",
        ),
        "weight_of_no_type": (ship(_tensor(dims=[1], data_type=99, raw_data=bytes(4))), "is of type 99"),
        "sparse_weight": (ship(_sparse), "has a field 15"),
        "nan_weight": (ship(_weight([0, np.nan], np.float32)), NOT_FINITE),
        "nan_weight_not_stored_raw": (
            ship(_tensor(dims=[1], data_type=FLOAT, float_data=[float("nan")])),
            NOT_FINITE,
        ),
        "infinite_weight": (ship(_weight([np.inf, 0], np.float32)), NOT_FINITE),
        "infinite_weight_at_the_end_of_many": (
            ship(_weight([*np.zeros(1_000_000), -np.inf], np.float32)),
            NOT_FINITE,
        ),
        "nan_weight_of_64_bits": (ship(_weight([np.nan], np.float64)), NOT_FINITE),
        "infinite_weight_of_16_bits": (ship(_weight([np.inf], np.float16)), NOT_FINITE),
        "infinite_bfloat16": (
            ship(_tensor(dims=[1], data_type=TensorProto.BFLOAT16, raw_data=b"\x80\x7f")),
            NOT_FINITE,
        ),
        "infinite_16_bits_stored_as_32": (
            ship(_tensor(dims=[1], data_type=TensorProto.FLOAT16, int32_data=[0x7C00])),
            NOT_FINITE,
        ),
        "nan_constant": (ship(_constant(_nan_constant())), NOT_FINITE),
        "nan_attribute": (ship(node("Elu", "planes", alpha=float("nan"))), "alpha of Elu is not finite"),
        "infinite_attribute_list": (
            ship(node("Constant", value_floats=[1.0, float("inf")])),
            "not finite",
        ),
    }
)
