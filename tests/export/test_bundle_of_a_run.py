"""The bundle of a trained run: the same bytes each time, and the same answers without Taktsight."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from taktsight.bundle import Bundle, read_bundle
from taktsight.datasets.datamodule import InspectionData
from taktsight.image_files import read_image
from taktsight.imaging import Canvas
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.manifest import Manifest
from taktsight.quality.rates import clopper_pearson
from taktsight.records import Frame, Part, Prediction
from taktsight.source_code import code_digest
from taktsight.training.weights_digest import weights_digest


def inspected(bundle: Bundle, name: str) -> Prediction:
    backend = OnnxRuntimeBackend(bundle.model, threads=1)
    inspector = Inspector(backend, bundle.card, bundle.card.own_recipe())
    (prediction,) = inspector.inspect(Part(0, (Frame(bundle.golden[name], 0, 0, "camera"),))).predictions
    return prediction


def test_exporting_twice_gives_the_same_bytes(workshop: Path) -> None:
    assert (workshop / "part.taktsight").read_bytes() == (workshop / "again.taktsight").read_bytes()


def test_plain_onnxruntime_and_numpy_give_the_maps_and_scores_of_the_line(workshop: Path) -> None:
    bundle = read_bundle(workshop / "part.taktsight")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(bundle.model, options, providers=["CPUExecutionProvider"])
    assert bundle.golden
    for name, image in bundle.golden.items():
        maps, scores = session.run(["maps", "scores"], {"images": image[np.newaxis]})
        prediction = inspected(bundle, name)
        assert np.array_equal(maps[0], prediction.maps)  # bit for bit: a frame of the canvas's size
        assert np.array_equal(scores[0], prediction.scores)


def test_card_carries_what_the_line_needs_to_know(workshop: Path) -> None:
    card = read_bundle(workshop / "part.taktsight").card
    assert card.labels == ("crack", "pit", "scratch", "stain")
    assert card.canvas == Canvas(128, 128, 1, 1)
    assert card.mm_per_px == 0.4
    assert {limit.label for limit in card.limits} == set(card.labels)
    severities = {entry.name: entry.severity for entry in card.described}
    assert severities == {"crack": "critical", "pit": "major", "scratch": "major", "stain": "minor"}
    assert (card.operating_point.chosen_on, card.operating_point.measured_on) == ("val", "test")


def test_card_says_what_the_weights_were_made_of(workshop: Path) -> None:
    card = read_bundle(workshop / "part.taktsight").card
    kept = torch.load(workshop / "run" / "best.ckpt", weights_only=True)
    assert card.origin.weights == weights_digest(kept["state_dict"])
    assert card.origin.training == Manifest.model_validate_json(kept["taktsight_manifest"])
    assert card.origin.code == code_digest()


def test_verify_says_it_in_words(workshop: Path) -> None:
    said = next(
        text
        for line, _, text in json.loads((workshop / "done.json").read_text())["verbs"]
        if line.startswith("verify")
    )
    manifest = read_bundle(workshop / "part.taktsight").card.origin.training
    assert isinstance(manifest, Manifest)
    assert f"weights    {manifest.weights}" in said
    assert "made from  36 train, 14 val, 10 test parts, assigned by split" in said
    assert "made by    1 process of 1 thread in " in said
    assert f"torch {manifest.environment.packages['torch']}" in said


def test_verify_says_what_the_labels_mean(workshop: Path) -> None:
    verbs = json.loads((workshop / "done.json").read_text(encoding="utf-8"))["verbs"]
    (said,) = (heard for verb, _, heard in verbs if verb.startswith("verify"))
    assert "label      crack, critical: a dark jagged line\n" in said


def test_report_of_the_run_names_escapes_by_severity(workshop: Path) -> None:
    evaluation = json.loads((workshop / "run/evaluation/evaluation.json").read_text(encoding="utf-8"))
    rows = {row["severity"]: row["labels"] for row in evaluation["by_severity"]}
    assert rows == {"critical": ["crack"], "major": ["pit", "scratch"], "minor": ["stain"]}


def test_card_says_how_many_verdicts_could_still_differ(workshop: Path) -> None:
    (parity,) = read_bundle(workshop / "part.taktsight").card.parity
    assert parity.flips == 0
    assert parity.flips_upper == clopper_pearson(0, parity.parts, 0.90).high
    assert 0 < parity.max_map_difference < 1e-4


def test_golden_samples_are_test_parts_and_judged_rightly(in_workshop: Path) -> None:
    bundle = read_bundle(in_workshop / "part.taktsight")
    data = InspectionData(
        Path("learn"),
        "mask_folder",
        bundle.card.canvas,
        index=Path("learn/index.csv"),
        part_column="part",
        cache_dir=Path("cache"),
    )
    images = [read_image(sample.images[0], 1) for sample in data.split("test")]
    for sample in bundle.card.golden:
        assert any(np.array_equal(bundle.golden[sample.file], image) for image in images)
        assert (sample.outcome.value == "PASS") == sample.file.endswith("-good.png")
