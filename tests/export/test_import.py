"""Networks that were trained elsewhere become bundles, and only if they answer as their own file does."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pictures
from torch import nn

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.export import gate
from taktsight.export.foreign import build
from taktsight.export.foreign.wrap import shrunk, wrap
from taktsight.foreign import Foreign, Preparation
from taktsight.image_files import read_image
from taktsight.inspect.backends.backend import Backend, model_for
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.config import Engine

from .foreign_models import (
    ANOMALIB_OUTPUTS,
    CLASSES,
    IMAGENET,
    MODELS,
    SIDE,
    AnomalibShaped,
    Arguments,
    classifier,
    data_of,
    export,
    importing,
    segmenter,
    stated,
)

LABELS = CLASSES[1:]
Said = pytest.CaptureFixture[str]


@pytest.mark.parametrize("task", MODELS)
def test_foreign_network_becomes_a_bundle_that_verifies(
    task: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    out = tmp_path / "part.taktsight"
    assert importing(shop, task, out) == 0
    assert ": 0 of 15 verdicts flipped" in capsys.readouterr().out
    assert main(["verify", str(out)]) == 0
    said = capsys.readouterr().out
    card = read_bundle(out).card
    assert card.labels == (("anomaly",) if task == "anomaly" else LABELS)
    assert card.located == (task != "classification")
    assert card.parity[0].flips == 0
    assert card.parity[0].max_score_difference < 1e-4
    assert (card.operating_point.chosen_on, card.operating_point.measured_on) == ("val", "test")
    assert f"imported   {MODELS[task]} (" in said
    assert "made from  not known" in said


def test_card_says_where_the_network_comes_from_and_what_was_stated(shop: Path, tmp_path: Path) -> None:
    import hashlib

    assert importing(shop, "segmentation", tmp_path / "part.taktsight") == 0
    origin = read_bundle(tmp_path / "part.taktsight").card.origin
    assert isinstance(origin.training, Foreign)
    assert origin.weights is None
    assert origin.training.sha256 == hashlib.sha256((shop / "unet.onnx").read_bytes()).hexdigest()
    assert origin.training.producer.startswith("pytorch")
    assert origin.training.answers is None
    assert origin.training.preparation.classes == CLASSES
    assert origin.training.parts == {"val": 25, "test": 15}  # whole lots of five


@pytest.mark.parametrize("task", MODELS)
def test_wrapped_graph_keeps_the_model_contract(task: str, shop: Path, tmp_path: Path) -> None:
    assert importing(shop, task, tmp_path / "part.taktsight") == 0
    model = onnx.load_from_string(read_bundle(tmp_path / "part.taktsight").model)
    consumers = [node.op_type for node in model.graph.node if "images" in node.input]
    assert consumers == ["Cast"]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert b"/tmp" not in model.SerializeToString()
    outputs = {name for node in model.graph.node for name in node.output}
    assert not any("pred_mask" in name or "pred_label" in name for name in outputs)  # nobody asks for them
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    maps, scores = session.run(["maps", "scores"], {"images": images})
    labels = 1 if task == "anomaly" else len(LABELS)
    side = 1 if task == "classification" else SIDE
    assert (maps.shape, scores.shape) == ((3, labels, side, side), (3, labels))
    assert (maps.min() >= 0, maps.max() <= 1, maps.dtype == np.float32) == (True, True, True)


def in_torch(network: nn.Module, image: Path, colour: str = "rgb") -> torch.Tensor:
    """As its owner runs it, in its own framework: (1, classes, …) after the softmax."""
    pixels = torch.from_numpy(read_image(image, 3).copy())
    if colour == "bgr":
        pixels = pixels.flip(2)
    mean, deviation = IMAGENET
    batch = ((pixels / 255 - mean) / deviation).permute(2, 0, 1)[None]
    with torch.inference_mode():
        answer: torch.Tensor = network(batch.float()).softmax(dim=1)
    return answer


def write_answers(shop: Path, file: Path, network: nn.Module) -> Path:
    """The highest of each label's outputs."""
    with (shop / "parts" / "index.csv").open(encoding="utf-8") as index, file.open("w") as answers:
        writer = csv.writer(answers)
        writer.writerow(["image", *LABELS])
        for row in list(csv.DictReader(index))[:12]:
            highest = (
                in_torch(network, shop / "parts" / row["image"])[0]
                .reshape(len(CLASSES), -1)[1:]
                .amax(dim=1)
            )
            writer.writerow([row["image"], *highest.tolist()])
    return file


@pytest.mark.parametrize(("task", "made"), [("segmentation", segmenter), ("classification", classifier)])
def test_scores_of_the_networks_own_framework_are_found_again(
    task: str, made: Callable[[], nn.Module], shop: Path, tmp_path: Path, capsys: Said
) -> None:
    answers = write_answers(shop, tmp_path / "answers.csv", made())
    assert importing(shop, task, tmp_path / "part.taktsight", "--answers", str(answers)) == 0
    assert "answers: 12 images score as in the model's own framework" in capsys.readouterr().out
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    assert isinstance(origin, Foreign)
    assert origin.answers is not None
    assert origin.answered == 12
    assert "its own framework's scores of 12 images were found again" in "\n".join(origin.in_words())


def test_card_of_before_answers_were_counted_is_read(shop: Path, tmp_path: Path) -> None:
    assert importing(shop, "anomaly", tmp_path / "part.taktsight") == 0
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    before = origin.model_dump(mode="json", exclude={"answered"}) | {"answers": 64 * "a"}
    old = Foreign.model_validate(before)
    assert old.answered is None
    assert "its own framework's scores were found again" in "\n".join(old.in_words())


def test_product_version_and_last_day_are_on_the_card(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.taktsight"
    assert importing(shop, "anomaly", out) == 0
    card = read_bundle(out).card
    assert (card.name, card.version, card.expires) == ("anomaly", 1, None)
    more = ["--name", "Flange M8", "--bundle-version", "3", "--expires", "2999-12-31"]
    assert importing(shop, "anomaly", out, *more) == 0
    card = read_bundle(out).card
    assert (card.name, card.version, card.expires) == ("Flange M8", 3, date(2999, 12, 31))


@pytest.mark.parametrize("task", MODELS)
def test_fp16_comes_along_where_an_engine_computes_in_it(
    task: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a GPU: ONNX Runtime on the CPU computes what the fp16 model says."""
    computed_in = []

    def on_the_cpu(engine: Engine, models: Mapping[str, bytes]) -> Backend:
        computed_in.append(engine.precision)
        return OnnxRuntimeBackend(model_for(engine, models))

    monkeypatch.setattr(gate, "open_backend", on_the_cpu)
    more = ["--engine", "tensorrt:fp16", "--engine", "onnxruntime:fp16:cuda", "--flip-limit", "0.05"]
    assert importing(shop, task, tmp_path / "part.taktsight", *more) == 0
    bundle = read_bundle(tmp_path / "part.taktsight")
    assert computed_in == ["f32", "fp16", "fp16"]
    names = ["onnxruntime:f32", "tensorrt:fp16", "onnxruntime:fp16:cuda"]
    assert [parity.engine for parity in bundle.card.parity] == names
    assert bundle.card.parity[1].max_score_difference > bundle.card.parity[0].max_score_difference
    kinds = {tensor.data_type for tensor in onnx.load_from_string(bundle.models["fp16"]).graph.initializer}
    assert TensorProto.FLOAT16 in kinds


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--engine", "onnxruntime:f32:cuda:junk"], "has 4 parts"),
        (["--bundle-version", "2000000"], "--bundle-version must be 1 to 1000000"),
        (["--expires", "2020-01-01"], "--expires 2020-01-01 is over"),
        (["--name", " flange"], "without spaces around it"),
    ],
)
def test_what_no_line_would_take_is_refused_before_anything_is_judged(
    more: Arguments, says: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    assert importing(shop, "anomaly", tmp_path / "part.taktsight", *more) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("task", ["segmentation", "classification"])
@pytest.mark.parametrize(
    "wrong",
    [
        ["--normalise", "unit"],
        ["--normalise", "half"],
        ["--mean", "0.229,0.224,0.225", "--std", "0.485,0.456,0.406"],  # the two exchanged
        ["--activation", "sigmoid"],
    ],
    ids=["no mean", "other mean", "mean and std exchanged", "activation"],
)
def test_wrong_statement_is_caught_by_the_networks_own_scores(
    task: str, wrong: Arguments, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    made = segmenter if task == "segmentation" else classifier
    answers = write_answers(shop, tmp_path / "answers.csv", made())
    given = stated(task)
    if "--mean" in wrong:
        place = given.index("--normalise")
        del given[place : place + 2]
    out = tmp_path / "part.taktsight"
    line = ["import", str(shop / MODELS[task]), *data_of(shop), *given, *wrong, "--out", str(out)]
    assert main([*line, "--answers", str(answers)]) == 1
    assert "score otherwise here than in the network's own framework" in capsys.readouterr().err
    assert not out.exists()


FAULTS: dict[str, dict[str, object]] = {
    "mean of zero": {"mean": (0.0, 0.0, 0.0)},
    "mean and deviation exchanged": {"mean": IMAGENET[1].tolist(), "deviation": IMAGENET[0].tolist()},
    "not divided by 255": {"deviation": (0.229 / 255, 0.224 / 255, 0.225 / 255)},
    "good parts taken for a defect": {"classes": (*LABELS, "good")},
    "sigmoid for softmax": {"activation": "sigmoid"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_the_wrapped_graph_is_caught_by_the_parity_gate(
    fault: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def faulty(graph, chosen, preparation, canvas, size):  # type: ignore[no-untyped-def]  # passed on
        wrong = Preparation(**preparation.model_dump() | FAULTS[fault])
        return wrap(graph, chosen, wrong, canvas, size)

    monkeypatch.setattr(build, "wrap", faulty)
    assert importing(shop, "segmentation", tmp_path / "part.taktsight") == 1
    said = capsys.readouterr().err
    assert "another verdict" in said or "differ by" in said
    assert "a fault of the import" in said
    assert not (tmp_path / "part.taktsight").exists()


def test_channels_of_a_network_that_learned_from_bgr_are_turned_round(shop: Path, tmp_path: Path) -> None:
    """On colour images: turning grey ones changes nothing."""
    root = tmp_path / "parts"
    shutil.copytree(shop / "parts", root)
    rng = np.random.default_rng(0)
    for file in sorted((root / "images").rglob("*.png")):
        tinted = read_image(file, 3) * rng.uniform(0.3, 1.0, 3)
        import cv2

        cv2.imwrite(str(file), tinted.astype(np.uint8))
    data = [
        str(root),
        "--layout",
        "mask_folder",
        "--index",
        str(root / "index.csv"),
        "--part-column",
        "part",
    ]
    line = ["import", str(shop / "resnet.onnx"), *data, *stated("classification"), "--colour", "bgr"]
    easy = ["--target-escape", "0.5", "--target-overkill", "0.3"]
    assert main([*line, *easy, "--out", str(tmp_path / "part.taktsight")]) == 0
    bundle = read_bundle(tmp_path / "part.taktsight")
    session = onnxruntime.InferenceSession(bundle.model, providers=["CPUExecutionProvider"])
    file = next((root / "images" / "pit").glob("*.png"))
    (scores,) = session.run(["scores"], {"images": read_image(file, 3)[np.newaxis]})
    wanted = in_torch(classifier(), file, "bgr")[:, 1:].numpy()
    assert np.abs(scores - wanted).max() < 1e-4
    assert np.abs(scores - in_torch(classifier(), file)[:, 1:].numpy()).max() > 1e-3


def test_resize_in_the_graph_is_that_of_pillow_and_is_said_to_be_lossy(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    """The reference resizes with Pillow, the graph with two products of matrices."""
    model = export(classifier(), tmp_path / "resnet.onnx", size_is_free=True)
    more = ["--resize", "96x72", "--canvas", "128x128", "--axes", "nchw"]
    assert importing(shop, "classification", tmp_path / "part.taktsight", *more, model=model) == 0
    parity = read_bundle(tmp_path / "part.taktsight").card.parity[0]
    assert 0 < parity.max_score_difference < 1e-4
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "part.taktsight")]) == 0
    assert "resized to 96×72 (lossy)" in capsys.readouterr().out


def test_parts_larger_than_the_network_are_halved_and_cut_into_tiles(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    model = export(segmenter(), tmp_path / "free.onnx", size_is_free=True)
    more = ["--canvas", "64x64", "--overlap", "32"]
    assert importing(shop, "segmentation", tmp_path / "part.taktsight", *more, model=model) == 0
    assert "tiles: parts are cut into up to 9" in capsys.readouterr().out
    more = ["--canvas", "64x64", "--factor", "2", "--overlap", "32"]
    assert importing(shop, "segmentation", tmp_path / "half.taktsight", *more, model=model) == 0
    assert read_bundle(tmp_path / "half.taktsight").card.canvas.factor == 2


def test_network_for_one_image_at_a_time_judges_parts_of_one_tile(
    shop: Path, tmp_path: Path, capsys: Said
) -> None:
    alone = shop / "one-at-a-time.onnx"
    assert importing(shop, "classification", tmp_path / "part.taktsight", model=alone) == 0
    session = onnxruntime.InferenceSession(
        read_bundle(tmp_path / "part.taktsight").model, providers=["CPUExecutionProvider"]
    )
    assert session.get_inputs()[0].shape == [1, SIDE, SIDE, 3]
    small = export(nn.Sequential(classifier(), nn.Identity()), tmp_path / "c.onnx", batch_is_free=False)
    large = tmp_path / "large"
    assert main(f"data synth {large} --parts 30 --size-px 192 --defective-share 0.5".split()) == 0
    line = ["import", str(small), str(large), "--layout", "mask_folder", *stated("classification")]
    assert main([*line, "--out", str(tmp_path / "no.taktsight")]) == 1
    assert "takes 1 image at a time, and parts of this size are cut into 4 tiles" in capsys.readouterr().err


class OverTheBatch(nn.Module):
    """Divides by the highest value of the batch, as Cflow does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = classifier()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answer = self.network(images)
        return torch.as_tensor(answer / answer.abs().reshape(-1).amax(dim=0))


class MapsOverTheBatch(AnomalibShaped):
    """Its scores are of each image, its maps are not."""

    def forward(
        self, images: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        score, label, maps, mask = super().forward(images)
        return score, label, maps / (0.1 + maps.reshape(-1).amax(dim=0)), mask


@pytest.mark.parametrize(
    ("task", "made", "what"),
    [("classification", OverTheBatch, "scores"), ("anomaly", MapsOverTheBatch, "maps")],
)
def test_network_whose_answer_depends_on_its_neighbours_is_refused(
    task: str, made: Callable[[], nn.Module], what: str, shop: Path, tmp_path: Path, capsys: Said
) -> None:
    outputs = ("output",) if task == "classification" else ANOMALIB_OUTPUTS
    model = export(made(), tmp_path / "batch.onnx", outputs=outputs)
    assert importing(shop, task, tmp_path / "part.taktsight", model=model) == 1
    assert f"an image has other {what} beside another one" in capsys.readouterr().err


def test_older_opset_is_read_and_gives_the_same_answers(shop: Path, tmp_path: Path) -> None:
    """ReduceMean took its axes as an attribute then."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 1, (len(CLASSES), 3, 3, 3)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["found"]),
            helper.make_node("ReduceMean", ["found"], ["output"], axes=[2, 3], keepdims=0),
        ],
        "old",
        [value("input", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [value("output", TensorProto.FLOAT, ["N", len(CLASSES)])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(old, tmp_path / "old.onnx")
    out = tmp_path / "part.taktsight"
    assert importing(shop, "classification", out, model=tmp_path / "old.onnx") == 0
    assert read_bundle(out).card.parity[0].max_score_difference < 1e-4


def test_parts_that_lie_in_train_are_not_judged(shop: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    text = (shop / "parts" / "index.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    lots = sorted({row["lot"] for row in rows})
    home = {lot: ("train", "val", "test")[number % 3] for number, lot in enumerate(lots)}
    with index.open("w", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "part", "split"])
        writer.writerows((shop / "parts" / row["image"], row["part"], home[row["lot"]]) for row in rows)
    data = [str(shop / "parts"), "--layout", "mask_folder", "--index", str(index), "--part-column", "part"]
    line = ["import", str(shop / "anomaly.onnx"), *data, "--split-column", "split", *stated("anomaly")]
    assert main([*line, "--target-escape", "0.5", "--out", str(tmp_path / "part.taktsight")]) == 0
    origin = read_bundle(tmp_path / "part.taktsight").card.origin.training
    assert isinstance(origin, Foreign)
    counted = [home[row["lot"]] for row in rows]
    assert origin.parts == {split: counted.count(split) for split in ("val", "test")}


def test_imported_bundle_is_no_run_of_ours(in_workshop: Path, shop: Path, tmp_path: Path) -> None:
    assert importing(shop, "anomaly", tmp_path / "part.taktsight") == 0
    assert main(["verify", str(tmp_path / "part.taktsight"), "--run", "run"]) == 1


def test_report_and_openvino_are_as_for_an_export(shop: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    more = ["--engine", "openvino:f32", "--report", str(tmp_path / "parity")]
    assert importing(shop, "segmentation", tmp_path / "part.taktsight", *more) == 0
    card = read_bundle(tmp_path / "part.taktsight").card
    assert [parity.engine for parity in card.parity] == ["onnxruntime:f32", "openvino:f32"]
    assert (tmp_path / "parity" / "parity.html").is_file()


@pytest.mark.parametrize(
    ("length", "wanted"), [(128, 96), (128, 128), (100, 33), (97, 96), (64, 160), (512, 224), (5, 1)]
)
def test_one_axis_is_resized_as_pillow_does_it(length: int, wanted: int) -> None:
    row = np.random.default_rng(length).normal(0, 1, (1, length)).astype(np.float32)
    pillow = Pictures.fromarray(row).resize((wanted, 1), Pictures.Resampling.BILINEAR)
    assert np.abs(row @ shrunk(length, wanted).T - np.asarray(pillow)).max() < 1e-5  # float32 sums


def test_one_defect_of_two_pixels_may_be_lost_by_resizing() -> None:
    """Why it is lossy: at a quarter of the size a pit of 2×2 pixels keeps a fifth of its height."""
    pit = np.zeros((128, 128), np.float32)
    pit[65:67, 65:67] = 1
    small = shrunk(128, 32) @ pit @ shrunk(128, 32).T
    assert small.max() < 0.2
