"""Networks whose operators do what none here needs, or make more than a memory holds."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from .changed_networks import Change, node, ship
from .conftest import MODEL
from .malicious import Shop, add, case

NOT_ALLOWED, NO_MEMORY = "are not allowed", "which no memory holds"


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


add(
    {
        "custom_operator": (ship(node("Run", "pixels", domain="com.evil")), "the operator com.evil.Run"),
        "operator_of_a_vendor": (
            ship(node("Gelu", "pixels", domain="com.microsoft")),
            "com.microsoft.Gelu",
        ),
        "foreign_operator_set": (
            ship(lambda model: model.opset_import.append(helper.make_opsetid("com.evil", 1))),
            "wants the operators of 'com.evil'",
        ),
        "two_operator_sets": (
            ship(lambda model: model.opset_import.append(helper.make_opsetid("", 9))),
            "names 2 sets of operators",
        ),
        "operator_that_nobody_knows": (ship(node("Explode", "pixels")), NOT_ALLOWED),
        "loop_without_end": (ship(_loop), "has the operator Loop"),
        "scan": (ship(node("Scan", "pixels", body=_body(), num_scan_inputs=1)), "has the operator Scan"),
        "branch": (
            ship(node("If", "pixels", then_branch=_body(), else_branch=_body())),
            "has the operator If",
        ),
        "graph_hidden_in_an_operator": (ship(_hidden_graph), "has a field 6 that no network here needs"),
        "functions_that_call_each_other": (ship(_functions), "has a field 25"),
        "chance": (ship(node("RandomUniform", shape=[1])), "has the operator RandomUniform"),
        "image_decoder": (ship(node("ImageDecoder", "images")), "has the operator ImageDecoder"),
        "text": (ship(node("StringNormalizer", "images")), "has the operator StringNormalizer"),
        "constant_beyond_all": (ship(_sized("ConstantOfShape", size=[100_000, 100_000])), NO_MEMORY),
        "expansion_beyond_all": (ship(_sized("Expand", "zero", size=[1 << 40])), NO_MEMORY),
        "tiles_beyond_all": (ship(_sized("Tile", "pixels", size=[1, 1 << 20, 1 << 20, 1])), NO_MEMORY),
        "padding_beyond_all": (ship(node("Conv", "planes", "k", pads=[0, 0, 1 << 40, 0])), NO_MEMORY),
        "size_in_an_attribute_beyond_all": (
            ship(
                lambda model: [
                    change(model)
                    for change in (
                        lambda it: it.graph.node.append(
                            helper.make_node("Constant", [], ["many"], value_ints=[1 << 20, 1 << 20])
                        ),
                        node("Expand", "zero", "many"),
                    )
                ]
            ),
            NO_MEMORY,
        ),
        "loop_in_another_precision": (
            ship(_loop, "model.int8.onnx"),
            "model.int8.onnx: has the operator Loop",
        ),
    }
)


@case("has the operator NoOp")
def operator_at_the_end_of_many(shop: Shop) -> None:
    """A thousand that are right in front of one that is not."""
    model = onnx.load_model_from_string(MODEL)
    model.graph.node.extend(
        NodeProto(op_type="Relu", input=["maps"], output=[f"r{n}"]) for n in range(1000)
    )
    model.graph.node.append(NodeProto(op_type="NoOp"))
    shop.sign(shop.good | {"model.onnx": model.SerializeToString()})
