"""``--like``: every configuration that ships can be started from, with nothing but the data named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from taktsight.cli import main
from taktsight.training.starting_points import FOLDER, starting_points

BY_SITUATION = (
    "classification",
    "few-defects",
    "quick",
    "quick-classification",
    "segmentation",
    "segmentation-small-defects",
)
SMALL = ("--model.init_args.weights=null", "--model.init_args.encoder=test_efficientnet")


def test_every_starting_point_says_in_its_first_line_when_to_take_it() -> None:
    known = starting_points()
    assert set(BY_SITUATION) <= set(known)
    for name, when in known.items():
        assert when.endswith("."), name
        assert 20 < len(when) < 120, name


def test_those_by_situation_name_no_data_and_show_the_command_that_uses_them() -> None:
    for name in BY_SITUATION:
        text = (FOLDER / f"{name}.yaml").read_text()
        assert not {"root", "layout", "canvas"} & set(yaml.safe_load(text)["data"]), name
        assert f"# taktsight train --like {name} --run" in text, name


@pytest.mark.parametrize("name", BY_SITUATION)
def test_with_root_layout_and_canvas_given_it_trains(name: str, in_workshop: Path, tmp_path: Path) -> None:
    root, layout = (
        ("learn/images", "class_folder") if "classification" in name else ("learn", "mask_folder")
    )
    given = (f"--data.root={root}", f"--data.layout={layout}", f"--data.cache_dir={tmp_path / 'cache'}")
    canvas = "--data.canvas={height: 128, width: 128, channels: 1}"
    briefly = (
        "--trainer.max_epochs=1",
        "--trainer.check_val_every_n_epoch=1",
        "--trainer.limit_train_batches=1",
    )
    run = tmp_path / "run"
    assert main(["train", "--like", name, "--run", str(run), *given, canvas, *SMALL, *briefly]) == 0
    assert (run / "best.ckpt").is_file()
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["data"]["canvas"]["height"] == 128


def test_the_page_for_the_ml_engineer_names_those_that_there_are() -> None:
    page = (FOLDER.resolve().parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
    named = set(re.findall(r"--like ([\w-]+)", page))
    for row in re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE):
        named |= set(re.findall(r"`([\w-]+)`", row))
    assert set(BY_SITUATION) <= named <= set(starting_points())


def test_help_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out
    for name, when in starting_points().items():
        assert f"  {name} " in said
        assert when in said


@pytest.mark.parametrize("arguments", [["--like"], ["--like", "segmentaton"], []])
def test_without_a_known_name_they_are_listed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--run", "runs/x", *arguments]) == 2
    said = capsys.readouterr().err
    assert all(when in said for when in starting_points().values())


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--like", "quick", "--run", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "data.root" in said
    assert "data.canvas.height" in said


def test_a_configuration_beside_like_is_refused_with_the_likely_slip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--like", "quick", "--run", str(tmp_path), "--data.root", "parts"]) == 2
    assert "--data.root=FOLDER, with an equals sign" in capsys.readouterr().err
