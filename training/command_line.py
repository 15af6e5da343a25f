"""LightningCLI with our data, our callbacks and a run folder."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from rich.console import Console

from taktsight.datasets.datamodule import InspectionData
from taktsight.errors import ConfigError, DataError, TaktsightError
from taktsight.manifest import Manifest
from taktsight.training.averaging import MeanWeights
from taktsight.training.checkpoints import RunCheckpoint, WholeCheckpoints, read_checkpoint
from taktsight.training.comparer import Comparer
from taktsight.training.last_checkpoint import LastCheckpoint
from taktsight.training.loss_watching import Divergence
from taktsight.training.machine import fast_precision
from taktsight.training.metrics_files import keep_metrics
from taktsight.training.progress import TrainingProgress
from taktsight.training.run_record import RunRecord, close_record
from taktsight.training.step_chance import StepChance
from taktsight.whole_files import remove_partial


class TrainingCLI(LightningCLI):
    """What the data know is not a setting: labels and channels go from the data to the model."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Links the data to the model and sets the random seed."""
        parser.set_defaults({"seed_everything": 0})
        parser.link_arguments("data", "model.init_args.labels", _labels, apply_on="instantiate")
        parser.link_arguments("data", "model.init_args.channels", _channels, apply_on="instantiate")

    def _parse_ckpt_path(self) -> None:
        """Nothing: Lightning would silently put the checkpoint's arguments in place of those asked for."""

    def instantiate_classes(self) -> None:
        """Builds data, model and trainer; what they refuse is a mistake in the configuration.

        Raises:
            TaktsightError: As the data or the model raised it; the parser wraps it in its own error.
            ConfigError: If a value is refused by anybody else, or a model that compares gets no golden
                templates, or another one does.
        """
        try:
            super().instantiate_classes()
        except (ValueError, TypeError, MisconfigurationException) as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, TaktsightError):
                cause = cause.__cause__
            if cause is not None:
                raise cause from None
            raise ConfigError(_in_short(error)) from error
        compares = isinstance(self.model, Comparer)
        if compares != self.datamodule.canvas.paired:
            wanted = "true" if compares else "false, or train a Comparer"
            raise ConfigError(
                f"data.canvas.paired is {str(not compares).lower()}, and the model is a "
                f"{type(self.model).__name__}: set it to {wanted}"
            )

    def instantiate_trainer(self, **kwargs: Any) -> lightning.Trainer:
        """A trainer whose every draw is seeded and whose checkpoints are whole.

        Raises:
            ConfigError: If there is no seed.
        """
        seed = self._get(self.config, "seed_everything")
        if isinstance(seed, bool) or seed < 0:
            raise ConfigError(
                f"seed_everything must be a number from 0, got {seed}: nothing could be repeated"
            )
        # The data module shares the tiles among the processes itself.
        trainer = super().instantiate_trainer(use_distributed_sampler=False, **kwargs)
        trainer.callbacks.insert(0, StepChance(seed))  # type: ignore[attr-defined]  # set by a connector
        trainer.strategy.checkpoint_io = WholeCheckpoints()
        return trainer


def train(config: Path, run: Path, *, resume: bool, overrides: list[str]) -> Manifest | None:
    """Trains what ``config`` describes into the folder ``run``.

    Args:
        config: LightningCLI YAML: model (class_path), data, trainer.
        run: the run folder; see :mod:`taktsight.training.run_folder`.
        resume: go on from ``last.ckpt``.
        overrides: ``--trainer.max_epochs=5`` and the like.

    Returns:
        What the model that was kept is made of; None in all processes but the first, and where the
        training ended before its first validation.

    Raises:
        ConfigError: If a key is unknown, missing or has a value that nobody takes.
        DataError: If the data or ``last.ckpt`` cannot be used, or the training diverged, or
            ended before a validation.
    """
    arguments = ["fit", "--config", str(config), *overrides]
    if resume:
        epochs = int(read_checkpoint(run / "last.ckpt")["epoch"]) + 1
        arguments += ["--ckpt_path", str(run / "last.ckpt")]
        keep_metrics(run, epochs)
        for name in ("best.ckpt", "last.ckpt"):
            remove_partial(run / name)
    training = _open_cli(config, run, arguments, starts=True)
    if not (run / "best.ckpt").is_file():
        raise DataError(
            f"{run}: the training ended before its first validation, and no epoch was found best. Raise "
            "trainer.max_time, or lower trainer.check_val_every_n_epoch; --resume goes on from last.ckpt"
        )
    return close_record(run) if training.trainer.is_global_zero else None


def prepare_training(config: Path, run: Path, overrides: list[str]) -> TrainingCLI:
    """Model, data and trainer as :func:`train` would start with them; nothing is started or written.

    Raises:
        ConfigError: If a key is unknown, missing or has a value that nobody takes.
        DataError: If the data cannot be used.
    """
    return _open_cli(config, run, ["--config", str(config), *overrides], starts=False)


def _open_cli(config: Path, run: Path, arguments: list[str], *, starts: bool) -> TrainingCLI:
    _quieten()
    # Determinism would also overwrite every fresh tensor with NaN: a check for PyTorch's developers.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set at run time
    no_exit = {"exit_on_error": False}
    try:
        return TrainingCLI(
            datamodule_class=InspectionData,
            model_class=lightning.LightningModule,
            subclass_mode_model=True,
            args=arguments,
            run=starts,
            trainer_defaults=_trainer_defaults(run),
            save_config_kwargs={"overwrite": True},
            save_config_callback=RunRecord,
            parser_kwargs={**no_exit, "fit": no_exit} if starts else no_exit,
        )
    except ArgumentError as error:
        raise ConfigError(f"{config}: {_in_short(error)}") from error
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error


def _trainer_defaults(run: Path) -> dict[str, Any]:
    run.mkdir(parents=True, exist_ok=True)
    folder = {"save_dir": str(run), "name": "", "version": ""}
    return {
        "default_root_dir": str(run),
        "precision": fast_precision(),
        "deterministic": "warn",
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,  # ours knows how long the whole training takes
        "enable_model_summary": False,
        "logger": [
            {"class_path": f"lightning.pytorch.loggers.{name}", "init_args": folder}
            for name in ("CSVLogger", "TensorBoardLogger")
        ],
        "callbacks": [
            TrainingProgress(Console(stderr=True)),
            MeanWeights(),
            Divergence(),
            RunCheckpoint(
                dirpath=run,
                filename="best",
                monitor="val_figure",
                mode="max",
                enable_version_counter=False,
            ),
            # save_last would copy the best one: what came after it would be lost with the power.
            LastCheckpoint(run),
            EarlyStopping(monitor="val_figure", mode="max", patience=20),
        ],
    }


def _in_short(error: Exception) -> str:
    """The parser's message without the Python types and sections that it tried."""
    said = (line.strip(" -") for line in str(error).splitlines())
    dull = (
        "Does not validate against any",
        "Subtypes:",
        "Errors:",
        "Expected a <class 'NoneType",
        "Given value type",
    )
    sections = ("Given value: {", "Given value: Namespace")
    return " ".join(line for line in said if line and not line.startswith(dull + sections))


def _quieten() -> None:
    """Lightning's advertisements and remarks on itself; what it says of the training stays."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter is intended")
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # the cache is faster
    warnings.filterwarnings("ignore", message=".*configure_optimizers. returned .None.")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", message="Experiment logs directory .* exists")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"lightning\.pytorch\.cli")


def _labels(data: InspectionData) -> tuple[str, ...]:
    return data.labels


def _channels(data: InspectionData) -> int:
    return data.canvas.channels
