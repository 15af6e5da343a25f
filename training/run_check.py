"""Does a run folder still hold what was trained? Whatever was changed since is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.fingerprints import Change, changes, digests_of, fingerprints, read_table
from taktsight.errors import ConfigError, DataError
from taktsight.manifest import Manifest, differences, spoken
from taktsight.training.configuration import config_digests
from taktsight.training.run_record import MANIFEST_FILE, PARTS_FILE

NEEDED = ("model", "data")
"""Sections that the weights are read with. A resumed training may have another ``trainer``."""


def check_record(folder: Path, config: Mapping[str, Any], manifest: Manifest) -> None:
    """Compares the files of a run with the manifest in its checkpoint.

    Args:
        folder: the run.
        config: what stands in its ``config.yaml``.
        manifest: that of ``best.ckpt``.

    Raises:
        ConfigError: If ``config.yaml`` was changed.
        DataError: If ``manifest.json`` or ``parts.csv`` is about other weights or was changed.
    """
    found = config_digests(config)
    changed = [section for section in NEEDED if found[section] != manifest.config[section]]
    if changed:
        raise ConfigError(
            f"{folder / 'config.yaml'}: section {' and '.join(changed)} was changed after the training: "
            "the weights were not made with it. Restore the file, or train again"
        )
    file = folder / MANIFEST_FILE
    if file.is_file():
        said = spoken(differences(_manifest(file), manifest))
        if said:
            raise DataError(
                f"{file}: does not agree with best.ckpt: {'; '.join(said)}. One of the two is of another "
                "training: restore it, or train again"
            )
    if digests_of(read_table(folder / PARTS_FILE)) != manifest.data:
        raise DataError(
            f"{folder / PARTS_FILE}: is not the list of parts that best.ckpt was trained on; restore it, "
            "or train again"
        )


def changed_parts(folder: Path, data: InspectionData) -> tuple[Change, ...]:
    """What became of the data set since the training, split by split; nothing where it is the same.

    Raises:
        DataError: If a file of the data set cannot be read.
    """
    return changes(read_table(folder / PARTS_FILE), fingerprints(data.samples, data.root))


def _manifest(file: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise DataError(
            f"{file}: is not the manifest of a training ({error.error_count()} mistakes); restore it, "
            "or train again"
        ) from error
