"""Networks that were trained elsewhere become bundles, and only if they answer as their own file does."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.export import gate
from taktsight.foreign import Foreign
from taktsight.inspect.backends.backend import Backend, model_for
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.config import Engine

from .foreign_models import (
    CLASSES,
    LABELS,
    MODELS,
    Arguments,
    importing,
    stated,
)

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
