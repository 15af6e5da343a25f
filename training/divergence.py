"""When a training has diverged, and what to say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SMOOTHED_STEPS = 50
"""The loss that is watched is a mean over about so many steps: one odd batch says nothing."""
PATIENCE_STEPS = 200
"""For so many in a row it must be above the limit: the mean remembers a short spike for less."""
WORSE_THAN_NOTHING = 1.5
"""Limit: so many times the loss of an answer that knows nothing …"""
FORGOTTEN = 3.0
"""… or so many times the lowest loss so far, where that is also above the loss of the first steps."""
NAMES_SHOWN = 32


@dataclass
class LossWatch:
    """The smoothed loss of a training against what it should be below."""

    steps: int = 0
    loss: float = 0.0
    """Running mean, from 0; :attr:`smoothed` corrects for that."""
    first: float = math.inf
    """Smoothed loss after the first ``SMOOTHED_STEPS``."""
    lowest: float = math.inf
    """Of the smoothed loss since then."""
    above: int = 0
    """Steps in a row above the limit."""

    @property
    def smoothed(self) -> float:
        """Mean loss of about the last ``SMOOTHED_STEPS``."""
        return self.loss / (1 - (1 - 1 / SMOOTHED_STEPS) ** max(1, self.steps))

    def limit(self, ignorance: float) -> float:
        """What the smoothed loss should be below.

        Args:
            ignorance: the loss of an answer that knows nothing.
        """
        return min(WORSE_THAN_NOTHING * ignorance, max(self.first, FORGOTTEN * self.lowest))

    def see(self, loss: float, ignorance: float) -> bool:
        """Takes the loss of one step; True once the training has diverged."""
        self.steps += 1
        # However far a single loss jumps, the mean must be able to come back.
        capped = min(loss, 2 * WORSE_THAN_NOTHING * ignorance)
        self.loss += (capped - self.loss) / SMOOTHED_STEPS
        if self.steps == SMOOTHED_STEPS:
            self.first = self.smoothed
        if self.steps >= SMOOTHED_STEPS:
            self.lowest = min(self.lowest, self.smoothed)
        self.above = self.above + 1 if self.smoothed > self.limit(ignorance) else 0
        return self.above >= PATIENCE_STEPS


def not_finite(loss: float, *, step: int, epoch: int, names: Sequence[str], before: Sequence[str]) -> str:
    """What to say of a loss that is no number.

    Args:
        loss: nan or inf.
        step: within the epoch, counted from 1.
        epoch: counted from 1.
        names: files of the batch.
        before: files of the batch before: the step along its gradient may have broken the weights.
    """
    said = f"the loss is {loss} at step {step} of epoch {epoch}: the training diverged"
    said += f". In its batch: {_listed(names)}" if names else ""
    return said + (
        f". In the batch before, whose step may be the cause: {_listed(before)}" if before else ""
    )


def not_learning(watch: LossWatch, ignorance: float, epoch: int) -> str:
    """What to say of a loss that stays too high."""
    low = f" after {watch.lowest:.3g} at its lowest" if watch.lowest < watch.smoothed else ""
    return (
        f"the loss is {watch.smoothed:.3g} or more{low}, far too high for {PATIENCE_STEPS} steps up to "
        f"epoch {epoch}: the training diverged. An answer that knows nothing has {ignorance:.3g}"
    )


def advice(learning_rate: float) -> str:
    """What to do, likeliest first."""
    return (
        f"Likeliest first: model.init_args.learning_rate={learning_rate:g} is too high (try a tenth; "
        "--probe says which are borne); masks or labels contradict each other ('taktsight data check' "
        "finds them); the start weights are not of this encoder"
    )


def kept(run: Path) -> str:
    """What is left of the epochs before."""
    files = [name for name in ("best.ckpt", "last.ckpt") if (run / name).is_file()]
    if not files:
        return "No epoch was complete, so no checkpoint was kept"
    return f"Kept in {run}: {' and '.join(files)}, from the epochs before"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
