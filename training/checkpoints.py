"""Checkpoints on the disk: whole or not at all, and good for a run whose folder was moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from taktsight.errors import DataError
from taktsight.manifest import Manifest
from taktsight.training.weights import UNREADABLE
from taktsight.training.weights_digest import weights_digest
from taktsight.whole_files import whole_file

MANIFEST_KEY = "taktsight_manifest"


class WholeCheckpoints(TorchCheckpointIO):
    """A kill or a power cut while it writes leaves the checkpoint of before."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Writes beside ``path``, then takes its place.

        Raises:
            DataError: If the disk is full or cannot be written.
        """
        try:
            with whole_file(Path(path)) as file:
                torch.save(checkpoint, file)
        except OSError as error:
            raise DataError(
                f"{path}: cannot be written ({error.strerror}); the checkpoint of before is still there. "
                "Make room and go on with --resume"
            ) from error


class RunCheckpoint(ModelCheckpoint):
    """Remembers the best figure where Lightning forgets it: after the run's folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes the state over, with this folder in the place of the one it was written in."""
        old, new = str(state_dict["dirpath"]), str(self.dirpath)

        def moved(value: Any) -> Any:
            if isinstance(value, str):
                return value.replace(old, new, 1) if value.startswith(old) else value
            if isinstance(value, Mapping):
                return {moved(key): moved(of) for key, of in value.items()}
            return value

        super().load_state_dict(moved(state_dict))


def read_checkpoint(file: Path) -> dict[str, Any]:
    """A checkpoint, on the CPU, whose weights are those that its manifest names.

    Raises:
        DataError: If it is damaged, or its weights were changed after they were trained.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if not isinstance(checkpoint, dict):
            raise ValueError("holds no checkpoint")
        state = checkpoint["state_dict"]
        manifest = manifest_in(checkpoint)
    except UNREADABLE as error:
        raise DataError(f"{file}: is damaged, nothing can be read from it; train again") from error
    found = weights_digest(state)
    if manifest is not None and manifest.weights != found:
        raise DataError(
            f"{file}: its weights (digest {found:.12}…) are not those that were trained (its manifest says "
            f"{manifest.weights:.12}…); restore the file, or train again"
        )
    return checkpoint


def manifest_in(checkpoint: Mapping[str, Any]) -> Manifest | None:
    """What a checkpoint says that it was made of; None in one that is older than manifests.

    Raises:
        ValueError: If it is something else than a manifest.
    """
    text = checkpoint.get(MANIFEST_KEY)
    return None if text is None else Manifest.model_validate_json(text)
