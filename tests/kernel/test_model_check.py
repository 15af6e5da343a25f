"""The check of a network lets through what networks are made of, however it is stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, defs, helper, numpy_helper

from taktsight.errors import BundleError
from taktsight.model_check import check_model
from taktsight.model_operators import OPERATORS, SIZED

from .conftest import MODEL, card

GRAPHS = (defs.OpSchema.AttrType.GRAPH, defs.OpSchema.AttrType.GRAPHS)


def checked(change: Callable[[ModelProto], object]) -> None:
    model = onnx.load_model_from_string(MODEL)
    change(model)
    check_model(model.SerializeToString(), card(), "model.onnx")


def newest(name: str) -> defs.OpSchema:
    schemas = [it for it in defs.get_all_schemas_with_history() if (it.domain, it.name) == ("", name)]
    return max(schemas, key=lambda it: it.since_version)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_operator_that_is_allowed_is_of_the_standard_and_computes_on_numbers(name: str) -> None:
    schema = newest(name)
    assert not [it.name for it in schema.attributes.values() if it.type in GRAPHS]
    given = {kind for output in schema.outputs for kind in output.types}
    assert any(kind.startswith("tensor(") and "string" not in kind for kind in given)


def test_operators_that_make_what_an_input_says_are_allowed_ones() -> None:
    assert set(SIZED) < OPERATORS


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (TensorProto.FLOAT, [1.5, -2]),
        (TensorProto.FLOAT16, [1.5, -2]),
        (TensorProto.BFLOAT16, [1.5, -2]),
        (TensorProto.DOUBLE, [1.5, -2]),
        (TensorProto.INT8, [1, -2]),
        (TensorProto.UINT8, [1, 255]),
        (TensorProto.INT32, [1, -2]),
        (TensorProto.INT64, [2**62, -2]),
        (TensorProto.UINT64, [2**63]),
        (TensorProto.BOOL, [True, False]),
    ],
)
def test_weights_may_be_stored_by_type_or_raw(kind: int, numbers: list[float]) -> None:
    typed = helper.make_tensor("typed", kind, [len(numbers)], numbers)
    raw = numpy_helper.from_array(numpy_helper.to_array(typed), "raw")
    assert not typed.HasField("raw_data")
    assert raw.HasField("raw_data")
    checked(lambda model: model.graph.initializer.extend([typed, raw]))


def test_sizes_that_are_free_are_left_to_the_engine() -> None:
    def free(model: ModelProto) -> None:
        shape: list[str | int] = ["n", "h", "w", "c"]
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.UINT8, shape))

    checked(free)


def test_weights_that_are_inputs_too_are_no_inputs() -> None:
    """As the first exporters wrote them."""
    checked(lambda model: model.graph.input.append(helper.make_tensor_value_info("zero", 1, [])))


def test_large_weights_are_looked_at_to_their_end() -> None:
    numbers = np.zeros(3_000_000, np.float32)
    checked(lambda model: model.graph.initializer.append(numpy_helper.from_array(numbers, "large")))
    numbers[-1] = np.nan
    with pytest.raises(BundleError, match=r"model\.onnx: initializer 'large' holds a number"):
        checked(lambda model: model.graph.initializer.append(numpy_helper.from_array(numbers, "large")))


def test_every_network_that_is_cut_short_is_refused() -> None:
    """Wherever it is cut: half a network must not be taken for a whole one."""
    whole = card()
    for length in range(len(MODEL)):
        with pytest.raises(BundleError):
            check_model(MODEL[:length], whole, "model.onnx")


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Split", ["planes"], ["a", "b", "c", "d"], split=[256] * 4),
        helper.make_node("Shape", ["planes"], ["shape"], end=2**63 - 1),
        helper.make_node("LeakyRelu", ["planes"], ["bent"], alpha=1e30),
        helper.make_node("Constant", [], ["largest"], value_int=2**63 - 1),
        helper.make_node("Pad", ["planes", "pads", "lowest"], ["padded"]),
    ],
    ids=lambda node: node.op_type,
)
def test_large_numbers_that_make_nothing_large_are_let_through(node: onnx.NodeProto) -> None:
    def add(model: ModelProto) -> None:
        model.graph.node.append(helper.make_node("Constant", [], ["lowest"], value_float=-3.4e38))
        model.graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 1, 1] * 2), "pads"))
        model.graph.node.append(node)

    checked(add)


def test_range_between_two_large_numbers_is_as_long_as_they_are_apart() -> None:
    def add(model: ModelProto) -> None:
        for name, number in (("from", 1 << 40), ("to", (1 << 40) + 8), ("by", 1)):
            model.graph.node.append(helper.make_node("Constant", [], [name], value_int=number))
        model.graph.node.append(helper.make_node("Range", ["from", "to", "by"], ["few"]))

    checked(add)
