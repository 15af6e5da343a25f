"""The card of a versioned data set: what it holds, what it came from, and whether it is still that.

dataset.yaml                 the card
annotations/instances.json   COCO: boxes, run lengths, and the labels of defects that nobody drew
index.csv                    image, part, inspection, view, lot, camera, time, label and, where known, split
lineage.jsonl                of each image who said what it shows, when, of which pixels
left_out.csv                 reviewed parts that are not in it, and why
images/                      as they were judged, byte by byte
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from taktsight.errors import ConfigError, DataError
from taktsight.manifest import DatasetVersion, Digest
from taktsight.strict_model import StrictModel
from taktsight.strict_yaml import read_yaml

CARD = "dataset.yaml"
"""Not JSON: a layout of one JSON file finds its annotations below the same folder."""
LINEAGE = "lineage.jsonl"


class Parent(StrictModel):
    """The version before."""

    version: int = Field(ge=1)
    sha256: Digest


class Base(StrictModel):
    """The labelled images that reviewed parts were added to."""

    name: str
    parts: int = Field(ge=1)
    sha256: Digest
    """Of their content, labels, parts, lots and splits."""


class Reviews(StrictModel):
    """The log of the decisions, as far as it went."""

    decisions: int = Field(ge=0)
    """All that were made, those that are not taken among them."""
    last_row: int = Field(ge=0)
    last_digest: Digest
    """Of the last decision's row in the hash-chained log, or of the row that undid one."""


class DatasetCard(StrictModel):
    """``dataset.yaml``."""

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    sha256: Digest
    """Over ``files``. The images are in it: the lineage has the digest of each."""
    parent: Parent | None
    """None of the first version."""
    reviews: Reviews
    base: Base | None
    parts: int = Field(ge=1)
    images: int = Field(ge=1)
    by_label: Mapping[str, int]
    """Label → parts; ``good`` among them."""
    by_source: Mapping[str, int]
    """``review`` and ``base`` → parts."""
    left_out: Mapping[str, int]
    """Reason → reviewed parts that are not in it."""
    files: Mapping[str, Digest]
    """All but the card and the images."""

    @property
    def named(self) -> DatasetVersion:
        """As a training names it."""
        return DatasetVersion(name=self.name, version=self.version, sha256=self.sha256)


def digest_of(files: Mapping[str, str]) -> str:
    """SHA-256 over names and digests, sorted."""
    return hashlib.sha256(
        "".join(f"{name}\t{files[name]}\n" for name in sorted(files)).encode()
    ).hexdigest()


def read_card(folder: Path) -> DatasetCard | None:
    """The card of a version; None where the folder has none, as most data sets.

    Raises:
        DataError: If it cannot be read or was changed.
    """
    file = folder / CARD
    if not file.is_file():
        return None
    try:
        card = read_yaml(file, DatasetCard)
    except ConfigError as error:
        raise DataError(f"{error}; it is the card of a data set: restore it") from error
    if digest_of(card.files) != card.sha256:
        raise DataError(f"{file}: was changed: its files do not add up to digest {card.sha256:.12}…")
    return card


def checked_card(folder: Path) -> DatasetCard | None:
    """The card of a version whose every file is as it was written; None where the folder has no card.

    Raises:
        DataError: Naming the first file that was changed or is gone.
    """
    card = read_card(folder)
    if card is None:
        return None
    for name, digest in card.files.items():
        _check(folder / name, digest, card)
    for row in lineage_rows(folder):
        _check(folder / row["image"], row["file_sha256"], card)
    return card


def lineage_rows(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Where each image of a version comes from.

    Raises:
        DataError: If the file cannot be read.
    """
    file = folder / LINEAGE
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error


def _check(file: Path, digest: str, card: DatasetCard) -> None:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}; {card.named} needs it") from error
    if found != digest:
        raise DataError(
            f"{file}: was changed since {card.named} was written; restore it. Corrections are made at the "
            "review bench, and become another version"
        )
