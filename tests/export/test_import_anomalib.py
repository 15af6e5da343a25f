"""A model that anomalib trained and exported by itself becomes a bundle that scores as anomalib does."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.foreign import Foreign
from taktsight.image_files import read_image

SIDE, ITS_SIDE = 256, 128
"""Of the parts, and of what anomalib resizes them to within its graph, px."""
needs_anomalib = pytest.mark.filterwarnings("ignore")  # anomalib's own, of its own old names


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anomalib-onnx")
    assert main(f"data synth {folder}/parts --parts 40 --size-px {SIDE} --seed 1".split()) == 0
    return folder


@pytest.fixture(scope="module")
def trained(shop: Path) -> Any:
    """PaDiM by its own Engine, with its own normalisation from val; the encoder stays random."""
    pytest.importorskip("anomalib")
    from anomalib.data import Folder
    from anomalib.engine import Engine
    from anomalib.models import Padim
    from anomalib.models.components.base import AnomalibModule

    torch.manual_seed(0)
    prepare = AnomalibModule.configure_pre_processor((ITS_SIDE, ITS_SIDE))
    options = {"pre_processor": prepare, "evaluator": False, "visualizer": False}
    model = Padim(backbone="resnet18", n_features=20, pre_trained=False, **options)
    images = {"root": shop / "parts" / "images", "normal_dir": "good", "abnormal_dir": ["scratch", "crack"]}
    data = Folder("part", **images, train_batch_size=8, eval_batch_size=8, num_workers=0)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "default_root_dir": shop}
    Engine(max_epochs=1, accelerator="cpu", **quiet).fit(model, datamodule=data)
    return model.eval()


@needs_anomalib
@pytest.mark.parametrize("size", [None, (SIDE, SIDE)], ids=["any size", "fixed size"])
def test_exported_padim_scores_as_anomalib_does(
    size: tuple[int, int] | None,
    trained: Any,
    shop: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = trained.to_onnx(tmp_path, input_size=size, external_data=False)
    rows = list(csv.DictReader((shop / "parts" / "index.csv").read_text(encoding="utf-8").splitlines()))
    answers = tmp_path / "answers.csv"
    with answers.open("w") as file, torch.inference_mode():
        file.write("image,anomaly\n")
        for row in rows[:10]:
            image = torch.from_numpy(read_image(shop / "parts" / row["image"], 3)).permute(2, 0, 1)[None]
            file.write(f"{row['image']},{float(trained(image / 255).pred_score)}\n")
    out = tmp_path / "padim.taktsight"
    data = [str(shop / "parts"), "--layout", "mask_folder", "--target-escape", "0.4"]
    stated = ["--task", "anomaly", "--normalise", "unit", "--activation", "none"]
    canvas = ["--canvas", f"{SIDE}x{SIDE}"] if size is None else []
    more = [*data, *stated, *canvas, "--answers", str(answers)]
    assert main(["import", str(model), *more, "--out", str(out)]) == 0
    assert "answers: 10 images score as in the model's own framework" in capsys.readouterr().out
    assert main(["verify", str(out)]) == 0
    origin = read_bundle(out).card.origin.training
    assert isinstance(origin, Foreign)
    assert (origin.maps, origin.scores) == ("anomaly_map", "pred_score")


@needs_anomalib
def test_export_in_two_files_is_refused_and_joined_as_the_error_says(
    trained: Any, shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What anomalib and PyTorch write unless they are asked otherwise."""
    model = trained.to_onnx(tmp_path, input_size=(SIDE, SIDE))
    line = [str(shop / "parts"), "--layout", "mask_folder", "--target-escape", "0.4", "--task", "anomaly"]
    line += ["--normalise", "unit", "--activation", "none", "--out", str(tmp_path / "part.taktsight")]
    assert main(["import", str(model), *line]) == 1
    assert "weights in another file" in capsys.readouterr().err
    onnx.save(onnx.load(model), tmp_path / "whole.onnx")
    assert main(["import", str(tmp_path / "whole.onnx"), *line]) == 0
