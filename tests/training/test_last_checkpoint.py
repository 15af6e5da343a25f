"""``last.ckpt``: there after the first epoch and after the last, and seldom enough to cost little."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch.callbacks import ModelCheckpoint

from taktsight.training.last_checkpoint import LARGEST_SHARE, LastCheckpoint

EPOCH_S, SAVING_S = 1.0, 0.3


def saved_after(
    epochs: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    epoch_s: float,
    stopped_in: int | None = None,
) -> list[int]:
    """The epochs after which something was saved, by a clock that only training and saving move."""
    now, saved = [0.0], []

    def save(_: Any, trainer: Any, __: Any) -> None:
        saved.append(trainer.current_epoch)
        now[0] += SAVING_S

    monkeypatch.setattr(ModelCheckpoint, "on_train_epoch_end", save)
    callback = LastCheckpoint(folder, clock=lambda: now[0])
    for epoch in range(epochs):
        now[0] += epoch_s
        trainer: Any = SimpleNamespace(
            current_epoch=epoch, max_epochs=epochs, should_stop=epoch == stopped_in
        )
        callback.on_train_epoch_end(trainer, trainer)
        if epoch == stopped_in:
            break
    return saved


def test_epochs_of_a_second_are_not_all_saved_but_the_first_and_the_last_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = saved_after(20, tmp_path, monkeypatch, epoch_s=EPOCH_S)
    assert saved == [0, 7, 14, 19]
    assert len(saved[:-1]) * SAVING_S <= 2 * LARGEST_SHARE * 20 * EPOCH_S


def test_epochs_of_a_minute_are_all_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved_after(5, tmp_path, monkeypatch, epoch_s=60.0) == [0, 1, 2, 3, 4]


def test_a_training_that_is_stopped_saves_where_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert saved_after(20, tmp_path, monkeypatch, epoch_s=EPOCH_S, stopped_in=3) == [0, 3]
