"""Both probes of a configuration, and what they mean in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.prepared_split import Crops
from taktsight.errors import ConfigError
from taktsight.training.command_line import prepare_training
from taktsight.training.probes.learning_rate import RangeTest, find_range
from taktsight.training.probes.overfit import Overfit, overfit_one_batch
from taktsight.training.probes.steps import Probed


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found before the training."""

    overfit: Overfit
    rates: RangeTest
    batch: Crops
    """The crops that were to be learned by heart."""
    labels: tuple[str, ...]

    @property
    def overfit_said(self) -> str:
        """The first verdict."""
        tried = self.overfit
        how = "learned by heart" if tried.is_passed else "NOT learned by heart"
        return (
            f"one batch of {tried.crops} crops was {how}: loss {tried.before:.2f} → {tried.after:.2f} in "
            f"{len(tried.losses)} steps, {100 * max(0.0, tried.left):.0f} % of what can be learned is left"
        )

    @property
    def rates_said(self) -> str:
        """The second verdict."""
        found, band = self.rates, self.rates.band
        if band is None:
            return (
                f"learning rate: at none from {found.rates[0]:.2g} to {found.rates[-1]:.2g} did the loss "
                f"fall within {len(found.rates)} steps, so none can be suggested"
            )
        side = "below" if found.configured < band[0] else "above"
        where = f"lies {'within' if found.is_within else side}"
        return (
            f"learning rate: the loss fell fastest at {found.steepest:.2g}; the configured "
            f"{found.configured:.2g} {where} the sensible band of {band[0]:.2g} to {band[1]:.2g}"
        )

    @property
    def advice(self) -> tuple[str, ...]:
        """Where to look, likeliest first; nothing where both probes are content."""
        if self.overfit.is_passed and self.rates.is_within:
            return ()
        if self.overfit.is_passed:
            return () if self.rates.band is None else (self._rate_advice(),)
        return (
            *([self._rate_advice()] if self.rates.band and not self.rates.is_within else []),
            "Labels: do two crops that look alike carry different labels? 'taktsight data check' finds "
            "copies that disagree.",
            "Masks: do the outlines lie on the defects? A shifted or swapped mask asks for what the image "
            "does not show.",
            "Scale: can you see each defect in the crops yourself? A factor or canvas that hides it hides "
            "it from the network too.",
        )

    def _rate_advice(self) -> str:
        return (
            f"Learning rate: try --model.init_args.learning_rate={self.rates.steepest:.2g} and probe again."
        )


def probe(config: Path, run: Path, overrides: list[str]) -> Probe:
    """Probes what ``config`` describes; no checkpoint, log or configuration is written.

    Raises:
        ConfigError: If the configuration is wrong, or its model does not learn step by step from labels.
        DataError: If the data cannot be used.
    """
    training = prepare_training(config, run, overrides)
    module, data = training.model, training.datamodule
    if not isinstance(module, Probed):
        raise ConfigError(f"{config}: {type(module).__name__} cannot be probed; leave --probe out")
    data.setup("fit")
    batch, asked = data.fixed_batch(), training.config.trainer
    frames = batch.images[:, :, :, : data.canvas.channels]  # to be shown without their golden templates
    return Probe(
        overfit_one_batch(module, batch, asked),
        find_range(module, data.train_dataloader(), asked),
        batch._replace(images=frames),
        module.labels,
    )
