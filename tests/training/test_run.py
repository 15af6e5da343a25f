"""One small product from rendered parts to a verified bundle, through the command line."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from taktsight.cli import main
from taktsight.training.weights_digest import weights_digest


def done(workshop: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((workshop / "done.json").read_text())
    return answer


def said(workshop: Path, verb: str) -> str:
    return "".join(text for line, _, text in done(workshop)["verbs"] if line.startswith(verb))


def checkpoint(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def epochs(metrics: Path) -> list[int]:
    with metrics.open(newline="") as file:
        return sorted({int(row["epoch"]) for row in csv.DictReader(file)})


def test_every_verb_from_rendering_to_verifying_succeeds(workshop: Path) -> None:
    failed = {line: text for line, status, text in done(workshop)["verbs"] if status != 0}
    assert failed == {}


def test_no_verb_touches_the_network(workshop: Path) -> None:
    assert done(workshop)["touched"] == []


def test_verbs_say_nothing_of_their_libraries(workshop: Path) -> None:
    for line, _, text in done(workshop)["verbs"]:
        assert "Warning" not in text, line
        # A verified bundle says of itself what it is, one line a fact.
        assert len(text.splitlines()) <= (22 if line.startswith("verify") else 20), line


def test_run_folder_holds_configuration_checkpoints_metrics_and_events(workshop: Path) -> None:
    names = {path.name for path in (workshop / "run").iterdir()}
    assert names >= {"config.yaml", "best.ckpt", "last.ckpt", "metrics.csv", "evaluation"}
    assert any(name.startswith("events.out.tfevents") for name in names)


def test_resolved_configuration_says_what_ran(workshop: Path) -> None:
    config = yaml.safe_load((workshop / "run" / "config.yaml").read_text())
    assert config["trainer"]["max_epochs"] == 3  # the override of the second start
    assert config["model"]["init_args"]["learning_rate"] == 0.001  # a default, written out
    assert config["seed_everything"] == 0


def test_last_checkpoint_is_the_newest_even_where_it_is_not_the_best(workshop: Path) -> None:
    last = checkpoint(workshop / "run" / "last.ckpt")
    assert last["epoch"] == 2
    assert last["global_step"] == 12  # three epochs of 38 tiles in batches of 8


def test_resumed_training_goes_on_where_it_stopped(workshop: Path) -> None:
    assert epochs(workshop / "run" / "metrics-1.csv") == [0, 1]
    assert epochs(workshop / "run" / "metrics.csv") == [2]


def test_each_epoch_line_gives_the_figures_of_its_own_epoch(workshop: Path) -> None:
    with (workshop / "run" / "metrics-1.csv").open(newline="") as file:
        figures = [float(row["val_auroc"]) for row in csv.DictReader(file) if row["val_auroc"]]
    lines = [
        line for line in said(workshop, "train training.yaml --run run").splitlines() if " of 2:" in line
    ]
    assert [f"val AUROC {figure:.3f}" in line for figure, line in zip(figures, lines, strict=True)] == [
        True,
        True,
    ]
    assert all(re.search(r": loss \d\.\d{3}, .* img/s, ", line) for line in lines)


def test_override_beats_the_file(workshop: Path) -> None:
    assert epochs(workshop / "twin" / "metrics.csv") == [0]


def test_evaluation_writes_a_report_for_people_and_one_for_programs(workshop: Path) -> None:
    folder = workshop / "run" / "evaluation"
    assert "<html" in (folder / "report.html").read_text()[:200]
    evaluation = json.loads((folder / "evaluation.json").read_text())
    weights = weights_digest(checkpoint(workshop / "run" / "best.ckpt")["state_dict"])
    assert evaluation["subject"]["digests"]["weights"] == weights


def test_evaluation_writes_the_true_defects_for_a_curve_of_detection(workshop: Path) -> None:
    folder = workshop / "run" / "evaluation"
    evaluation = json.loads((folder / "evaluation.json").read_text())["figures"]
    with (folder / "targets.csv").open(newline="") as file:
        targets = list(csv.DictReader(file))
    defects = [row for row in targets if row["label"]]
    by_size = [row for row in evaluation["by_size"] if row["label"] is None]
    assert sum(row["hit"] == "1" for row in defects) == sum(row["found"]["events"] for row in by_size)
    assert len(defects) == sum(row["found"]["parts"] for row in by_size)
    assert all(float(row["size_mm"]) > 0 for row in defects)
    assert len(targets) - len(defects) == evaluation["overkill"]["parts"]  # good parts, of size 0


def test_same_seed_gives_the_same_weights_in_another_process(in_workshop: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", "training.yaml", "--run", str(run), "--trainer.max_epochs=1"]
    assert main(arguments) == 0
    again, first = (checkpoint(path / "last.ckpt")["state_dict"] for path in (run, in_workshop / "twin"))
    assert weights_digest(again) == weights_digest(first)


def test_another_seed_gives_other_weights(in_workshop: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [
        "train",
        "training.yaml",
        "--run",
        str(run),
        "--trainer.max_epochs=1",
        "--seed_everything=7",
    ]
    assert main(arguments) == 0
    again, first = (checkpoint(path / "last.ckpt")["state_dict"] for path in (run, in_workshop / "twin"))
    assert weights_digest(again) != weights_digest(first)


def test_resuming_a_folder_without_a_run_is_refused(
    in_workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "training.yaml", "--run", str(tmp_path), "--resume"]) == 2
    assert "last.ckpt: there is nothing to resume from" in capsys.readouterr().err
