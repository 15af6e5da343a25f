"""Wrong input to training, evaluation and verification: one clear error, the right status, no traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.image_files import encode_png

Arrange = Callable[[Path], list[str]]
"""Puts something wrong into a folder and gives the command line that meets it."""

TRAIN = ["train", "training.yaml", "--run"]


def training(*overrides: str) -> Arrange:
    return lambda folder: [*TRAIN, str(folder / "run"), *overrides]


def edited(old: str, new: str) -> Arrange:
    """The training file with one mistake."""

    def arrange(folder: Path) -> list[str]:
        text = Path("training.yaml").read_text()
        assert old in text
        (folder / "mine.yaml").write_text(text.replace(old, new, 1))
        return ["train", str(folder / "mine.yaml"), "--run", str(folder / "run")]

    return arrange


def with_parts(spoil: Callable[[Path], None], *, defective: int = 6) -> Arrange:
    """Training on 20 good parts and a few pits, with one thing spoilt."""

    def arrange(folder: Path) -> list[str]:
        root = folder / "parts"
        for label, count in (("good", 20), ("pit", defective)):
            for number in range(count):
                image = np.random.default_rng(number).integers(0, 256, (64, 64, 1), dtype=np.uint8)
                for kind, content in (("images", image), ("masks", image // 128 * 255)):
                    file = root / kind / label / f"{label}-{number}.png"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(encode_png(content))
        shutil.rmtree(root / "masks" / "good", ignore_errors=True)
        (root / "masks" / "good").mkdir()
        for number in range(20):
            (root / "masks" / "good" / f"good-{number}.png").write_bytes(
                encode_png(np.zeros((64, 64, 1), np.uint8))
            )
        spoil(root)
        overrides = [f"--data.root={root}", "--data.index=null", "--data.part_column=null"]
        return [*TRAIN, str(folder / "run"), *overrides, f"--data.cache_dir={folder / 'cache'}"]

    return arrange


def spoil_image(root: Path) -> None:
    for file in (root / "images" / "pit").iterdir():
        file.write_bytes(b"not an image")


def spoil_mask(root: Path) -> None:
    for file in (root / "masks" / "pit").iterdir():
        file.write_bytes(encode_png(np.zeros((32, 32, 1), np.uint8)))


def empty(root: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()


def nothing(root: Path) -> None:
    """All is well with the files."""


def no_run(folder: Path) -> list[str]:
    return ["evaluate", str(folder)]


def damaged_checkpoint(folder: Path) -> list[str]:
    shutil.copytree("run", folder / "run")
    (folder / "run" / "best.ckpt").write_bytes(b"cut short")
    return ["evaluate", str(folder / "run")]


def damaged_last_checkpoint(folder: Path) -> list[str]:
    shutil.copytree("run", folder / "run")
    content = (folder / "run" / "last.ckpt").read_bytes()
    (folder / "run" / "last.ckpt").write_bytes(content[: len(content) // 2])
    return [*TRAIN, str(folder / "run"), "--resume"]


def changed_configuration(folder: Path) -> list[str]:
    shutil.copytree("run", folder / "run")
    file = folder / "run" / "config.yaml"
    file.write_text(file.read_text().replace("mm_per_px:", "mm_pro_px:"))
    return ["evaluate", str(folder / "run")]


def configuration_of_something_else(folder: Path) -> list[str]:
    shutil.copytree("run", folder / "run")
    (folder / "run" / "config.yaml").write_text("a list\n")
    return ["evaluate", str(folder / "run")]


def flipped_byte(folder: Path) -> list[str]:
    content = bytearray(Path("part.taktsight").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "part.taktsight").write_bytes(content)
    return ["verify", str(folder / "part.taktsight")]


def no_bundle(folder: Path) -> list[str]:
    return ["verify", str(folder / "absent.taktsight")]


@pytest.mark.parametrize(
    ("arrange", "status", "words"),
    [
        (edited("decoder_channels", "decoder_chanels"), 2, ["mine.yaml", "decoder_chanels"]),
        (edited("batch_size", "batchsize"), 2, ["mine.yaml", "batchsize"]),
        (edited("batch_size: 8", "batch_size: eight"), 2, ["mine.yaml", "batch_size", "eight"]),
        (edited("max_epochs", "max_epochz"), 2, ["mine.yaml", "max_epochz"]),
        (edited("layout: mask_folder", ""), 2, ["mine.yaml", "layout"]),
        (edited("segmenter.Segmenter", "segmenter.Segmentor"), 2, ["mine.yaml", "Segmentor"]),
        (edited("data:", "data: ["), 2, ["mine.yaml"]),
        (edited("height: 128", "height: 100"), 2, ["canvas", "multiple of 32", "100"]),
        (edited("test_efficientnet", "effnet"), 2, ["effnet"]),
        (lambda folder: ["train", "absent.yaml", "--run", str(folder)], 2, ["absent.yaml"]),
        (training("--data.root=nowhere"), 2, ["nowhere", "no such folder"]),
        (training("--data.index=nowhere.csv"), 2, ["nowhere.csv"]),
        (training("--data.part_column=piece"), 2, ["index.csv", "piece"]),
        (training("--model.init_args.weights=package"), 2, ["package", "test_efficientnet"]),
        (training("--model.init_args.weights=absent.pth"), 2, ["absent.pth"]),
        (training("--trainer.accelerator=abacus"), 2, ["abacus"]),
        (training("--model.init_args.learning_rate=1e30"), 1, ["loss is nan", "learning_rate"]),
        (with_parts(spoil_image), 1, ["pit-", "not an image"]),
        (with_parts(spoil_mask), 1, ["pit-", "32×32", "64×64"]),
        (with_parts(empty), 1, ["parts", "holds no image"]),
        (with_parts(nothing, defective=2), 1, ["test", "no defective part"]),
        (lambda _: [*TRAIN, "run"], 2, ["run", "holds a trained model", "--resume"]),
        (no_run, 2, ["config.yaml", "no finished run"]),
        (damaged_checkpoint, 1, ["best.ckpt", "damaged"]),
        (damaged_last_checkpoint, 1, ["last.ckpt", "damaged"]),
        (changed_configuration, 2, ["config.yaml", "mm_pro_px"]),
        (configuration_of_something_else, 2, ["config.yaml", "is not the configuration"]),
        (flipped_byte, 1, ["part.taktsight"]),
        (no_bundle, 1, ["absent.taktsight", "no such bundle"]),
    ],
)
def test_wrong_input_is_named_in_one_error(
    arrange: Arrange,
    status: int,
    words: list[str],
    in_workshop: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = arrange(tmp_path)
    capsys.readouterr()
    assert main(arguments) == status
    errors = capsys.readouterr().err.splitlines()
    (error,) = (line for line in errors if line.startswith(f"taktsight {arguments[0]}: "))
    assert [word for word in words if word not in error] == []
    assert errors[-1] == error  # nothing is said after it: no traceback, no usage of another program
    assert len(error) < 1000  # the longest names the images of two batches
