"""Networks that want more memory than there is, and say so with a few numbers, wherever these stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, helper, numpy_helper

from .conftest import MODEL
from .malicious import Shop, add

NO_MEMORY = "which no memory holds"


def _ship(nodes: Sequence[NodeProto], **weights: object) -> Callable[[Shop], object]:
    """The good network with more operators and weights, signed."""

    def build(shop: Shop) -> None:
        model = onnx.load_model_from_string(MODEL)
        model.graph.node.extend(nodes)
        arrays = {name: np.asarray(numbers) for name, numbers in weights.items()}
        model.graph.initializer.extend(numpy_helper.from_array(*pair[::-1]) for pair in arrays.items())
        shop.sign(shop.good | {"model.onnx": model.SerializeToString()})

    return build


def _of(kind: str, *inputs: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs, ["unused"], **attributes)


def _constant(name: str, **value: Any) -> NodeProto:
    return helper.make_node("Constant", [], [name], **value)


def _range(start: float, limit: float, step: float) -> Callable[[Shop], object]:
    """Each number in an attribute of its own."""
    said = {"start": start, "limit": limit, "step": step}
    key = "value_int" if isinstance(step, int) else "value_float"
    constants = [_constant(name, **{key: number}) for name, number in said.items()]
    return _ship([*constants, _of("Range", *said)])


def _two_values(*attributes: AttributeProto) -> NodeProto:
    node = NodeProto(op_type="Constant", output=["far"])
    node.attribute.extend(attributes)
    return node


FAR = helper.make_attribute("value_int", 1 << 40)
NEAR = helper.make_attribute("value_int", 1)
BOTH = AttributeProto(
    name="value_int",
    type=AttributeProto.INT,
    i=1 << 40,
    t=numpy_helper.from_array(np.array(1)),
)


def _strings() -> NodeProto:
    node = _constant("words")
    node.attribute.append(AttributeProto(name="value_strings", type=AttributeProto.STRINGS, strings=[b"x"]))
    return node


def _tensors() -> NodeProto:
    node = _constant("many")
    tensor = numpy_helper.from_array(np.array([np.nan], np.float32))
    node.attribute.append(AttributeProto(name="values", type=AttributeProto.TENSORS, tensors=[tensor]))
    return node


add(
    {
        "range_to_an_integer_attribute": (_range(0, 1 << 40, 1), NO_MEMORY),
        "range_to_a_float_attribute": (_range(0.0, 1e12, 1.0), NO_MEMORY),
        "range_from_far_below": (_range(-(1 << 40), 0, 1), NO_MEMORY),
        "range_in_tiny_steps": (_range(0.0, 1.0, 1e-12), NO_MEMORY),
        "range_of_doubles": (
            _ship([_of("Range", "from", "to", "by")], **{"from": 0.0, "to": 1e12, "by": 1.0}),
            NO_MEMORY,
        ),
        "range_to_where_nobody_knows": (
            _ship([_constant("far", value_int=1 << 40), _of("Range", "computed", "far", "by")]),
            NO_MEMORY,
        ),
        "range_without_a_limit": (
            _ship([_constant("far", value_int=1 << 40), _of("Range", "far")]),
            NO_MEMORY,
        ),
        "constant_whose_second_value_hides_the_first": (
            _ship([_two_values(FAR, NEAR), _of("Range", "zero", "far", "one")]),
            "a Constant has 2 values",
        ),
        "constant_of_two_types": (
            _ship([_two_values(BOTH), _of("Range", "zero", "far", "one")]),
            "values of several types",
        ),
        "enlargement_by_floats_in_an_attribute": (
            _ship(
                [
                    _constant("scales", value_floats=[1.0, 1.0, 1e6, 1e6]),
                    _of("Resize", "planes", "", "scales"),
                ]
            ),
            NO_MEMORY,
        ),
        "enlargement_of_old": (_ship([_of("Upsample", "planes", scales=[1.0, 1.0, 1e6, 1e6])]), NO_MEMORY),
        "one_number_in_an_attribute_beyond_all": (
            _ship([_of("RoiAlign", "planes", "boxes", "which", output_height=1 << 40)]),
            NO_MEMORY,
        ),
        "two_numbers_in_attributes_beyond_all": (
            _ship([_of("RoiAlign", "planes", "b", "w", output_height=1 << 20, output_width=1 << 20)]),
            NO_MEMORY,
        ),
        "shape_of_more_dimensions_than_are_looked_at": (
            _ship([_of("Expand", "zero", "shape")], shape=[1] * 39 + [1 << 40]),
            "40 numbers of 'shape' for a size",
        ),
        "shape_of_many_dimensions_in_an_attribute": (
            _ship([_constant("shape", value_ints=[1] * 39 + [1 << 40]), _of("Expand", "zero", "shape")]),
            "40 numbers of 'shape' for a size",
        ),
        "numbers_that_take_minutes_to_multiply": (
            _ship([_of("Conv", "planes", "k", pads=[1 << 62] * 400_000)]),
            NO_MEMORY,
        ),
        "list_of_words": (_ship([_strings()]), "has a field 9 that no network here needs"),
        "list_of_tensors": (_ship([_tensors()]), "has a field 10 that no network here needs"),
    }
)
