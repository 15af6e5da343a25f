"""A training run on disk: what was asked for, what came out.

config.yaml     the resolved configuration
best.ckpt       highest validation figure; evaluated and exported
last.ckpt       newest; resumed from
metrics.csv     every epoch since the last start, metrics-1.csv … before it; events.out.tfevents… the same
parts.csv       every part with its split and its digest
manifest.json   what best.ckpt was made of; it is in each checkpoint, too
evaluation/     report.html, evaluation.json
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from taktsight.card import Task
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.learn_from import ANOMALY
from taktsight.errors import ConfigError, DataError
from taktsight.manifest import Manifest
from taktsight.training.anomalib_model import AnomalibDetector
from taktsight.training.anomaly_detector import AnomalyDetector
from taktsight.training.anomaly_segmenter import AnomalySegmenter
from taktsight.training.checkpoints import manifest_in, read_checkpoint
from taktsight.training.classifier import Classifier
from taktsight.training.comparer import Comparer
from taktsight.training.configuration import config_digests
from taktsight.training.run_check import check_record
from taktsight.training.segmenter import Segmenter
from taktsight.training.weights import UNREADABLE
from taktsight.training.weights_digest import weights_digest

Model = Segmenter | Comparer | Classifier | AnomalyDetector | AnomalibDetector
MODULES: dict[str, type[Model]] = {
    "Segmenter": Segmenter,
    "Comparer": Comparer,
    "Classifier": Classifier,
    "AnomalyDetector": AnomalyDetector,
    "AnomalySegmenter": AnomalySegmenter,
    "AnomalibDetector": AnomalibDetector,
}


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A run that can be evaluated and exported."""

    folder: Path
    module: Model
    """In evaluation mode, weights of ``best.ckpt``."""
    data: InspectionData
    weights_digest: str
    manifest: Manifest | None
    """What the weights were made of; None of a run that is older than manifests."""

    @property
    def task(self) -> Task:
        """What was learned."""
        if isinstance(self.module, Classifier):
            return "classification"
        if isinstance(self.module, Comparer):
            return "comparison"
        return "anomaly" if self.module.labels == (ANOMALY,) else "segmentation"


def open_run(folder: Path) -> TrainedRun:
    """The best model of a run and the data it was made from.

    Raises:
        ConfigError: If the folder is not a finished run, or its configuration no longer fits.
        DataError: If the checkpoint is damaged or does not agree with its manifest, or the data cannot be
            used.
    """
    config_file, checkpoint = folder / "config.yaml", folder / "best.ckpt"
    for file in (config_file, checkpoint):
        if not file.is_file():
            raise ConfigError(f"{file}: is missing; {folder} is no finished run of 'taktsight train'")
    config = _read_config(config_file)
    name = str(config["model"]["class_path"]).rpartition(".")[2]
    if name not in MODULES:
        raise ConfigError(f"{config_file}: model {name!r} is none of {', '.join(MODULES)}")
    read = read_checkpoint(checkpoint)
    manifest = manifest_in(read)
    with warnings.catch_warnings():
        # What Lightning and we call in jsonargparse was renamed in 4.53; older ones know the old name only.
        warnings.simplefilter("ignore", DeprecationWarning)
        module, opened = _load(MODULES[name], checkpoint), _open_data(config_file, config)
    if manifest is not None:  # a key that nobody knows was named by now
        check_record(folder, config, manifest)
    return TrainedRun(folder, module.eval(), opened, weights_digest(read["state_dict"]), manifest)


def _read_config(file: Path) -> dict[str, Any]:
    """All of it, once its sections are known to be there."""
    try:
        config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        config_digests(config)
        config["model"]["class_path"]
        return config
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: is not the configuration of a training; train again") from error


def _load(module: type[Model], checkpoint: Path) -> Model:
    try:
        if module is AnomalibDetector:  # has no weights but anomalib's, which the checkpoint holds
            return module.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
        return module.load_from_checkpoint(checkpoint, map_location="cpu", weights=None, weights_only=True)
    except UNREADABLE as error:
        raise DataError(f"{checkpoint}: is damaged or of another network; train again") from error


def _open_data(config_file: Path, config: dict[str, Any]) -> InspectionData:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(InspectionData, "data")
    try:
        parsed = parser.parse_object({"data": config["data"]})
    except ArgumentError as error:
        raise ConfigError(f"{config_file}: {error}") from error
    data: InspectionData = parser.instantiate_classes(parsed).data
    return data
