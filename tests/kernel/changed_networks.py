"""The good network with one thing changed, signed by the allowed key."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import ModelProto, helper

from .conftest import MODEL
from .malicious import Shop

Change = Callable[[ModelProto], object]


def ship(change: Change, entry: str = "model.onnx") -> Callable[[Shop], object]:
    """The good network, changed and signed."""

    def build(shop: Shop) -> None:
        model = onnx.load_model_from_string(MODEL)
        change(model)
        shop.sign(shop.good | {entry: model.SerializeToString()})

    return build


def node(kind: str, *inputs: str, domain: str = "", **attributes: object) -> Change:
    """One more operator, which nobody needs."""
    more = helper.make_node(kind, inputs, ["unused"], domain=domain, **attributes)  # type: ignore[arg-type]
    return lambda model: model.graph.node.append(more)
