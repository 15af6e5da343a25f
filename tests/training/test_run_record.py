"""A run folder proves what it holds: whatever was changed since the training is named and refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from taktsight.cli import main
from taktsight.errors import ConfigError, DataError, TaktsightError
from taktsight.training.checkpoints import RunCheckpoint, WholeCheckpoints
from taktsight.training.metrics_files import keep_metrics
from taktsight.training.run_check import changed_parts
from taktsight.training.run_folder import open_run
from taktsight.training.weights_digest import weights_digest

from .spots import SEGMENTER, make_parts


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts, and a run of two epochs."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("record")
    make_parts(folder / "parts", 30, masks=True)
    text = SEGMENTER.format(root=folder / "parts", batch=6, epochs=2)
    (folder / "training.yaml").write_text(text.replace("n_epoch: 5", "n_epoch: 1"))
    assert main(["train", str(folder / "training.yaml"), "--run", str(folder / "run")]) == 0
    return folder


@pytest.fixture
def run(shop: Path, tmp_path: Path) -> Path:
    """A copy of the run, in another folder."""
    return Path(shutil.copytree(shop / "run", tmp_path / "copy"))


def resume(shop: Path, run: Path, *overrides: str) -> int:
    return main(["train", str(shop / "training.yaml"), "--run", str(run), "--resume", *overrides])


def rewritten(file: Path, change: Callable[[Any], None]) -> None:
    """The checkpoint, changed by somebody else."""
    checkpoint = torch.load(file, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, file)


def test_run_that_nobody_changed_opens_with_its_manifest(run: Path) -> None:
    opened = open_run(run)
    assert opened.manifest is not None
    assert opened.manifest.weights == opened.weights_digest
    assert opened.manifest.parts == {"train": 18, "val": 6, "test": 6}
    assert changed_parts(opened.folder, opened.data) == ()


def edit_weights(run: Path) -> None:
    def edit(checkpoint: Any) -> None:
        checkpoint["state_dict"]["network.body.segmentation_head.0.bias"] += 1

    rewritten(run / "best.ckpt", edit)


def break_manifest(run: Path) -> None:
    (run / "manifest.json").write_text("{}")


def break_checkpoint(run: Path) -> None:
    (run / "best.ckpt").write_bytes((run / "best.ckpt").read_bytes()[:1000])


def edit_config(run: Path) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["data"]["canvas"]["overlap"] = 16
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def edit_manifest(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"seed": 7}))


def edit_parts(run: Path) -> None:
    lines = (run / "parts.csv").read_text().splitlines()
    (run / "parts.csv").write_text("\n".join(lines[:-1]))


@pytest.mark.parametrize(
    ("fault", "named", "error"),
    [
        (edit_weights, r"best\.ckpt: its weights \(digest", DataError),
        (edit_config, r"config\.yaml: section data was changed after the training", ConfigError),
        (edit_manifest, r"manifest\.json: does not agree with best\.ckpt: seed was 7, is 0", DataError),
        (edit_parts, r"parts\.csv: is not the list of parts that best\.ckpt was trained on", DataError),
        (break_manifest, r"manifest\.json: is not the manifest", DataError),
        (break_checkpoint, r"best\.ckpt: is damaged", DataError),
    ],
)
def test_what_was_changed_after_the_training_is_named(
    run: Path, fault: Callable[[Path], None], named: str, error: type[TaktsightError]
) -> None:
    fault(run)
    with pytest.raises(error, match=named):
        open_run(run)


def test_data_set_that_was_moved_is_still_the_same(shop: Path, run: Path, tmp_path: Path) -> None:
    shutil.copytree(shop / "parts", tmp_path / "elsewhere")
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace(str(shop / "parts"), str(tmp_path / "elsewhere")))
    opened = open_run(run)
    assert opened.data.root == tmp_path / "elsewhere"
    assert changed_parts(opened.folder, opened.data) == ()


def test_part_that_changed_since_the_training_is_named_when_evaluating(
    shop: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(shop / "parts", elsewhere)
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace(str(shop / "parts"), str(elsewhere)))
    tested = open_run(run).data.split("test")[0].images[0]
    other = next(path for path in tested.parent.iterdir() if path != tested)
    shutil.copyfile(other, tested)
    assert main(["evaluate", str(run), "--pictures", "0"]) == 0
    name = tested.relative_to(elsewhere).as_posix()
    assert f"changed since the training: 1 changed in test: {name}" in capsys.readouterr().out
    report = (run / "evaluation" / "report.html").read_text()
    assert f"<b>Changed since the training:</b> 1 changed in test: {name}" in report


def test_run_older_than_manifests_can_be_evaluated_and_not_exported(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewritten(run / "best.ckpt", lambda checkpoint: checkpoint.pop("taktsight_manifest"))
    assert open_run(run).manifest is None
    assert main(["export", str(run), "--out", str(tmp_path / "part.taktsight")]) == 2
    assert "nothing says what its weights were made of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("--data.balance=0.1", "config.data was"),
        ("--model.init_args.learning_rate=0.5", "config.model was"),
        ("--seed_everything=3", "seed was 0, is 3"),
    ],
)
def test_resuming_with_another_model_data_or_seed_is_refused_and_not_written_down(
    shop: Path, run: Path, capsys: pytest.CaptureFixture[str], override: str, named: str
) -> None:
    before = (run / "config.yaml").read_bytes()
    assert resume(shop, run, override) == 2
    said = capsys.readouterr().err
    assert "a resumed training goes on as it began" in said
    assert named in said
    assert (run / "config.yaml").read_bytes() == before


def test_resuming_on_other_data_is_refused_and_names_them(
    shop: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shop / "parts", tmp_path / "elsewhere")
    changed = tmp_path / "elsewhere" / "images" / "good" / "000.png"
    shutil.copyfile(changed.with_name("003.png"), changed)
    assert resume(shop, run, f"--data.root={tmp_path / 'elsewhere'}", "--trainer.max_epochs=3") == 1
    assert (
        "the data are no longer those that the training began with: 1 changed in" in capsys.readouterr().err
    )


def test_longer_training_may_be_resumed_and_its_manifest_says_so(shop: Path, run: Path) -> None:
    assert resume(shop, run, "--trainer.max_epochs=3") == 0
    manifest = torch.load(run / "last.ckpt", weights_only=True)["taktsight_manifest"]
    (changed,) = json.loads(manifest)["changed"]
    assert changed.startswith("config.trainer was ")


def test_resumed_in_another_folder_the_best_checkpoint_is_still_the_best(shop: Path, run: Path) -> None:
    """The figure to beat is no figure that can be reached."""

    def unbeatable(checkpoint: Any) -> None:
        (state,) = (
            of for name, of in checkpoint["callbacks"].items() if "'val_figure'" in name and "Check" in name
        )
        for key in ("best_model_score", "kth_value"):
            state[key] = torch.tensor(2.0)
        state["best_k_models"] = {path: torch.tensor(2.0) for path in state["best_k_models"]}

    rewritten(run / "last.ckpt", unbeatable)
    best = (run / "best.ckpt").read_bytes()
    assert resume(shop, run, "--trainer.max_epochs=4") == 0
    assert (run / "best.ckpt").read_bytes() == best


@pytest.mark.parametrize(
    ("callback", "state"),
    [
        ("Timer", {"time_elapsed": {"train": 601.0, "sanity_check": 0.0, "validate": 0.0, "test": 0.0}}),
        ("EarlyStopping", {"wait_count": 19, "best_score": torch.tensor(2.0)}),
    ],
)
def test_time_and_patience_that_were_used_up_before_a_resume_stay_used_up(
    shop: Path, tmp_path: Path, callback: str, state: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    limit = "--trainer.max_time=00:00:10:00"
    assert main(["train", str(shop / "training.yaml"), "--run", str(run), limit]) == 0

    def use_up(checkpoint: Any) -> None:
        (name,) = (name for name in checkpoint["callbacks"] if name.startswith(callback))
        assert state.keys() <= checkpoint["callbacks"][name].keys()
        checkpoint["callbacks"][name] |= state

    rewritten(run / "last.ckpt", use_up)
    assert resume(shop, run, limit, "--trainer.max_epochs=50") == 0
    assert torch.load(run / "last.ckpt", weights_only=True)["epoch"] <= 2  # of 50, counted from 0


def test_full_disk_leaves_the_checkpoint_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"epoch": 1}, file)

    def full(checkpoint: Any, opened: Any) -> None:
        opened.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match=r"last\.ckpt: cannot be written \(No space left on device\)"):
        WholeCheckpoints().save_checkpoint({"epoch": 2}, file)
    monkeypatch.undo()
    assert torch.load(file, weights_only=True) == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_checkpoint_of_another_folder_is_taken_over_whole(tmp_path: Path) -> None:
    old, new = (
        RunCheckpoint(dirpath=tmp_path / name, filename="best", monitor="val_figure") for name in "ab"
    )
    old.best_model_path = str(tmp_path / "a" / "best.ckpt")
    old.best_k_models = {old.best_model_path: torch.tensor(0.5)}
    new.load_state_dict(old.state_dict())
    assert new.best_k_models == {str(tmp_path / "b" / "best.ckpt"): torch.tensor(0.5)}


@pytest.mark.parametrize("end", ["", "2,0.5"])  # a kill may cut the last line short
def test_metrics_of_an_epoch_that_is_trained_again_are_left_out(tmp_path: Path, end: str) -> None:
    (tmp_path / "metrics.csv").write_text(f"epoch,val_loss\n0,3.0\n1,2.0\n2,1.0\n{end}")
    keep_metrics(tmp_path, epochs=2)
    with (tmp_path / "metrics-1.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert not (tmp_path / "metrics.csv").exists()


def test_weights_have_one_digest_in_any_order_layout_or_file() -> None:
    weights = {"b": torch.randn(2, 3, 4, 5), "a": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}
    again = {name: of.clone() for name, of in reversed(weights.items())}
    again["b"] = again["b"].to(memory_format=torch.channels_last)
    assert weights_digest(again) == weights_digest(weights)
    for name, other in (("b", weights["b"] + 1e-7), ("a", torch.tensor(3, dtype=torch.int32))):
        assert weights_digest(weights | {name: other}) != weights_digest(weights)
