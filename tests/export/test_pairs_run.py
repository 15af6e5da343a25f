"""Boards against their golden templates, from drawn boxes to verdicts on a line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from taktsight.bundle import Bundle, read_bundle, write_bundle
from taktsight.cli import main
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector, golden_mistakes
from taktsight.inspect.ledger import Ledger
from taktsight.records import Frame, Image, Outcome, Part
from taktsight.training.evaluation.report import read_evaluation

from .boards import lay_boards, take, template, write

TRAINING = """
model:
  class_path: taktsight.training.comparer.Comparer
  init_args:
    encoder: test_efficientnet
    decoder_channels: [32, 16, 16, 8, 8]
    learning_rate: 0.01
data:
  root: boards
  layout: deeppcb
  canvas: {height: 64, width: 64, channels: 1, overlap: 32, paired: true}
  batch_size: 8
  augment: light
  cache_dir: cache
trainer:
  accelerator: cpu
  max_epochs: 20
  check_val_every_n_epoch: 10
"""
RECIPE = """
product: board
views: [{{mm_per_px: 1.0{reference}}}]
limits: [{{label: copper, reject_score: 0.5, review_score: 0.5}}]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lay_boards(Path("boards"), 80)
        Path("training.yaml").write_text(TRAINING)
        for line in (
            "train training.yaml --run board",
            "evaluate board",
            "export board --out board.taktsight",
            "verify board.taktsight --run board",
        ):
            assert main(line.split()) == 0, line
    return folder


@pytest.fixture
def bundle(shop: Path) -> Bundle:
    return read_bundle(shop / "board.taktsight")


def inspector_of(bundle: Bundle, golden: Image) -> Inspector:
    backend = OnnxRuntimeBackend(bundle.model, threads=1)
    return Inspector(backend, bundle.card, bundle.card.own_recipe(), references={"camera": golden})


def verdict(inspector: Inspector, image: Image) -> Outcome:
    return inspector.inspect(Part(0, (Frame(image, 0, 0, "camera"),))).verdict.outcome


def test_card_says_that_the_model_compares(bundle: Bundle) -> None:
    assert (bundle.card.task, bundle.card.canvas.paired, bundle.card.canvas.planes) == (
        "comparison",
        True,
        2,
    )
    assert [parity.flips for parity in bundle.card.parity] == [0]


def test_board_equal_to_its_template_passes_and_another_board_does_not(bundle: Bundle) -> None:
    rng = np.random.default_rng(5)
    golden, other = template(rng), template(rng)
    assert verdict(inspector_of(bundle, golden), golden) is Outcome.PASS
    assert verdict(inspector_of(bundle, golden), other) is not Outcome.PASS


def test_pad_is_a_defect_only_where_the_template_has_none(bundle: Bundle) -> None:
    rng = np.random.default_rng(6)
    golden = template(rng)
    boards = [take(golden, rng, defective=True)[0] for _ in range(6)]
    assert [verdict(inspector_of(bundle, golden), board) for board in boards] == [Outcome.REJECT] * 6
    assert [verdict(inspector_of(bundle, board), board) for board in boards] == [Outcome.PASS] * 6


def test_board_that_lies_two_pixels_off_its_template_still_passes(bundle: Bundle) -> None:
    golden = template(np.random.default_rng(7))
    moved = np.ascontiguousarray(np.roll(golden, (2, -1), axis=(0, 1)))
    assert verdict(inspector_of(bundle, golden), moved) is Outcome.PASS


def test_drawn_defects_are_counted_one_by_one(shop: Path) -> None:
    figures = read_evaluation(shop / "board/evaluation/evaluation.json").figures
    assert figures.regions is not None
    counts = figures.regions.counts
    assert counts.drawn == sum(part.is_defective for part in figures.parts)
    assert figures.regions.parts == len(figures.parts)
    assert figures.regions.f1 is not None
    assert figures.regions.f1.value == 2 * counts.named / (counts.found + counts.drawn) > 0.8
    page = (shop / "board/evaluation/report.html").read_text()
    assert f"Of {counts.drawn}\u00a0drawn defects on {figures.regions.parts}\u00a0parts" in page
    assert "golden template" in page


def test_golden_samples_carry_their_templates_and_are_replayed_against_them(
    bundle: Bundle, tmp_path: Path
) -> None:
    backend = OnnxRuntimeBackend(bundle.model, threads=1)
    assert golden_mistakes(backend, bundle) == []
    for sample in bundle.card.golden:
        assert len(sample.references) == 1
    spoiled = dict(bundle.golden)
    bad = next(sample for sample in bundle.card.golden if sample.outcome is not Outcome.PASS)
    spoiled[bad.references[0]] = spoiled[bad.file]  # nothing differs any more
    write_bundle(tmp_path / "spoiled.taktsight", bundle.card, bundle.model, spoiled)
    (mistake,) = golden_mistakes(backend, read_bundle(tmp_path / "spoiled.taktsight"))
    assert mistake.startswith(f"{bad.file} is PASS, the card says REJECT")


def test_plain_onnxruntime_takes_frame_and_template_behind_one_another(bundle: Bundle) -> None:
    session = onnxruntime.InferenceSession(bundle.model, providers=["CPUExecutionProvider"])
    (wanted,) = session.get_inputs()
    assert (wanted.type, wanted.shape[1:]) == ("tensor(uint8)", [64, 64, 2])
    for sample in bundle.card.golden:
        pair = np.concatenate([bundle.golden[sample.file], bundle.golden[sample.references[0]]], axis=2)
        _, scores = session.run(["maps", "scores"], {"images": pair[np.newaxis]})
        assert np.abs(scores[0] - np.array(sample.scores)).max() < 1e-3


def replayed(shop: Path, folder: Path, recipe: str, images: list[Image]) -> int:
    (folder / "recipe.yaml").write_text(recipe)
    for number, image in enumerate(images):
        write(folder / "images" / f"{number}.png", encode_png(image))
    paths = (str(shop / "board.taktsight"), str(folder / "images"), "--recipe", str(folder / "recipe.yaml"))
    records = str(folder / "records")
    return main(["replay", *paths, "--records", records, "--takt-ms", "60", "--no-live"])


def test_line_compares_every_part_with_the_template_of_its_recipe(shop: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    golden = template(rng)
    write(tmp_path / "golden.png", encode_png(golden))
    images = [golden, take(golden, rng, defective=True)[0], take(golden, rng, defective=False)[0]]
    assert replayed(shop, tmp_path, RECIPE.format(reference=", reference: golden.png"), images) == 0
    ledger = Ledger.open(tmp_path / "records")
    try:
        outcomes = [row["outcome"] for row in ledger.rows() if row["kind"] == "verdict"]
    finally:
        ledger.close()
    assert outcomes == ["PASS", "REJECT", "PASS"]


def test_line_refuses_a_recipe_without_a_template(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    golden = template(np.random.default_rng(9))
    assert replayed(shop, tmp_path, RECIPE.format(reference=""), [golden]) == 2
    assert "give each view 'reference: template.png'" in capfd.readouterr().err


def test_line_refuses_a_template_of_another_size(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    golden = template(np.random.default_rng(9))
    write(tmp_path / "golden.png", encode_png(np.ascontiguousarray(golden[:60])))
    assert replayed(shop, tmp_path, RECIPE.format(reference=", reference: golden.png"), [golden]) == 2
    assert "the golden template is 64×60×1, the frame 64×64×1" in capfd.readouterr().err


def test_check_says_which_template_each_view_is_compared_with(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    golden = encode_png(template(np.random.default_rng(9)))
    write(tmp_path / "golden.png", golden)
    write(tmp_path / "images" / "0.png", golden)
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(reference=", reference: golden.png"))
    (tmp_path / "station.yaml").write_text(
        f"name: boards\nbundle: {shop / 'board.taktsight'}\nrecipe: recipe.yaml\n"
        "cameras: [{kind: folder, folder: images}]\ntrigger: {kind: timer, takt_ms: 500}\n"
        "gate: {kind: dry_run}\ndeadline_ms: 2000\nrecords: {folder: records}\n"
    )
    main(["check", str(tmp_path / "station.yaml")])
    said = capfd.readouterr().out
    digest = hashlib.sha256(golden).hexdigest()[:12]
    assert f"view camera is compared with {tmp_path / 'golden.png'}, {digest}" in said
    assert "golden samples are judged right" in said


def test_replay_without_a_recipe_says_what_to_write(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "images" / "0.png", encode_png(template(np.random.default_rng(9))))
    line = ["replay", str(shop / "board.taktsight"), str(tmp_path / "images"), "--takt-ms", "60"]
    assert main([*line, "--records", str(tmp_path / "records"), "--no-live"]) == 2
    assert "name a recipe whose views have 'reference: template.png'" in capfd.readouterr().err


def test_segmenter_with_a_paired_canvas_is_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(shop)
    text = TRAINING.replace("comparer.Comparer", "segmenter.Segmenter")
    Path("segmenter.yaml").write_text(text)
    assert main(["train", "segmenter.yaml", "--run", "wrong"]) == 2
    assert "data.canvas.paired is true, and the model is a Segmenter" in capsys.readouterr().err


def test_starting_point_for_pairs_can_be_probed_and_trained(
    shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(shop)
    line = ["train", "--like", "comparison", "--run", str(tmp_path / "run")]
    given = ["--data.root=boards", "--data.layout=deeppcb", "--data.crop=null", "--data.cache_dir=cache"]
    small = ["--model.init_args.weights=null", "--model.init_args.encoder=test_efficientnet"]
    canvas = ["--data.canvas={height: 64, width: 64, channels: 1, overlap: 32, paired: true}"]
    briefly = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=1", "--trainer.accelerator=cpu"]
    assert main([*line, *given, *small, *canvas, "--probe"]) in (0, 1)  # 64 px are little to learn from
    assert "data:image" in (tmp_path / "run" / "probe.html").read_text()
    assert main([*line, *given, *small, *canvas, *briefly]) == 0
