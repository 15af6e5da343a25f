"""Parts that certify a network are none that it was trained on, by the lineage of its data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taktsight.card import Card
from taktsight.datasets.dataset_card import checked_card, lineage_rows, read_card
from taktsight.datasets.samples import Sample
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import read_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.manifest import DatasetVersion, Manifest

WHY = "the network may remember such parts, and they prove nothing; certify on parts it has not seen"


def dataset_of(card: Card) -> DatasetVersion | None:
    """The version of the data set that the network was trained on; None where its data has no versions."""
    training = card.origin.training
    return training.dataset if isinstance(training, Manifest) else None


def check_unseen_images(
    card: Card, samples: Sequence[Sample], root: Path, trained_on: Path | None
) -> tuple[str, ...]:
    """Refuses images that the network was trained on; warnings where nobody can tell.

    Args:
        card: of the bundle.
        samples: to certify on; with splits only the test parts are.
        root: their folder.
        trained_on: the version that the card names.

    Raises:
        ConfigError: If ``trained_on`` is another version, or the card names none.
        DataError: If an image is in it, by its pixels or its part, or the version was changed.
    """
    dataset = dataset_of(card)
    if dataset is None or trained_on is None:
        return _untold(dataset, root, samples, trained_on)
    pixels, parts = _learned(dataset, trained_on)
    judged = [sample for sample in samples if sample.split in (None, "test")]
    for sample in judged:
        if sample.part in parts:
            raise DataError(f"{sample.images[0]}: part {sample.part} is in {dataset}: {WHY}")
        for file in sample.images:
            if pixels_digest(read_image(file)) in pixels:
                raise DataError(f"{file}: the same image is in {dataset}: {WHY}")
    return ()


def check_unseen_names(card: Card, names: Sequence[str], trained_on: Path | None) -> tuple[str, ...]:
    """As :func:`check_unseen_images`, of a table: it has names of parts and no images."""
    dataset = dataset_of(card)
    if dataset is None or trained_on is None:
        return _untold(dataset, None, (), trained_on)
    _, parts = _learned(dataset, trained_on)
    shared = next((name for name in names if name in parts), None)
    if shared is not None:
        raise DataError(f"part {shared} is in {dataset}: {WHY}")
    return ()


def _learned(dataset: DatasetVersion, folder: Path) -> tuple[set[str], set[str]]:
    """Pixels and parts of a version, but those of its own test split."""
    card = checked_card(folder)
    if card is None or card.sha256 != dataset.sha256:
        there = "no version of a data set" if card is None else str(card.named)
        raise ConfigError(f"--trained-on {folder}: is {there}, and the network was trained on {dataset}")
    rows = [row for row in lineage_rows(folder) if row.get("split") != "test"]
    names = {str(row[key]) for row in rows for key in ("part", "serial") if row.get(key)}
    return {str(row["sha256"]) for row in rows}, names


def _untold(
    dataset: DatasetVersion | None, root: Path | None, samples: Sequence[Sample], trained_on: Path | None
) -> tuple[str, ...]:
    if dataset is None:
        if trained_on is not None:
            raise ConfigError(
                f"--trained-on {trained_on}: the bundle names no version of a data set; leave it out"
            )
        return ()
    own = None if root is None else read_card(root)
    if own is not None and own.sha256 == dataset.sha256 and not any(sample.split for sample in samples):
        raise DataError(f"{root}: is what the network was trained on, {dataset}: {WHY}")
    return (
        f"the network was trained on {dataset}, and nobody compared these parts with it: name its folder "
        "with --trained-on",
    )
