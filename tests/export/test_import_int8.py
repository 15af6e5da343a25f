"""A network that was trained elsewhere in int8: calibrated on real parts, proved on others, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.datasets.samples import Sample
from taktsight.errors import BackendError, ExportError
from taktsight.export import quantize
from taktsight.export.foreign.calibration import read_tiles
from taktsight.export.foreign.layers import left_alone
from taktsight.export.layer_noise import layer_noise
from taktsight.export.quantize import quantise
from taktsight.foreign import Foreign
from taktsight.image_files import encode_png, read_image
from taktsight.imaging import Canvas, prepare

from .learned_elsewhere import PARTS, draw_noise, draw_part, stated_of, write_model, write_parts

pytest.importorskip("nncf")
pytest.importorskip("openvino")

ENGINES = ("onnxruntime:f32", "onnxruntime:int8", "openvino:int8")
INT8 = [word for engine in ENGINES[1:] for word in ("--engine", engine)]
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts, and the network that their owner trained on the train parts and exported."""
    folder = tmp_path_factory.mktemp("elsewhere")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on cores that others use, more wait for each other longer than they compute
    write_model(write_parts(folder / "parts"), folder / "discs.onnx")
    torch.set_num_threads(threads)
    return folder


@pytest.fixture(scope="module")
def proved(elsewhere: Path) -> Path:
    """Its bundle, made once."""
    out = elsewhere / "discs.taktsight"
    line = ["import", str(elsewhere / "discs.onnx"), *stated_of(elsewhere / "parts"), *INT8]
    assert main([*line, "--out", str(out)]) == 0
    return out


def judged(elsewhere: Path, parts: Path, out: Path) -> int:
    """The same network on other parts."""
    return main(["import", str(elsewhere / "discs.onnx"), *stated_of(parts), *INT8, "--out", str(out)])


def test_clean_network_is_proved_in_int8_on_every_engine(proved: Path, capsys: Said) -> None:
    card = read_bundle(proved).card
    assert tuple(parity.engine for parity in card.parity) == ENGINES
    assert [parity.flips for parity in card.parity] == [0, 0, 0]
    assert card.parity[1].max_score_difference > card.parity[0].max_score_difference
    assert (card.operating_point.escapes, card.operating_point.overkills) == (0, 0)
    assert main(["verify", str(proved)]) == 0
    said = capsys.readouterr().out
    assert all(f"as the card says, {engine}" in said for engine in ENGINES)
    assert "rounded on 32 train parts (data train " in said


def test_card_says_what_the_ranges_were_measured_on(proved: Path) -> None:
    origin = read_bundle(proved).card.origin.training
    assert isinstance(origin, Foreign)
    assert (origin.calibrated_on, dict(origin.parts)) == ("train", PARTS)
    assert len({origin.data[split] for split in ("train", "val", "test")}) == 3


def test_layers_are_rounded_and_neither_the_preparation_nor_the_last_one(proved: Path) -> None:
    model = onnx.load_from_string(read_bundle(proved).models["int8"])
    rounded = {node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    assert not rounded & {"images", "float", "planes", "centred", "maps_raw", "maps_sure", "maps"}
    made_by = {name: node for node in model.graph.node for name in node.output}
    layers = [node for node in model.graph.node if node.op_type == "Conv"]
    kinds = [made_by[node.input[0]].op_type for node in layers]
    assert len(layers) == 4
    assert "DequantizeLinear" in kinds  # all but the noisiest
    assert kinds[-1] == "Relu"


def test_ranges_that_were_measured_on_noise_are_caught_by_the_proof(
    elsewhere: Path, tmp_path: Path, capsys: Said
) -> None:
    parts = write_parts(tmp_path / "parts", draw_noise)
    assert judged(elsewhere, parts, tmp_path / "part.taktsight") == 1
    said = capsys.readouterr().err
    assert "onnxruntime:int8: 10 of 20 parts get another verdict" in said
    assert "REJECT became PASS" in said
    assert "give more train parts as the line will see them" in said
    assert not (tmp_path / "part.taktsight").exists()


def test_where_the_data_name_no_train_parts_ranges_are_those_of_val(
    elsewhere: Path, tmp_path: Path, capsys: Said
) -> None:
    parts = write_parts(tmp_path / "parts", counts=PARTS | {"train": 0})
    assert judged(elsewhere, parts, tmp_path / "part.taktsight") == 0
    assert "int8: ranges were measured on 20 val parts (10 good, 5 hole, 5 spot)" in capsys.readouterr().out
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    assert isinstance(origin, Foreign)
    assert (origin.calibrated_on, set(origin.parts)) == ("val", {"val", "test"})


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"train": 15}, "measured on at least 16 parts, train has 15; add real train parts"),
        ({"train": 0, "val": 12}, "val has 12, and the data name no train parts"),
    ],
)
def test_too_few_parts_to_measure_ranges_on_are_refused(
    counts: dict[str, int], said: str, elsewhere: Path, tmp_path: Path, capsys: Said
) -> None:
    parts = write_parts(tmp_path / "parts", counts=PARTS | counts)
    assert judged(elsewhere, parts, tmp_path / "part.taktsight") == 1
    told = capsys.readouterr().err
    assert said in told
    assert "or leave the int8 engines out" in told
    assert not (tmp_path / "part.taktsight").exists()


def test_part_that_is_calibrated_on_and_proved_with_is_refused(
    elsewhere: Path, tmp_path: Path, capsys: Said
) -> None:
    """A copy under another name, its mask with it."""
    parts = write_parts(tmp_path / "parts")
    trained, tested = (1, PARTS["train"] + PARTS["val"] + 1)
    for kind in ("images", "masks"):
        shutil.copy(parts / kind / "hole" / f"{trained}.png", parts / kind / "hole" / f"{tested}.png")
    assert judged(elsewhere, parts, tmp_path / "part.taktsight") == 1
    said = capsys.readouterr().err
    assert f"images/hole/{trained}.png of train is the same as images/hole/{tested}.png of test" in said


def test_tiles_to_measure_on_are_those_that_an_export_takes(tmp_path: Path) -> None:
    """Every label and the whole range of exposures, of parts that are cut into four tiles."""
    canvas, samples = Canvas(64, 64, 3, 1, 0), []
    for number in range(12):
        label = ("good", "hole", "spot")[number % 3]
        (tmp_path / f"{number}.png").write_bytes(encode_png(draw_part(number, label)[0]))
        samples.append(Sample((tmp_path / f"{number}.png",), label))
    tiles = [prepare(read_image(sample.images[0], 3), None, canvas)[0] for sample in samples]
    targets = [number % 3 for number in range(12) for _ in range(4)]
    wanted = quantize.calibration_tiles(np.concatenate(tiles), targets, 7)
    (chosen,) = read_tiles(samples, canvas, [7])
    assert np.array_equal(chosen, wanted)


def graph_of(nodes: list[onnx.NodeProto], **weights: tuple[int, ...]) -> onnx.ModelProto:
    """A small graph of 32×32 images in colour."""
    before = [
        helper.make_node("Cast", ["images"], ["float"], "float", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], "planes", perm=[0, 3, 1, 2]),
    ]
    rng = np.random.default_rng(0)
    held = [
        numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(np.float32), name)
        for name, shape in weights.items()
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [*before, *nodes],
        "small",
        [value("images", TensorProto.UINT8, ["N", 32, 32, 3])],
        [
            value("maps", TensorProto.FLOAT, ["N", "K", "h", "w"]),
            value("scores", TensorProto.FLOAT, ["N", "K"]),
        ],
        held,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def node(kind: str, name: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [name.removeprefix("foreign/")], name, **attributes)


TWO_HEADS = graph_of(
    [
        node("Conv", "foreign/body", "planes", "first", pads=[1] * 4),
        node("Relu", "foreign/seen", "body"),
        node("Conv", "foreign/head", "seen", "second"),
        node("Sigmoid", "foreign/maps", "head"),
        node("GlobalAveragePool", "foreign/mean", "seen"),
        node("Flatten", "foreign/flat", "mean"),
        node("Gemm", "foreign/middle", "flat", "third"),
        node("Gemm", "foreign/scores", "middle", "fourth"),
    ],
    first=(8, 3, 3, 3),
    second=(2, 8, 1, 1),
    third=(8, 6),
    fourth=(6, 2),
)
"""Its weights of matrix products stand the other way round than PyTorch's."""


def test_last_layer_before_each_output_stays_float32_and_what_is_behind_it() -> None:
    alone = left_alone(TWO_HEADS.SerializeToString(), "two.onnx")
    assert set(alone) == {"float", "planes", "foreign/head", "foreign/maps", "foreign/scores"}


def test_network_of_one_layer_has_none_to_round() -> None:
    one = graph_of(
        [
            node("Conv", "foreign/maps", "planes", "only"),
            node("ReduceMax", "foreign/peak", "maps"),
            node("Flatten", "foreign/scores", "peak"),
        ],
        only=(2, 3, 1, 1),
    )
    with pytest.raises(ExportError, match=r"^one.onnx: has no convolution or matrix product before"):
        left_alone(one.SerializeToString(), "one.onnx")


def test_noise_of_layers_is_measured_whichever_way_their_weights_stand() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    rounded = onnx.load_from_string(quantize._rounded(TWO_HEADS, tiles, ["foreign/head"], symmetric=False))
    found = layer_noise(TWO_HEADS, rounded, tiles)
    assert found == ["foreign/scores"]  # the others are rounded before what stands in front of them


def test_network_that_the_quantiser_cannot_read_is_refused_in_one_sentence() -> None:
    """Weights that are computed from the image."""
    odd = graph_of(
        [
            node("Conv", "foreign/body", "planes", "first", pads=[1] * 4),
            node("ReduceMean", "foreign/kernel", "body", keepdims=1),
            node("Conv", "foreign/made", "kernel", "kernel"),
            node("Conv", "foreign/maps", "made", "second"),
            node("GlobalAveragePool", "foreign/mean", "maps"),
            node("Flatten", "foreign/scores", "mean"),
        ],
        first=(8, 3, 3, 3),
        second=(2, 1, 1, 1),
    )
    tiles = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    alone = left_alone(odd.SerializeToString(), "odd.onnx")
    with pytest.raises(BackendError, match=r"^int8: NNCF fails on the model .*leave the int8 engines out$"):
        quantise(odd.SerializeToString(), tiles, np.full((1, 2), 0.5), left_alone=alone)


def test_card_that_says_nothing_of_its_calibration_parts_is_refused(proved: Path) -> None:
    origin = read_bundle(proved).card.origin.training
    assert isinstance(origin, Foreign)
    said = origin.model_dump(mode="json")
    del said["parts"]["train"]
    with pytest.raises(ValueError, match="says nothing of the train parts"):
        Foreign.model_validate(said)
