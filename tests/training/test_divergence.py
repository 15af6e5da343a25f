"""A training that diverges stops with a reason and a way out; what was good is kept."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import timm
import torch

from taktsight.cli import main
from taktsight.training.classifier import Classifier
from taktsight.training.divergence import FORGOTTEN, PATIENCE_STEPS, SMOOTHED_STEPS, LossWatch
from taktsight.training.learner import Learner
from taktsight.training.map_learner import MapLearner
from taktsight.training.run_folder import MODULES

from .spots import SEGMENTER, make_parts

KNOWS_NOTHING = 7.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("divergence")
    make_parts(folder / "parts", 30, masks=True)
    text = SEGMENTER.format(root=folder / "parts", batch=4, epochs=80)
    (folder / "training.yaml").write_text(text)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def train(shop: Path, run: Path, *overrides: str) -> int:
    return main(["train", str(shop / "training.yaml"), "--run", str(run), *overrides])


def steps_until_stopped(losses: list[float]) -> int | None:
    watch = LossWatch()
    for step, loss in enumerate(losses, start=1):
        if watch.see(loss, KNOWS_NOTHING):
            return step
    return None


def test_every_model_that_learns_by_steps_is_watched() -> None:
    learners = [model for model in MODULES.values() if issubclass(model, Learner)]
    assert len(learners) == 4
    assert all(issubclass(model, MapLearner | Classifier) for model in learners)


def test_loss_that_falls_is_left_alone() -> None:
    assert steps_until_stopped([3.0 * 0.99**step for step in range(2000)]) is None


def test_loss_that_jumps_from_batch_to_batch_is_left_alone() -> None:
    """One batch in twenty shows a defect and has ten times the loss of the others."""
    falling = [0.5 + 2.5 * math.exp(-step / 300) for step in range(3000)]
    assert (
        steps_until_stopped([of * (10 if step % 20 == 0 else 1) for step, of in enumerate(falling)]) is None
    )


@pytest.mark.parametrize(("height", "steps"), [(1e30, 1), (20.0, 50)])
def test_spike_is_left_alone(height: float, steps: int) -> None:
    assert steps_until_stopped([1.0] * 200 + [height] * steps + [1.0] * 500) is None


def test_loss_far_above_that_of_knowing_nothing_stops_the_training() -> None:
    stopped = steps_until_stopped([3.0] + [1000.0] * 500)
    assert stopped is not None
    assert PATIENCE_STEPS <= stopped <= PATIENCE_STEPS + SMOOTHED_STEPS


def test_loss_that_forgets_all_it_had_learned_stops_the_training() -> None:
    learned = [3.0] * SMOOTHED_STEPS + [0.5] * 400
    assert (
        steps_until_stopped([*learned, *[0.5 * FORGOTTEN + 0.2] * 1000]) is None
    )  # not as bad as at first
    stopped = steps_until_stopped([*learned, *[3.5] * 1000])
    assert stopped is not None
    assert stopped - len(learned) < 4 * SMOOTHED_STEPS + PATIENCE_STEPS


@pytest.mark.parametrize(
    ("rate", "what"),
    [(100, "or more, far too high for 200 steps|at its lowest, far too"), (1e6, "no number|nan")],
)
def test_absurd_learning_rate_stops_with_reason_and_way_out(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: float, what: str
) -> None:
    run = tmp_path / "run"
    assert train(shop, run, f"--model.init_args.learning_rate={rate}") == 1
    said = capsys.readouterr().err
    assert re.search(what, said)
    assert "the training diverged" in said
    assert f"Likeliest first: model.init_args.learning_rate={rate:g} is too high (try a tenth" in said
    assert "Kept in " in said or "no checkpoint was kept" in said
    for name in ("best.ckpt", "last.ckpt"):
        if name in said:
            state = torch.load(run / name, weights_only=True)["state_dict"]
            assert all(bool(torch.isfinite(tensor).all()) for tensor in state.values())


def test_loss_that_is_no_number_names_the_files_of_its_batch(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_loss = Learner.log_loss

    def broken(self: Learner, loss: torch.Tensor, batch: object, step: int) -> torch.Tensor:
        bad = loss * math.nan if (self.current_epoch, step) == (1, 2) else loss
        return log_loss(self, bad, batch, step)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(Learner, "log_loss", broken)
    assert train(shop, tmp_path / "run") == 1
    said = capsys.readouterr().err
    assert "the loss is nan at step 3 of epoch 2: the training diverged" in said
    batch, before = said.split("In its batch: ")[1].split(
        "In the batch before, whose step may be the cause: "
    )
    for names in (batch, before.split(". Likeliest")[0]):
        files = names.strip(". ").split(", ")
        assert len(files) == 4
        assert all((shop / "parts" / file).is_file() for file in files)
    assert "Kept in " in said
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["epoch"] == 0


def test_weights_that_are_no_numbers_are_not_saved(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step along the last gradient of all breaks them: no loss is computed after it."""
    log_loss = Learner.log_loss

    def exploding(self: Learner, loss: torch.Tensor, batch: object, step: int) -> torch.Tensor:
        batches, epochs = self.trainer.num_training_batches, self.trainer.max_epochs or 0
        last = (self.current_epoch + 1, step + 1) == (epochs, batches)
        logged = log_loss(self, loss, batch, step)  # type: ignore[arg-type]  # handed through
        return logged * math.nan if last else logged

    monkeypatch.setattr(Learner, "log_loss", exploding)
    assert train(shop, tmp_path / "run", "--trainer.max_epochs=2") == 1
    assert "weights are no numbers after epoch 2, the first is network." in capsys.readouterr().err
    kept = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert kept["epoch"] == 0
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept["current_model_state"].values())


def test_damaged_start_weights_are_named_before_the_first_step(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = timm.create_model("test_efficientnet", pretrained=False).state_dict()
    state["conv_stem.weight"][0, 0] = math.nan
    torch.save(state, tmp_path / "start.pth")
    assert train(shop, tmp_path / "run", f"--model.init_args.weights={tmp_path / 'start.pth'}") == 1
    said = capsys.readouterr().err
    assert f"weights: {tmp_path / 'start.pth'} is damaged" in said
    assert "the first is conv_stem.weight" in said
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_state_of_the_watch_goes_on_after_a_resume() -> None:
    from taktsight.training.loss_watching import Divergence

    watch, resumed = Divergence(), Divergence()
    watch._watch.see(3.0, KNOWS_NOTHING)
    watch._ignorance = KNOWS_NOTHING
    resumed.load_state_dict(watch.state_dict())
    assert resumed._watch == watch._watch
    assert resumed._ignorance == KNOWS_NOTHING
