"""How a training goes while it goes: epoch, loss, newest validation figures, time left of all of it."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, Timer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text
from torch import Tensor

log = logging.getLogger(__name__)

NAMES = {"auroc": "AUROC", "f1": "pixel F1", "macro_f1": "macro-F1"}
"""What is logged as ``val_…``, as a person says it; other figures keep their name."""
LEFT_OUT = ("val_loss", "val_figure")
FORWARD_SHARE = 1 / 3
"""A batch of a validation that nobody has timed yet ÷ a batch of training: it has no backward pass."""
REFRESH_SECONDS = 0.2
BATCHES_TIMED = 20
"""At least so many of the last batches make the pace; an epoch where it has more."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much there is to do, counted in training batches."""

    batches: float
    """Of the whole training; infinite where only the time ends it."""
    between_validations: float
    """Batches from one validation to the next; infinite where there is none."""
    validation_batches: int

    @classmethod
    def of(cls, trainer: lightning.Trainer) -> Schedule:
        """What the trainer is going to do, once its loaders are known."""
        epochs = math.inf if trainer.max_epochs in (None, -1) else float(trainer.max_epochs or 0)
        steps = math.inf if trainer.max_steps == -1 else float(trainer.max_steps)
        between = (trainer.val_check_batch or math.inf) * (trainer.check_val_every_n_epoch or 1)
        return cls(
            min(epochs * trainer.num_training_batches, steps * trainer.accumulate_grad_batches),
            between if trainer.enable_validation else math.inf,
            int(sum(trainer.num_val_batches)),
        )

    def seconds_left(self, done: int, batch_seconds: float, validation_seconds: float | None) -> float:
        """Time that the rest takes at this pace; infinite where nothing but the time ends it.

        Args:
            done: batches trained so far, those before a resume included.
            batch_seconds: one batch, with its share of what happens between epochs.
            validation_seconds: one whole validation; None before the first one.
        """
        if math.isinf(self.batches):
            return math.inf
        if validation_seconds is None:
            validation_seconds = self.validation_batches * batch_seconds * FORWARD_SHARE
        to_come = self.batches // self.between_validations - done // self.between_validations
        return (self.batches - done) * batch_seconds + to_come * validation_seconds


class TrainingProgress(Callback):
    """A bar with its line on a terminal; without one, a line in the log after every epoch.

    Args:
        console: where the bar would stand.
        clock: seconds that never go back.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live: Live | None = None
        self._began = self._last = self._shown = clock()
        self._pace: deque[tuple[float, int]] = deque(maxlen=BATCHES_TIMED)
        self._validation_seconds: float | None = None
        self._figures, self._figures_epoch = "", 0
        self._loss: Tensor | float = 0.0
        self._done = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Starts the clock and, on a terminal, the bar."""
        self._schedule = Schedule.of(trainer)
        self._pace = deque(maxlen=max(BATCHES_TIMED, int(trainer.num_training_batches)))
        self._began = self._last = self._clock()
        if self._console.is_terminal and trainer.is_global_zero:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Forgets the loss of the epoch before."""
        self._loss = 0.0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Times the batch, from the end of the one before: loading counts."""
        now = self._clock()
        self._pace.append((now - self._last, len(batch[0]) * trainer.world_size))
        self._last = now
        self._done = trainer.current_epoch * int(trainer.num_training_batches) + batch_idx + 1
        if outputs:  # stays on its device: reading it would make the GPU wait at every step
            self._loss = self._loss + outputs["loss"].detach()
        if self._live is not None and now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            step = f", step {batch_idx + 1} of {trainer.num_training_batches}"
            self._live.update(self._bar(self._line(trainer, step, batch_idx + 1)), refresh=True)

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Starts to time it."""
        self._last = self._clock()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keeps its figures and how long it took."""
        now = self._clock()
        self._validation_seconds, self._last = now - self._last, now
        self._figures_epoch = trainer.current_epoch
        self._figures = spoken_figures({key: float(of) for key, of in trainer.callback_metrics.items()})

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leaves a line for the epoch: its validation ends before its training does."""
        if not trainer.is_global_zero:
            return
        line = self._line(trainer, "", int(trainer.num_training_batches))
        if self._live is None:
            log.info("%s", line)
        else:
            self._console.print(line, highlight=False)
            self._live.update(self._bar(line), refresh=True)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Takes the bar away; the lines of the epochs stay."""
        self._stop()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Gives the terminal back before the message is printed."""
        self._stop()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self, trainer: lightning.Trainer, step: str, batches: int) -> str:
        """Where the training stands; ``batches`` of this epoch went into the loss."""
        epochs = "" if trainer.max_epochs in (None, -1) else f" of {trainer.max_epochs}"
        said = [f"loss {float(self._loss) / batches:.3f}"] if isinstance(self._loss, Tensor) else []
        if self._figures:
            is_old = self._figures_epoch != trainer.current_epoch
            said.append(self._figures + (f" (epoch {self._figures_epoch + 1})" if is_old else ""))
        seconds, images = (sum(column) for column in zip(*self._pace, strict=True))
        said += [f"{images / max(seconds, 1e-9):.0f} img/s", self._time_left(trainer, seconds)]
        return f"epoch {trainer.current_epoch + 1}{epochs}{step}: " + ", ".join(said)

    def _time_left(self, trainer: lightning.Trainer, seconds: float) -> str:
        if self._done >= self._schedule.batches:
            return f"{spoken_time(self._clock() - self._began)} in all"
        per_batch = seconds / len(self._pace)
        left = self._schedule.seconds_left(self._done, per_batch, self._validation_seconds)
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # set by a connector
        limit = min((_remaining(timer) for timer in callbacks if isinstance(timer, Timer)), default=left)
        if limit < left:
            return f"{spoken_time(max(0.0, limit))} left (max_time)"
        return f"{spoken_time(left)} left" if math.isfinite(left) else "no end set"

    def _bar(self, line: str) -> Group:
        whole = self._schedule.batches
        total = whole if math.isfinite(whole) else None
        return Group(Text(line), ProgressBar(total, self._done, pulse=total is None))


def _remaining(timer: Timer) -> float:
    seconds = timer.time_remaining()
    return math.inf if seconds is None else seconds


def spoken_figures(metrics: dict[str, float]) -> str:
    """The validation figures of a training, as a line says them: "val AUROC 0.930, pixel F1 0.512".

    The loss and the figure that picks the checkpoint, which is made of the others, are left out.
    """
    names = [key for key in sorted(metrics) if key.startswith("val_") and key not in LEFT_OUT]
    figures = [f"{NAMES.get(key[4:], key[4:])} {metrics[key]:.3f}" for key in names]
    return "val " + ", ".join(figures) if figures else ""


def spoken_time(seconds: float) -> str:
    """A duration as coarse as it is uncertain: "45 s", "6 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
