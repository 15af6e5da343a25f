"""A training run on disk: what was asked for, what came out.

config.yaml     the resolved configuration
best.ckpt       highest validation figure; evaluated and exported
last.ckpt       newest; resumed from
metrics.csv     every epoch; events.out.tfevents… the same for TensorBoard
evaluation/     report.html, evaluation.json
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser

from taktsight.card import Task
from taktsight.datasets.datamodule import InspectionData
from taktsight.errors import ConfigError
from taktsight.training.modules import Classifier, Segmenter

MODULES: dict[str, type[Segmenter] | type[Classifier]] = {"Segmenter": Segmenter, "Classifier": Classifier}


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A run that can be evaluated and exported."""

    folder: Path
    module: Segmenter | Classifier
    """In evaluation mode, weights of ``best.ckpt``."""
    data: InspectionData
    checkpoint_digest: str
    config_digest: str

    @property
    def task(self) -> Task:
        """What was learned."""
        return "segmentation" if isinstance(self.module, Segmenter) else "classification"


def open_run(folder: Path) -> TrainedRun:
    """The best model of a run and the data it was made from.

    Raises:
        ConfigError: If the folder is not a finished run.
    """
    config_file, checkpoint = folder / "config.yaml", folder / "best.ckpt"
    for file in (config_file, checkpoint):
        if not file.is_file():
            raise ConfigError(f"{file}: is missing; {folder} is no finished run of 'taktsight train'")
    config: dict[str, Any] = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    name = str(config["model"]["class_path"]).rpartition(".")[2]
    if name not in MODULES:
        raise ConfigError(f"{config_file}: model {name!r} is none of {', '.join(MODULES)}")
    module = MODULES[name].load_from_checkpoint(
        checkpoint, map_location="cpu", weights=None, weights_only=True
    )
    return TrainedRun(
        folder,
        module.eval(),
        _open_data(config["data"]),
        hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        hashlib.sha256(config_file.read_bytes()).hexdigest(),
    )


def _open_data(section: dict[str, Any]) -> InspectionData:
    parser = ArgumentParser()
    parser.add_class_arguments(InspectionData, "data")
    data: InspectionData = parser.instantiate_classes(parser.parse_object({"data": section})).data
    return data
