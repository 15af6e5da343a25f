"""Live progress: the time that a whole training still takes, with its validations and its time limit."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import lightning
import pytest
import torch
from rich.console import Console
from torch.utils.data import DataLoader, TensorDataset

from taktsight.training.progress import Schedule, TrainingProgress, spoken_figures, spoken_time


class Line(lightning.LightningModule):
    """Learns a straight line; takes no time that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: list[torch.Tensor], batch_index: int) -> torch.Tensor:
        loss: torch.Tensor = ((self.layer(batch[0]) - 2.0) ** 2).mean()
        return loss

    def validation_step(self, batch: list[torch.Tensor], batch_index: int) -> None:
        self.log_dict({"val_auroc": 0.75, "val_figure": 0.5, "val_loss": 1.0})

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


def batches(count: int) -> DataLoader[tuple[torch.Tensor, ...]]:
    return DataLoader(TensorDataset(torch.ones(4 * count, 1)), 4)


def clock() -> Iterator[float]:
    """A clock on which each look takes one second."""
    now = 0.0
    while True:
        yield now
        now += 1.0


def trained(console: Console, tmp_path: Path, **asked: object) -> None:
    seconds = clock()
    options: dict[str, object] = {"max_epochs": 4, "check_val_every_n_epoch": 2} | asked
    trainer = lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=tmp_path,
        callbacks=[TrainingProgress(console, lambda: next(seconds))],
        **options,  # type: ignore[arg-type]  # checked by the trainer
    )
    trainer.fit(Line(), batches(5), batches(2))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    import warnings

    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")


@pytest.mark.usefixtures("quiet")
def test_without_a_terminal_every_epoch_leaves_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "taktsight")
    trained(Console(file=io.StringIO(), force_terminal=False), tmp_path)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("taktsight")]
    assert len(lines) == 4
    first, second, third, last = lines
    assert re.fullmatch(r"epoch 1 of 4: loss \d+\.\d{3}, 4 img/s, \d+ s left", first)
    assert "loss" in second
    assert "val AUROC 0.750, 4 img/s" in second
    assert "val AUROC 0.750 (epoch 2)" in third
    assert last.endswith("s in all")
    assert "figure" not in "".join(lines)


@pytest.mark.usefixtures("quiet")
def test_the_time_left_is_what_the_rest_then_takes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "taktsight")
    trained(Console(file=io.StringIO(), force_terminal=False), tmp_path, check_val_every_n_epoch=1)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("taktsight")]
    # 5 batches and a validation of one tick each are to come per epoch.
    assert [re.findall(r"(\d+) s left", line) for line in lines] == [["18"], ["12"], ["6"], []]


@pytest.mark.usefixtures("quiet")
def test_a_time_limit_that_comes_first_is_the_time_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "taktsight")
    trained(
        Console(file=io.StringIO(), force_terminal=False), tmp_path, max_epochs=1000, max_time="00:00:00:02"
    )
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("taktsight")]
    assert re.search(r"[0-2] s left \(max_time\)$", lines[0])
    assert lines[0].startswith("epoch 1 of 1000")


@pytest.mark.usefixtures("quiet")
def test_a_terminal_shows_the_step_and_keeps_the_lines_of_the_epochs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "taktsight")
    screen = io.StringIO()
    trained(Console(file=screen, force_terminal=True, width=120), tmp_path)
    shown = screen.getvalue()
    assert re.search(r"epoch 3 of 4, step 4 of 5: loss \d+\.\d{3}, val AUROC 0.750 \(epoch 2\)", shown)
    assert "━" in shown
    assert re.search(r"epoch 4 of 4: loss .* in all", shown)
    assert caplog.text == ""  # the same line is not said twice


def test_the_rest_is_the_batches_and_the_validations_to_come() -> None:
    schedule = Schedule(batches=100, between_validations=20, validation_batches=6)
    assert schedule.seconds_left(0, 1.0, 10.0) == 100 + 5 * 10
    assert schedule.seconds_left(59, 1.0, 10.0) == 41 + 3 * 10
    assert schedule.seconds_left(60, 1.0, 10.0) == 40 + 2 * 10
    assert schedule.seconds_left(0, 1.0, None) == pytest.approx(100 + 5 * 6 / 3)
    assert schedule.seconds_left(100, 1.0, 10.0) == 0


def test_without_validations_or_without_an_end_the_rest_is_still_a_number() -> None:
    assert Schedule(10, math.inf, 0).seconds_left(4, 2.0, None) == 12
    assert Schedule(math.inf, 5, 1).seconds_left(4, 2.0, None) == math.inf


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (45, "45 s"), (89, "89 s"), (95, "2 min"), (360, "6 min"), (7800, "2 h 10 min")],
)
def test_a_duration_is_said_as_coarsely_as_it_is_known(seconds: float, text: str) -> None:
    assert spoken_time(seconds) == text


def test_figures_are_said_by_the_names_of_the_field() -> None:
    metrics = {
        "val_accuracy": 0.9,
        "val_macro_f1": 0.8,
        "val_figure": 0.8,
        "val_loss": 1.0,
        "train_loss": 2.0,
    }
    assert spoken_figures(metrics) == "val accuracy 0.900, macro-F1 0.800"
    assert spoken_figures({"train_loss": 2.0}) == ""
