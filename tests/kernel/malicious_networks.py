"""Networks that an allowed key signed and no line may load."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from .conftest import MODEL
from .malicious import Shop, add, case

Change = Callable[[ModelProto], object]


def _ship(change: Change, entry: str = "model.onnx") -> Callable[[Shop], object]:
    """The good network, changed and signed."""

    def build(shop: Shop) -> None:
        model = onnx.load_model_from_string(MODEL)
        change(model)
        shop.sign(shop.good | {entry: model.SerializeToString()})

    return build


def _bytes(content: Callable[[], bytes]) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {"model.onnx": content()})


def _node(kind: str, *inputs: str, domain: str = "", **attributes: object) -> Change:
    """One more operator, which nobody needs."""
    node = helper.make_node(kind, inputs, ["unused"], domain=domain, **attributes)  # type: ignore[arg-type]
    return lambda model: model.graph.node.append(node)


def _sized(kind: str, *inputs: str, size: list[int] | None = None) -> Change:
    """An operator that makes as much as ``size`` says."""

    def change(model: ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.array(size, np.int64), "size"))
        model.graph.node.append(helper.make_node(kind, [*inputs, "size"], ["unused"]))

    return change


def _body() -> GraphProto:
    return helper.make_graph(
        [helper.make_node("Identity", ["going"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )


def _loop(model: ModelProto) -> None:
    """Nine quintillion rounds."""
    model.graph.initializer.append(numpy_helper.from_array(np.array(2**63 - 1), "rounds"))
    model.graph.node.append(helper.make_node("Loop", ["rounds", ""], ["unused"], body=_body()))


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


def _hidden_graph(model: ModelProto) -> None:
    """A graph within an operator that has none, where nobody would look."""
    model.graph.node[0].attribute.append(AttributeProto(name="body", type=AttributeProto.GRAPH, g=_body()))


def _functions(model: ModelProto) -> None:
    """Each calls the one before ten times: a billion operators in a few hundred bytes."""
    for level in range(1, 10):
        below = f"f{level - 1}" if level > 1 else "Identity"
        nodes = [helper.make_node(below, ["x"], [f"y{n}"], domain="deep") for n in range(10)]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("deep", 1)]
        model.functions.append(helper.make_function("deep", f"f{level}", ["x"], ["y9"], nodes, opsets))


def _constant(value: TensorProto) -> Change:
    return _node("Constant", value=value)


def _nan_constant() -> TensorProto:
    return numpy_helper.from_array(np.array([np.nan], np.float32))


def _sparse(model: ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add(dims=[1 << 40])
    sparse.values.CopyFrom(numpy_helper.from_array(np.ones(1, np.float32), "unused"))


def _end(number: int, name: str, kind: int, shape: list[str | int]) -> Change:
    """Another input (0), maps (1) or scores (2)."""

    def change(model: ModelProto) -> None:
        ends = [*model.graph.input, *model.graph.output]
        ends[number].CopyFrom(helper.make_tensor_value_info(name, kind, shape))

    return change


def _more_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.UINT8, ["n", 64, 64, 1]))


def _more_output(model: ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n", 1]))


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.onnx", bytes(10 << 20))
    return buffer.getvalue()


OPSET = b"\x42\x02\x10\x11"
"""That of version 17, as a model names it."""
FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
NOT_FINITE, NO_MEMORY, NOT_ALLOWED = "infinite or none", "which no memory holds", "are not allowed"
ELSEWHERE = "lies in another file"
add(
    {
        "network_with_weights_in_another_file": (_ship(_external("weights.bin")), ELSEWHERE),
        "network_with_weights_in_a_secret_file": (_ship(_external("../../../etc/shadow")), ELSEWHERE),
        "custom_operator": (_ship(_node("Run", "pixels", domain="com.evil")), "the operator com.evil.Run"),
        "operator_of_a_vendor": (
            _ship(_node("Gelu", "pixels", domain="com.microsoft")),
            "com.microsoft.Gelu",
        ),
        "foreign_operator_set": (
            _ship(lambda model: model.opset_import.append(helper.make_opsetid("com.evil", 1))),
            "wants the operators of 'com.evil'",
        ),
        "two_operator_sets": (
            _ship(lambda model: model.opset_import.append(helper.make_opsetid("", 9))),
            "names 2 sets of operators",
        ),
        "operator_that_nobody_knows": (_ship(_node("Explode", "pixels")), NOT_ALLOWED),
        "loop_without_end": (_ship(_loop), "has the operator Loop"),
        "scan": (_ship(_node("Scan", "pixels", body=_body(), num_scan_inputs=1)), "has the operator Scan"),
        "branch": (
            _ship(_node("If", "pixels", then_branch=_body(), else_branch=_body())),
            "has the operator If",
        ),
        "graph_hidden_in_an_operator": (_ship(_hidden_graph), "has a field 6 that no network here needs"),
        "functions_that_call_each_other": (_ship(_functions), "has a field 25"),
        "chance": (_ship(_node("RandomUniform", shape=[1])), "has the operator RandomUniform"),
        "image_decoder": (_ship(_node("ImageDecoder", "images")), "has the operator ImageDecoder"),
        "text": (_ship(_node("StringNormalizer", "images")), "has the operator StringNormalizer"),
        "constant_beyond_all": (_ship(_sized("ConstantOfShape", size=[100_000, 100_000])), NO_MEMORY),
        "expansion_beyond_all": (_ship(_sized("Expand", "zero", size=[1 << 40])), NO_MEMORY),
        "tiles_beyond_all": (_ship(_sized("Tile", "pixels", size=[1, 1 << 20, 1 << 20, 1])), NO_MEMORY),
        "padding_beyond_all": (_ship(_node("Conv", "planes", "k", pads=[0, 0, 1 << 40, 0])), NO_MEMORY),
        "size_in_an_attribute_beyond_all": (
            _ship(
                lambda model: [
                    change(model)
                    for change in (
                        lambda it: it.graph.node.append(
                            helper.make_node("Constant", [], ["many"], value_ints=[1 << 20, 1 << 20])
                        ),
                        _node("Expand", "zero", "many"),
                    )
                ]
            ),
            NO_MEMORY,
        ),
        "weight_without_its_numbers": (
            _ship(_tensor(dims=[1 << 31, 1 << 31], data_type=FLOAT)),
            "and 0 numbers",
        ),
        "weight_whose_size_overflows_to_nothing": (
            _ship(_tensor(dims=[1 << 32, 1 << 32], data_type=FLOAT, raw_data=b"")),
            "and 0 numbers",
        ),
        "weight_of_negative_size": (_ship(_tensor(dims=[-4], data_type=FLOAT)), "which nothing has"),
        "weight_of_a_thousand_dimensions": (
            _ship(_tensor(dims=[1] * 1000, data_type=FLOAT)),
            "nothing has",
        ),
        "weight_with_too_few_bytes": (
            _ship(_tensor(dims=[4], data_type=FLOAT, raw_data=bytes(12))),
            "and 3 numbers",
        ),
        "weight_with_too_many_bytes": (
            _ship(_tensor(dims=[1], data_type=FLOAT, raw_data=bytes(4 << 20))),
            "and 1048576 numbers",
        ),
        "weight_that_stands_twice": (
            _ship(_tensor(dims=[1], data_type=FLOAT, raw_data=bytes(4), float_data=[1.0])),
            "one, that of its type, is wanted",
        ),
        "weight_of_text": (
            _ship(_tensor(dims=[1], data_type=TensorProto.STRING, string_data=[b"x"])),
            "has a field 6",
        ),
        "weight_of_no_type": (_ship(_tensor(dims=[1], data_type=99, raw_data=bytes(4))), "is of type 99"),
        "sparse_weight": (_ship(_sparse), "has a field 15"),
        "nan_weight": (_ship(_weight([0, np.nan], np.float32)), NOT_FINITE),
        "nan_weight_not_stored_raw": (
            _ship(_tensor(dims=[1], data_type=FLOAT, float_data=[float("nan")])),
            NOT_FINITE,
        ),
        "infinite_weight": (_ship(_weight([np.inf, 0], np.float32)), NOT_FINITE),
        "infinite_weight_at_the_end_of_many": (
            _ship(_weight([*np.zeros(1_000_000), -np.inf], np.float32)),
            NOT_FINITE,
        ),
        "nan_weight_of_64_bits": (_ship(_weight([np.nan], np.float64)), NOT_FINITE),
        "infinite_weight_of_16_bits": (_ship(_weight([np.inf], np.float16)), NOT_FINITE),
        "infinite_bfloat16": (
            _ship(_tensor(dims=[1], data_type=TensorProto.BFLOAT16, raw_data=b"\x80\x7f")),
            NOT_FINITE,
        ),
        "infinite_16_bits_stored_as_32": (
            _ship(_tensor(dims=[1], data_type=TensorProto.FLOAT16, int32_data=[0x7C00])),
            NOT_FINITE,
        ),
        "nan_constant": (_ship(_constant(_nan_constant())), NOT_FINITE),
        "nan_attribute": (_ship(_node("Elu", "planes", alpha=float("nan"))), "alpha of Elu is not finite"),
        "infinite_attribute_list": (
            _ship(_node("Constant", value_floats=[1.0, float("inf")])),
            "not finite",
        ),
        "float_input": (
            _ship(_end(0, "image", FLOAT, ["n", 64, 64, 1])),
            "one uint8 (N, H, W, C) is wanted",
        ),
        "flat_input": (_ship(_end(0, "image", UINT8, ["n", 4096])), "one uint8 (N, H, W, C) is wanted"),
        "two_inputs": (_ship(_more_input), "one uint8 (N, H, W, C) is wanted"),
        "no_input": (_ship(lambda model: model.graph.input.pop()), "takes nothing"),
        "input_of_another_size": (
            _ship(_end(0, "image", UINT8, ["n", 32, 32, 1])),
            "the card says [64, 64, 1]",
        ),
        "input_of_another_colour": (_ship(_end(0, "image", UINT8, ["n", 64, 64, 3])), "the card says"),
        "batch_beyond_all": (
            _ship(_end(0, "image", UINT8, [1 << 40, 64, 64, 1])),
            "more than a memory holds",
        ),
        "batch_of_none": (_ship(_end(0, "image", UINT8, [0, 64, 64, 1])), "is empty"),
        "output_of_another_name": (_ship(_end(1, "mapz", FLOAT, ["n", 1, 64, 64])), "are wanted"),
        "output_of_another_type": (
            _ship(_end(1, "maps", TensorProto.DOUBLE, ["n", 1, 64, 64])),
            "are wanted",
        ),
        "output_of_another_rank": (_ship(_end(2, "scores", FLOAT, ["n"])), "are wanted"),
        "output_of_more_labels": (_ship(_end(2, "scores", FLOAT, ["n", 7])), "the card says [1]"),
        "maps_beyond_all": (_ship(_end(1, "maps", FLOAT, ["n", 1, 1 << 31, 1 << 31])), "a memory holds"),
        "two_outputs_of_one_name": (_ship(_end(2, "maps", FLOAT, ["n", 1, 64, 64])), "are wanted"),
        "one_more_output": (_ship(_more_output), "are wanted"),
        "loop_in_another_precision": (
            _ship(_loop, "model.int8.onnx"),
            "model.int8.onnx: has the operator Loop",
        ),
        "network_that_is_a_pickle": (
            _bytes(lambda: pickle.dumps({"weights": [1.0]})),
            "no network here needs",
        ),
        "network_that_is_a_zip": (_bytes(_zip), "the model"),
        "network_of_the_engines_own_format": (_bytes(lambda: b"\x20\0\0\0ORTM" + bytes(64)), "the model"),
        "network_without_a_graph": (_bytes(lambda: OPSET), "holds no network"),
        "network_of_nothing": (_bytes(lambda: b""), "names 0 sets of operators"),
        "network_that_is_cut_short": (_bytes(lambda: MODEL[:-7]), "the model is cut short"),
        "network_with_bytes_behind": (_bytes(lambda: MODEL + b"\xff\xff"), "the model is cut short"),
        "network_that_stands_twice": (_bytes(lambda: MODEL + MODEL), "twice"),
        "second_graph_that_is_merged": (_bytes(lambda: MODEL + _field(7, b"")), "has the field 7 twice"),
        "network_with_an_unknown_field": (_bytes(lambda: MODEL + _field(99, b"x")), "has a field 99"),
        "training_that_is_hidden": (_bytes(lambda: MODEL + _field(20, b"")), "has a field 20"),
        "number_without_end": (_bytes(lambda: b"\x08" + b"\xff" * 1000), "is cut short, or is no message"),
        "group_of_old": (_bytes(lambda: b"\x3b" * 1000), "is of another type"),
        "million_operators": (
            _bytes(lambda: OPSET + _field(7, b"\x0a\x00" * 1_000_000)),
            "more than 500000 fields",
        ),
        "million_numbers_in_a_shape": (
            _bytes(lambda: OPSET + _field(7, _field(5, _field(1, b"\x01" * 1_000_000)))),
            "more than 500000 fields",
        ),
    }
)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7)


@case("has the operator NoOp")
def operator_at_the_end_of_many(shop: Shop) -> None:
    """A thousand that are right in front of one that is not."""
    model = onnx.load_model_from_string(MODEL)
    model.graph.node.extend(
        NodeProto(op_type="Relu", input=["maps"], output=[f"r{n}"]) for n in range(1000)
    )
    model.graph.node.append(NodeProto(op_type="NoOp"))
    shop.sign(shop.good | {"model.onnx": model.SerializeToString()})
