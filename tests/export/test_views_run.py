"""Parts seen from two sides, the defect from one of them only: from images to verdicts."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.bundle import Bundle, read_bundle
from taktsight.card import Card
from taktsight.cli import main
from taktsight.datasets.datamodule import InspectionData
from taktsight.imaging import Canvas
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector, golden_mistakes
from taktsight.records import Frame, Outcome, Part
from taktsight.training.evaluation.report import Evaluation, read_evaluation

VIEWS = ("top", "side")
SIZE_PX = 64
TRAINING = """
model:
  class_path: taktsight.training.segmenter.Segmenter
  init_args:
    encoder: test_efficientnet
    decoder_channels: [32, 16, 16, 8, 8]
    learning_rate: 0.01
data:
  root: parts
  layout: mask_folder
  index: parts/index.csv
  part_column: part
  view_column: view
  canvas: {height: 64, width: 64, channels: 1, overlap: 32}
  batch_size: 8
  augment: light
  cache_dir: cache
trainer:
  accelerator: cpu
  max_epochs: 12
  check_val_every_n_epoch: 6
"""


def lay_parts(root: Path, count: int) -> None:
    """Every second part has a bright spot that one view shows: the top and the side in turn."""
    rng = np.random.default_rng(0)
    rows = [("image", "part", "view")]
    for number in range(count):
        shown_by = VIEWS[number // 2 % 2] if number % 2 else ""
        for view in VIEWS:
            label = "spot" if view == shown_by else "good"
            image = rng.normal(110, 8, (SIZE_PX, SIZE_PX))
            mask = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
            if label == "spot":
                x, y = rng.integers(14, SIZE_PX - 14, 2).tolist()
                cv2.circle(mask, (x, y), 7, (255,), -1)
                image[mask > 0] += 90
                save(root / "masks" / label / f"{number:03}-{view}.png", mask)
            save(root / "images" / label / f"{number:03}-{view}.png", image.clip(0, 255).astype(np.uint8))
            rows.append((f"images/{label}/{number:03}-{view}.png", f"{number:03}", view))
    with (root / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def save(path: Path, image: np.typing.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lay_parts(Path("parts"), 60)
        Path("training.yaml").write_text(TRAINING)
        for line in (
            "train training.yaml --run run",
            "evaluate run",
            "export run --out part.taktsight",
            "verify part.taktsight --run run",
        ):
            assert main(line.split()) == 0, line
    return folder


@pytest.fixture
def bundle(shop: Path) -> Bundle:
    return read_bundle(shop / "part.taktsight")


@pytest.fixture
def evaluation(shop: Path) -> Evaluation:
    return read_evaluation(shop / "run/evaluation/evaluation.json")


def data_of(shop: Path, monkeypatch: pytest.MonkeyPatch) -> InspectionData:
    monkeypatch.chdir(shop)
    return InspectionData(
        Path("parts"),
        "mask_folder",
        Canvas(64, 64, 1, 1, 32),
        index=Path("parts/index.csv"),
        part_column="part",
        view_column="view",
        cache_dir=Path("cache"),
    )


def test_every_view_is_trained_on_with_its_own_label_and_mask(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of(shop, monkeypatch)
    cache = data.cache("train")
    parts = data.split("train")
    assert data.views == VIEWS
    assert cache.owners.tolist() == [number for number in range(len(parts)) for _ in VIEWS]
    assert cache.views.tolist() == [0, 1] * len(parts)
    for owner, view, mask in zip(cache.owners, cache.views, cache.masks, strict=True):
        assert mask.any() == (parts[owner].view_labels[view] == "spot")
    tiles = data.train_dataloader().dataset
    targets = [0 if mask.any() else 1 for mask in cache.masks]
    assert tiles.targets == targets  # type: ignore[attr-defined]  # a view without the spot is a good one


def test_evaluation_counts_parts_not_views(evaluation: Evaluation) -> None:
    figures = evaluation.figures
    assert len({part.part for part in figures.parts}) == len(figures.parts) == 12
    assert figures.escape.parts + figures.overkill.parts == 12
    assert figures.escape_physical is None  # nobody was seen twice


def test_part_is_as_bad_as_its_worst_view_and_the_report_shows_that_one(
    evaluation: Evaluation, shop: Path
) -> None:
    defective = [part for part in evaluation.figures.parts if part.is_defective]
    shown_by = {part.part: VIEWS[int(part.part) // 2 % 2] for part in defective}
    assert {part.part: part.view for part in defective} == shown_by
    assert set(shown_by.values()) == set(VIEWS)
    assert evaluation.figures.escape.events == 0
    page = (shop / "run/evaluation/report.html").read_text()
    for view in VIEWS:
        assert f"frame of view {view}" in page


def test_card_names_the_views_and_its_recipe_has_one_of_each(bundle: Bundle) -> None:
    assert bundle.card.views == VIEWS
    assert tuple(view.camera for view in bundle.card.own_recipe().views) == VIEWS
    assert tuple(view.camera for view in bundle.card.own_recipe("left", "right").views) == ("left", "right")


def test_golden_samples_hold_a_frame_per_view_and_are_replayed(bundle: Bundle) -> None:
    assert {len(sample.frames) for sample in bundle.card.golden} == {2}
    assert len(bundle.golden) == 2 * len(bundle.card.golden)
    assert golden_mistakes(OnnxRuntimeBackend(bundle.model, threads=1), bundle) == []


def inspect(bundle: Bundle, views: tuple[str, ...], file_of: dict[str, str]) -> Outcome:
    inspector = Inspector(
        OnnxRuntimeBackend(bundle.model, threads=1), bundle.card, bundle.card.own_recipe()
    )
    frames = tuple(Frame(bundle.golden[file_of[view]], 0, 0, view) for view in views)
    return inspector.inspect(Part(0, frames)).verdict.outcome


def test_defect_in_either_view_rejects_and_a_missing_view_is_never_passed(bundle: Bundle) -> None:
    good, bad = sorted(bundle.card.golden, key=lambda sample: sample.outcome is not Outcome.PASS)
    spot = max(bad.frames, key=lambda file: int(bundle.golden[file].max()))
    clean = good.frames[0]
    assert inspect(bundle, VIEWS, {"top": clean, "side": clean}) is Outcome.PASS
    assert inspect(bundle, VIEWS, {"top": spot, "side": clean}) is Outcome.REJECT
    assert inspect(bundle, VIEWS, {"top": clean, "side": spot}) is Outcome.REJECT
    assert inspect(bundle, ("top",), {"top": clean}) is Outcome.UNINSPECTED


def test_card_refuses_a_golden_sample_that_lacks_a_view(bundle: Bundle) -> None:
    card = bundle.card.model_dump(mode="json")
    card["golden"][0]["other_views"] = []
    with pytest.raises(ValueError, match="1 frames and 0 golden templates for 2 views"):
        Card.model_validate(card)


def station(shop: Path, folder: Path, *names: str) -> str:
    cameras = ", ".join(f"{{kind: folder, name: {name}, folder: {folder / name}}}" for name in names)
    (folder / "station.yaml").write_text(
        f"name: two sides\nbundle: {shop / 'part.taktsight'}\ncameras: [{cameras}]\n"
        "trigger: {kind: timer, takt_ms: 60}\ngate: {kind: dry_run}\ndeadline_ms: 2000\n"
        f"records: {{folder: {folder / 'records'}}}\n"
    )
    return str(folder / "station.yaml")


def test_line_judges_a_part_by_both_cameras(
    shop: Path, bundle: Bundle, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, sample in enumerate(bundle.card.golden):
        for view, file in zip(VIEWS, sample.frames, strict=True):
            save(tmp_path / view / f"{number}.png", bundle.golden[file][:, :, 0])
    assert main(["run", station(shop, tmp_path, *VIEWS), "--no-live"]) == 0
    said = capfd.readouterr().out
    assert "PASS" in said
    assert "REJECT" in said


def test_line_wants_a_camera_for_each_view(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "top" / "0.png", np.full((SIZE_PX, SIZE_PX), 110, np.uint8))
    assert main(["run", station(shop, tmp_path, "top"), "--no-live"]) == 2
    assert "has the cameras top, and the bundle judges the views top, side" in capfd.readouterr().err
