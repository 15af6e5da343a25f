"""Networks that take or give something else than the card says, and bytes that are no network."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable

from onnx import ModelProto, TensorProto, helper

from .changed_networks import Change, ship
from .conftest import MODEL
from .malicious import Shop, add

OPSET = b"\x42\x02\x10\x11"
"""That of version 17, as a model names it."""
FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


def _bytes(content: Callable[[], bytes]) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {"model.onnx": content()})


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


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7)


add(
    {
        "float_input": (
            ship(_end(0, "image", FLOAT, ["n", 64, 64, 1])),
            "one uint8 (N, H, W, C) is wanted",
        ),
        "flat_input": (ship(_end(0, "image", UINT8, ["n", 4096])), "one uint8 (N, H, W, C) is wanted"),
        "two_inputs": (ship(_more_input), "one uint8 (N, H, W, C) is wanted"),
        "no_input": (ship(lambda model: model.graph.input.pop()), "takes nothing"),
        "input_of_another_size": (
            ship(_end(0, "image", UINT8, ["n", 32, 32, 1])),
            "the card says [64, 64, 1]",
        ),
        "input_of_another_colour": (ship(_end(0, "image", UINT8, ["n", 64, 64, 3])), "the card says"),
        "batch_beyond_all": (
            ship(_end(0, "image", UINT8, [1 << 40, 64, 64, 1])),
            "more than a memory holds",
        ),
        "batch_of_none": (ship(_end(0, "image", UINT8, [0, 64, 64, 1])), "is empty"),
        "output_of_another_name": (ship(_end(1, "mapz", FLOAT, ["n", 1, 64, 64])), "are wanted"),
        "output_of_another_type": (
            ship(_end(1, "maps", TensorProto.DOUBLE, ["n", 1, 64, 64])),
            "are wanted",
        ),
        "output_of_another_rank": (ship(_end(2, "scores", FLOAT, ["n"])), "are wanted"),
        "output_of_more_labels": (ship(_end(2, "scores", FLOAT, ["n", 7])), "the card says [1]"),
        "maps_beyond_all": (ship(_end(1, "maps", FLOAT, ["n", 1, 1 << 31, 1 << 31])), "a memory holds"),
        "two_outputs_of_one_name": (ship(_end(2, "maps", FLOAT, ["n", 1, 64, 64])), "are wanted"),
        "one_more_output": (ship(_more_output), "are wanted"),
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
