"""Models that anomalib trained: taken over, calibrated, evaluated, exported and verified."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.errors import ConfigError
from taktsight.training.anomalib_checkpoint import no_download, open_checkpoint
from taktsight.training.anomalib_model import AnomalibDetector
from taktsight.training.run_folder import open_run

SIDE, ITS_SIDE = 128, 256
"""Of the parts, px; EfficientAd takes nothing below 256."""
TRAINED: dict[str, dict[str, Any]] = {
    "Padim": {"backbone": "resnet18", "n_features": 20},
    "Patchcore": {"backbone": "resnet18", "coreset_sampling_ratio": 0.02},
    "Stfpm": {"backbone": "resnet18"},
    "ReverseDistillation": {"backbone": "resnet18"},
}
UNTRAINED = "EfficientAd"
"""Its training fetches a teacher and images from elsewhere; a checkpoint of fresh weights does here."""
needs_anomalib = pytest.mark.filterwarnings("ignore")  # anomalib's own, of its own old names


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anomalib")
    for side in (SIDE, ITS_SIDE):
        line = (
            f"data synth {folder}/learn-{side} --parts 40 --size-px {side} --defective-share 0.4 --seed 1"
        )
        assert main(line.split()) == 0
    return folder


def side_of(name: str) -> int:
    return ITS_SIDE if name == UNTRAINED else SIDE


def data_of(side: int) -> tuple[str, ...]:
    return (
        f"--data.root=learn-{side}",
        "--data.layout=mask_folder",
        f"--data.index=learn-{side}/index.csv",
        "--data.part_column=part",
        f"--data.canvas={{height: {side}, width: {side}, channels: 1}}",
        "--data.cache_dir=cache",
        "--trainer.accelerator=cpu",
    )


def checkpoint_of_anomalib(name: str, shop: Path) -> Path:
    """As its user makes it, or where that needs a network, with fresh weights."""
    return save_untrained(shop) if name == UNTRAINED else train_with_anomalib(name, shop)


def save_untrained(shop: Path, side: int = ITS_SIDE) -> Path:
    import lightning
    from anomalib.models import EfficientAd
    from anomalib.models.components.base import AnomalibModule

    file = shop / f"{UNTRAINED}-{side}.ckpt"
    if file.is_file():
        return file
    torch.manual_seed(0)
    prepare = AnomalibModule.configure_pre_processor((side, side))
    module = EfficientAd(pre_processor=prepare, evaluator=False, visualizer=False)
    scales = {"mean": 0.0, "std": 1.0}, {"qa_st": 0.1, "qb_st": 0.5, "qa_ae": 0.1, "qb_ae": 0.5}
    for kept, values in zip((module.model.mean_std, module.model.quantiles), scales, strict=True):
        for key, value in values.items():
            kept[key].data.fill_(value)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(file)
    return file


def train_with_anomalib(name: str, shop: Path) -> Path:
    """Its own data module, its own Engine, one epoch; the encoder stays random."""
    from anomalib import models
    from anomalib.data import Folder
    from anomalib.engine import Engine
    from anomalib.models.components.base import AnomalibModule

    file = shop / f"{name}.ckpt"
    if file.is_file():
        return file
    torch.manual_seed(0)
    with no_download():
        kind = getattr(models, name)
        prepare = AnomalibModule.configure_pre_processor((SIDE, SIDE))
        module = kind(**TRAINED[name], pre_processor=prepare, evaluator=False, visualizer=False)
        images = shop / f"learn-{SIDE}" / "images"
        data = Folder("part", normal_dir=images / "good", train_batch_size=8, num_workers=0)
        options: dict[str, Any] = {"enable_progress_bar": False, "limit_train_batches": 2}
        engine = Engine(max_epochs=1, accelerator="cpu", logger=False, default_root_dir=shop, **options)
        engine.fit(module, datamodule=data)
        engine.trainer.save_checkpoint(file)
    return file


@needs_anomalib
@pytest.mark.parametrize("name", [*TRAINED, UNTRAINED])
def test_a_model_of_anomalib_becomes_a_verified_bundle(
    name: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("anomalib")
    checkpoint = checkpoint_of_anomalib(name, shop)
    monkeypatch.chdir(shop)
    takes = (f"--model.init_args.model={name}", f"--model.init_args.checkpoint={checkpoint}")
    assert (
        main(["train", "--like", "anomalib", "--run", f"run-{name}", *takes, *data_of(side_of(name))]) == 0
    )
    for line in (
        f"evaluate run-{name}",
        f"export run-{name} --out {name}.taktsight",
        f"verify {name}.taktsight",
    ):
        assert main(line.split()) == 0, line
    card = read_bundle(Path(f"{name}.taktsight")).card
    assert (card.task, card.labels, card.located, card.parity[0].flips) == (
        "anomaly",
        ("anomaly",),
        True,
        0,
    )


@needs_anomalib
@pytest.mark.parametrize("name", [*TRAINED, UNTRAINED])
def test_a_run_answers_as_anomalib_itself_does_on_the_same_file(
    name: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before calibration: the map and the score that anomalib's own preparation and model give."""
    pytest.importorskip("anomalib")
    from anomalib import models
    from anomalib.data.utils import read_image

    monkeypatch.chdir(shop)
    run = open_run(Path(f"run-{name}"))
    with no_download():
        kind = getattr(models, name)
        side = side_of(name)
        theirs = kind.load_from_checkpoint(
            checkpoint_of_anomalib(name, shop),
            map_location="cpu",
            pre_processor=kind.configure_pre_processor(
                (side, side)
            ),  # else of 256 px, as if it had learned so
        )
    file = next((shop / f"learn-{side_of(name)}" / "images" / "scratch").glob("*.png"))
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    assert isinstance(run.module, AnomalibDetector)
    with torch.inference_mode():
        got, part = run.module.network.distances(torch.from_numpy(grey)[None, :, :, None])
        image = theirs.pre_processor.transform(read_image(file, as_tensor=True)[None])
        wanted = theirs.model.eval()(image)
    # Patchcore's distances are roots of differences of squares: what float32 rounds off the squares
    # is up to 2e-5 of the root, and another processor rounds otherwise.
    scale = float(wanted.anomaly_map.max())
    assert float((got - wanted.anomaly_map.reshape(got.shape)).abs().max()) < 3e-5 * scale
    assert float(part) == pytest.approx(float(wanted.pred_score), rel=3e-5)


@needs_anomalib
@pytest.mark.parametrize("name", TRAINED)
def test_a_model_is_opened_for_the_size_that_it_was_trained_on(name: str, shop: Path) -> None:
    """What is calibrated on val is then what a run answers with."""
    pytest.importorskip("anomalib")
    opened = open_checkpoint(name, checkpoint_of_anomalib(name, shop))
    with torch.inference_mode():
        said = opened.torch_model(torch.zeros(1, 3, SIDE, SIDE))
    assert (opened.size, tuple(said.anomaly_map.shape[-2:])) == ((SIDE, SIDE), (SIDE, SIDE))


@needs_anomalib
def test_a_model_that_cannot_take_its_own_size_is_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("anomalib")
    monkeypatch.chdir(shop)
    takes = (
        f"--model.init_args.model={UNTRAINED}",
        f"--model.init_args.checkpoint={save_untrained(shop, SIDE)}",
    )
    assert main(["train", "--like", "anomalib", "--run", "run-small", *takes, *data_of(SIDE)]) == 2
    assert "EfficientAd fails on images of 128×128 px" in capsys.readouterr().err


@needs_anomalib
def test_images_that_were_cut_before_the_model_saw_them_are_refused(shop: Path) -> None:
    pytest.importorskip("anomalib")
    from anomalib.models import Patchcore

    from taktsight.training.anomalib_checkpoint import _preparation

    with pytest.raises(ConfigError, match=r"CenterCrop[\s\S]*Cut images to the ROI"):
        _preparation(
            Path("cut.ckpt"), Patchcore.configure_pre_processor((SIDE, SIDE), center_crop_size=(96, 96))
        )


@needs_anomalib
def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    pytest.importorskip("anomalib")
    file = tmp_path / "model.ckpt"
    file.write_bytes(np.arange(64, dtype=np.uint8).tobytes())
    with pytest.raises(ConfigError, match=r"model\.ckpt: anomalib cannot read it as a checkpoint of Padim"):
        open_checkpoint("Padim", file)
    with pytest.raises(ConfigError, match="anomalib has no such model"):
        open_checkpoint("Padimm", file)


def test_without_anomalib_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anomalib", None)
    monkeypatch.setitem(sys.modules, "anomalib.models", None)
    with (
        warnings.catch_warnings(),
        pytest.raises(ConfigError, match=r"pip install 'taktsight\[anomalib\]'"),
    ):
        open_checkpoint("Padim", Path("model.ckpt"))
