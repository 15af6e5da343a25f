"""What a run leaves beside its weights: the configuration, the parts, and the manifest of all of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import yaml
from lightning.pytorch.cli import SaveConfigCallback

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.dataset_card import checked_card
from taktsight.datasets.fingerprints import (
    Prints,
    as_table,
    changes,
    digests_of,
    fingerprints,
    read_table,
    split_digest,
)
from taktsight.datasets.samples import SPLITS
from taktsight.errors import ConfigError, DataError
from taktsight.manifest import Circumstances, Manifest, differences, spoken
from taktsight.source_code import code_digest
from taktsight.training.checkpoints import MANIFEST_KEY, manifest_in, read_checkpoint
from taktsight.training.configuration import config_digests
from taktsight.training.divergence import advice, kept
from taktsight.training.environment import environment_of
from taktsight.training.learner import Learner
from taktsight.training.weights_digest import not_finite, weights_digest
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)

PARTS_FILE = "parts.csv"
MANIFEST_FILE = "manifest.json"
MUST_STAY = ("config.model", "config.data", "data.", "dataset", "parts.", "split", "seed")
"""A training that is resumed with another one of these would be two halves of different trainings."""


class RunRecord(SaveConfigCallback):
    """Writes ``config.yaml`` and ``parts.csv``, and puts a manifest into every checkpoint.

    Comes after what changes the weights of a checkpoint: the manifest names those that are saved.
    """

    _circumstances: Circumstances | None = None

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Says what the training is made of, before a step is taken or a file is replaced.

        Raises:
            ConfigError: If a resumed training was begun with another configuration or seed.
            DataError: If it was begun with other data, or a version of a data set was changed.
        """
        if trainer.is_global_zero:
            run, data = Path(trainer.default_root_dir), _data_of(trainer)
            prints = fingerprints(data.samples, data.root)
            self._circumstances = self._now(trainer, data, prints)
            if self.config.ckpt_path is not None:
                began = manifest_in(read_checkpoint(Path(str(self.config.ckpt_path))))
                self._circumstances = _resumed(run, began, self._circumstances, prints)
            (run / MANIFEST_FILE).unlink(missing_ok=True)  # it is written when the training ends
            with whole_file(run / PARTS_FILE) as file:
                file.write(as_table(prints).encode())
        super().setup(trainer, pl_module, stage)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Adds the manifest.

        Raises:
            DataError: If a weight is no number: the checkpoint of before is kept.
        """
        for state in (checkpoint["state_dict"], checkpoint.get("current_model_state", {})):
            broken = not_finite(state)
            if broken:
                todo = f" {advice(pl_module.learning_rate)}." if isinstance(pl_module, Learner) else ""
                raise DataError(
                    f"{len(broken)} weights are no numbers after epoch {trainer.current_epoch + 1}, the "
                    f"first is {broken[0]}: the training diverged in its last steps.{todo} "
                    f"{kept(Path(trainer.default_root_dir))}"
                )
        if self._circumstances is not None:
            weights = weights_digest(checkpoint["state_dict"])
            manifest = Manifest(**self._circumstances.model_dump(), weights=weights)
            checkpoint[MANIFEST_KEY] = manifest.model_dump_json()

    def _now(self, trainer: lightning.Trainer, data: InspectionData, prints: Prints) -> Circumstances:
        card = checked_card(data.root)
        asked: Mapping[str, Any] = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
        return Circumstances(
            data=digests_of(prints),
            parts={split: len(data.split(split)) for split in SPLITS},
            dataset=None if card is None else card.named,
            split=split_digest(prints),
            config=config_digests(asked),
            code=code_digest(),
            seed=int(self.config.seed_everything),
            environment=environment_of(trainer),
        )


def close_record(run: Path) -> Manifest | None:
    """Writes ``manifest.json``, that of ``best.ckpt``; None where the training kept no model.

    Raises:
        DataError: If ``best.ckpt`` is damaged.
    """
    if not (run / "best.ckpt").is_file():
        return None
    manifest = manifest_in(read_checkpoint(run / "best.ckpt"))
    if manifest is not None:
        with whole_file(run / MANIFEST_FILE) as file:
            file.write(manifest.model_dump_json(indent=1).encode() + b"\n")
    return manifest


def _data_of(trainer: lightning.Trainer) -> InspectionData:
    data = trainer.datamodule  # type: ignore[attr-defined]  # set by a connector
    assert isinstance(data, InspectionData)
    return data


def _resumed(run: Path, began: Manifest | None, now: Circumstances, prints: Prints) -> Circumstances:
    """The circumstances of the rest, which say what is no longer as it was at the beginning."""
    if began is None:
        raise DataError(f"{run}: was begun before runs had a manifest; train again in another folder")
    found = differences(began.model_copy(update={"changed": ()}), now)
    found.pop("weights")
    said = [line for line in spoken(found) if line.startswith(MUST_STAY)]
    if any(line.startswith(("data.", "parts.", "split")) for line in said):
        which = "; ".join(map(str, changes(read_table(run / PARTS_FILE), prints)))
        raise DataError(
            f"{run}: the data are no longer those that the training began with: {which}. Restore them, "
            "or train again in another folder"
        )
    if said:
        raise ConfigError(
            f"{run}: a resumed training goes on as it began, and {'; '.join(said)}. Only trainer.… may "
            "change; leave the other overrides as they were, or train in another folder"
        )
    for line in spoken(found):
        log.warning("resumed under other circumstances: %s", line)
    return now.model_copy(update={"changed": (*began.changed, *spoken(found))})
