"""What cannot become a bundle is refused by name, in one error, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from taktsight.errors import ExportError
from taktsight.export.foreign.graph import open_graph
from taktsight.foreign import Preparation

from .foreign_models import CLASSES, SIDE, Arguments, edited, export, importing, segmenter

GOOD = "images/good/part-000000.png,0.9999"
"""An answer about an image that is there."""
Said = pytest.CaptureFixture[str]


def own_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.acme", "FastConv"
    model.opset_import.append(helper.make_opsetid("com.acme", 1))


def uint8_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def batch_of_four(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def cyclic(model: onnx.ModelProto) -> None:
    model.graph.node.reverse()


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (own_operator, "needs com.acme.FastConv, which no other engine has"),
        (uint8_input, "input is uint8 of 4 axes; float32 images of four are wanted"),
        (batch_of_four, "takes 4 images at a time"),
        (second_input, "takes 2 inputs (input, mask), one batch of images is wanted"),
        (cyclic, "is refused by ONNX's checker"),
    ],
)
def test_graph_that_a_bundle_cannot_hold_is_refused_by_name(
    edit: Callable[[onnx.ModelProto], None], complaint: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    model = edited(shop / "resnet.onnx", tmp_path / "edited.onnx", edit)
    assert importing(shop, "classification", tmp_path / "part.taktsight", model=model) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert "edited.onnx" in said
    assert not (tmp_path / "part.taktsight").exists()


def test_weights_in_another_file_are_refused(shop: Path, tmp_path: Path, capsys: Said) -> None:
    model = onnx.load(shop / "resnet.onnx")
    onnx.save(model, tmp_path / "split.onnx", save_as_external_data=True, location="weights.bin")
    assert importing(shop, "classification", tmp_path / "p.taktsight", model=tmp_path / "split.onnx") == 1
    assert "weights in another file" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x08\x07"])
def test_file_that_is_no_onnx_is_refused(content: bytes, shop: Path, tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    assert importing(shop, "classification", tmp_path / "p.taktsight", model=tmp_path / "x.onnx") == 1
    assert "is not an ONNX file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "model", "more", "status", "complaint"),
    [
        ("classification", "anomaly.onnx", [], 1, "has 2 float32 outputs (pred_score, anomaly_map)"),
        (
            "classification",
            "resnet.onnx",
            ["--classes", "good,crack,pit"],
            1,
            "output is 1×5; of one image",
        ),
        ("classification", "resnet.onnx", ["--classes", "good,a,b,c,d"], 1, "each must be in both"),
        ("classification", "unet.onnx", [], 1, "output is 1×5×128×128; of one image"),
        (
            "classification",
            "resnet.onnx",
            ["--activation", "none"],
            1,
            "after the stated activation 'none'",
        ),
        ("segmentation", "unet.onnx", ["--activation", "none"], 1, "after the stated activation 'none'"),
        ("segmentation", "unet.onnx", ["--maps", "masks"], 2, "no such float32 output, but output"),
        (
            "segmentation",
            "unet.onnx",
            ["--canvas", "256x256"],
            2,
            "takes 128×128 and the canvas is 256×256",
        ),
        ("segmentation", "unet.onnx", ["--canvas", "100x128"], 2, "multiple of 32, got 100×128"),
        ("segmentation", "unet.onnx", ["--axes", "nhwc"], 2, "takes 128 channels and --colour rgb has 3"),
        ("segmentation", "unet.onnx", ["--resize", "128x128"], 2, "it is resized; say with --canvas"),
        (
            "segmentation",
            "unet.onnx",
            ["--resize", "128x128", "--canvas", "192x192"],
            2,
            "maps of 128×128 do not divide a canvas of 192×192",
        ),
        ("classification", "resnet.onnx", ["--maps", "output"], 2, "a classifier has none"),
        ("classification", "resnet.onnx", ["--mean", "0,0,0"], 2, "state --normalise, or --mean and --std"),
        ("classification", "resnet.onnx", ["--colour", "mono"], 2, "mono has 1 channels, got 3 means"),
        ("anomaly", "anomaly.onnx", ["--classes", "good,bad"], 2, "an anomaly model knows one"),
        ("anomaly", "anomaly.onnx", ["--engine", "openvino:int8"], 1, "nothing of it would be computed in"),
        ("anomaly", "absent.onnx", [], 2, "cannot be read"),
        ("anomaly", "anomaly.onnx", ["--answers", "absent.csv"], 2, "cannot be read as CSV"),
    ],
)
def test_what_does_not_fit_is_said_in_one_error(
    task: str,
    model: str,
    more: Arguments,
    status: int,
    complaint: str,
    shop: Path,
    tmp_path: Path,
    capsys: Said,
) -> None:
    out = tmp_path / "part.taktsight"
    assert importing(shop, task, out, *more, model=shop / model) == status
    said = capsys.readouterr().err
    assert complaint in said
    assert len([line for line in said.splitlines() if line.startswith("taktsight import: ")]) == 1
    assert not out.exists()


def test_rows_and_columns_that_are_free_must_be_stated_and_must_fit(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    model = export(segmenter(), tmp_path / "free.onnx", size_is_free=True)
    assert importing(shop, "segmentation", tmp_path / "part.taktsight", model=model) == 2
    assert "rows and columns of its input are free; say with --canvas" in capsys.readouterr().err
    more = ["--resize", "100x100", "--canvas", "128x128"]
    assert importing(shop, "segmentation", tmp_path / "part.taktsight", *more, model=model) == 2
    assert "maps of 100×100 do not divide a canvas of 128×128" in capsys.readouterr().err


def free_size(model: onnx.ModelProto) -> None:
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"free_{axis}"


def test_network_that_says_any_size_and_takes_one_is_refused(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    flat = nn.Sequential(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(3 * (SIDE // 16) ** 2, len(CLASSES)))
    model = edited(export(flat, tmp_path / "flat.onnx"), tmp_path / "free.onnx", free_size)
    more = ["--canvas", "96x96"]
    assert importing(shop, "classification", tmp_path / "part.taktsight", *more, model=model) == 1
    assert "does not run on 1×3×96×96" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mean": (123.7, 116.3, 103.5)}, "divide those of 0–255 by 255"),
        ({"deviation": (0.0, 1.0, 1.0)}, "above 0"),
        ({"deviation": (58.4, 57.1, 57.4)}, "divide those of 0–255 by"),
        ({"classes": ("a", "a")}, "stands twice"),
        ({"classes": ("good",), "good": "good", "activation": "none"}, "hold no defect"),
        ({"classes": ("pit",), "good": None}, "a softmax over one class"),
        ({"good": "background"}, "none of the classes"),
    ],
)
def test_statement_that_contradicts_itself_is_refused(changes: dict[str, object], complaint: str) -> None:
    right = {
        "colour": "rgb",
        "axes": "nchw",
        "mean": (0.5, 0.5, 0.5),
        "deviation": (0.5, 0.5, 0.5),
        "activation": "softmax",
        "classes": ("good", "pit"),
        "good": "good",
    }
    Preparation.model_validate(right)
    with pytest.raises(ValueError, match=complaint):
        Preparation.model_validate(right | changes)


def test_constant_tensors_in_nodes_are_looked_into_for_other_files(tmp_path: Path, shop: Path) -> None:
    def outside(model: onnx.ModelProto) -> None:
        held = numpy_helper.from_array(np.zeros(1, np.float32), "held")
        node = helper.make_node("Constant", [], ["unused"], value=held)
        node.attribute[0].t.ClearField("raw_data")
        node.attribute[0].t.data_location = TensorProto.EXTERNAL
        node.attribute[0].t.external_data.add(key="location", value="../../secret")
        model.graph.node.append(node)

    model = onnx.load(shop / "resnet.onnx")
    outside(model)
    (tmp_path / "o.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ExportError, match="weights in another file"):
        open_graph(tmp_path / "o.onnx")


@pytest.mark.parametrize(
    ("answers", "status", "complaint"),
    [
        ("image,anomaly\n", 2, "has no row"),
        ("image,pit\nimages/good/x.png,0.1\n", 2, "no column anomaly"),
        ("image,anomaly\nindex.csv,0.1\n", 2, "names no image of val or test"),
        ("image,anomaly\nimages/good/x.png,0.1\n", 2, "1 of its 1 images are not there"),
        (f"image,anomaly\n{GOOD}\nimages/x.png,0.1\n", 2, "the first is 'images/x.png'"),
        ("anomaly,image\n0.1\n", 2, "the first is None"),
        (f"image,anomaly\n{GOOD}\nimages/good/../{GOOD[7:]}\n", 2, "stands twice"),
        ("image,anomaly\nimages/good/x.png,much\n", 2, "a score that is no number"),
        ("image,anomaly\nimages/good/x.png,nan\n", 2, "0–1 is wanted"),
        ("image,anomaly\nimages/good/x.png,1.5\n", 2, "0–1 is wanted"),
        (f"image,anomaly\n{GOOD}\n", 1, "1 of 1 images score otherwise here"),
    ],
)
def test_answers_that_say_nothing_or_something_else_are_refused(
    answers: str, status: int, complaint: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    file, out = tmp_path / "answers.csv", tmp_path / "part.taktsight"
    file.write_text(answers, encoding="utf-8")
    assert importing(shop, "anomaly", out, "--answers", str(file)) == status
    assert complaint in capsys.readouterr().err
    assert not out.exists()
