"""A data set with versions: each a whole folder, never changed, that names the one before."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from taktsight.datasets.dataset_card import (
    CARD,
    LINEAGE,
    Base,
    DatasetCard,
    Parent,
    Reviews,
    digest_of,
    read_card,
)
from taktsight.datasets.samples import Sample
from taktsight.datasets.writers.coco import as_json, category_numbers, coco_document
from taktsight.errors import DataError
from taktsight.whole_files import sync_folder

COLUMNS = ("image", "part", "inspection", "view", "lot", "camera", "time", "label")


@dataclass(frozen=True, slots=True)
class VersionImage:
    """One image of a version: a view of a part."""

    sample: Sample
    """Of one view."""
    name: Path
    """Below ``images``."""
    inspection: str
    """What joins the views of a part; a piece that was inspected twice has two."""
    lineage: Mapping[str, object]
    """Where image and label come from."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a version is made of, for its card."""

    name: str
    reviews: Reviews
    base: Base | None
    left_out: Sequence[tuple[str, str]]
    """Part and reason."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version on the disk."""

    folder: Path
    card: DatasetCard
    is_new: bool
    """False where the newest version was the same already, and nothing was written."""


def newest_version(out: Path) -> Path | None:
    """Folder of the newest version; None where there is none."""
    found = [
        path for path in out.glob("v*") if re.fullmatch(r"v\d{4,}", path.name) and (path / CARD).is_file()
    ]
    return max(found, key=lambda path: int(path.name[1:]), default=None)


def write_version(out: Path, images: Sequence[VersionImage], origin: Origin) -> Version:
    """Writes the next version, unless the newest one is the same.

    The same images, labels and lineage give the same bytes and the same digest. An image that the version
    before holds as well is linked to it where the disk can: versions are never written again.

    Args:
        out: holds the versions, ``v0001`` and so on; made where it is not there.
        images: one at least.
        origin: for the card.

    Raises:
        DataError: If two images have one name, or the folder cannot be written; no version is added then.
    """
    ordered = sorted(images, key=lambda image: image.name.as_posix())
    _check_names(ordered)
    files = _files(ordered, origin)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    newest = newest_version(out)
    before = None if newest is None else read_card(newest)
    if newest is not None and before is not None and before.sha256 == digest_of(digests):
        return Version(newest, before, is_new=False)
    number = 1 if newest is None else int(newest.name[1:]) + 1
    card = _card(ordered, origin, digests, number, before)
    folder = out / f"v{number:04d}"
    partial = out / f".partial-{os.getpid()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        for image in ordered:
            _place(image, partial / "images", None if newest is None else newest / "images")
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        (partial / CARD).write_text(
            yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
            encoding="utf-8",
        )
        partial.rename(folder)
        sync_folder(out)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}; no version was added") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Version(folder, card, is_new=True)


def _files(images: Sequence[VersionImage], origin: Origin) -> dict[str, bytes]:
    samples = [image.sample for image in images]
    document = coco_document(
        [(image.sample, image.name) for image in images], category_numbers(samples), undrawn="label"
    )
    rows = [
        {"image": f"images/{image.name.as_posix()}", "file_sha256": _file_digest(image), **image.lineage}
        | ({"split": image.sample.split} if image.sample.split else {})
        for image in images
    ]
    return {
        "annotations/instances.json": as_json(document),
        "index.csv": _index(images),
        LINEAGE: b"".join(as_json(row) for row in rows),
        "left_out.csv": _table(("part", "why"), sorted(origin.left_out)),
    }


def _file_digest(image: VersionImage) -> str:
    (file,) = image.sample.images
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error


def _index(images: Sequence[VersionImage]) -> bytes:
    has_splits = all(image.sample.split for image in images)
    rows = []
    for image in images:
        sample = image.sample
        row = [f"images/{image.name.as_posix()}", sample.part, image.inspection, *(sample.views or ("",))]
        row += [sample.lot, sample.camera, sample.time, sample.label]
        rows.append([*row, str(sample.split)] if has_splits else row)
    return _table((*COLUMNS, "split") if has_splits else COLUMNS, rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue().encode()


def _card(
    images: Sequence[VersionImage],
    origin: Origin,
    digests: Mapping[str, str],
    number: int,
    before: DatasetCard | None,
) -> DatasetCard:
    labels: dict[str, str] = {}
    for image in images:  # a part is defective where any view is
        if labels.get(image.inspection, "good") == "good":
            labels[image.inspection] = image.sample.label
    sources = {image.inspection: str(image.lineage["source"]) for image in images}
    return DatasetCard(
        name=origin.name,
        version=number,
        sha256=digest_of(digests),
        parent=None if before is None else Parent(version=before.version, sha256=before.sha256),
        reviews=origin.reviews,
        base=origin.base,
        parts=len(labels),
        images=len(images),
        by_label=_counted(labels.values()),
        by_source=_counted(sources.values()),
        left_out=_counted(why for _, why in origin.left_out),
        files=dict(sorted(digests.items())),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _check_names(images: Sequence[VersionImage]) -> None:
    if not images:
        raise DataError("no part is left for a data set; nothing was written")
    names = Counter(image.name for image in images)
    name, count = names.most_common(1)[0]
    if count > 1:
        raise DataError(f"images/{name.as_posix()}: {count} images would have this name")


def _place(image: VersionImage, folder: Path, before: Path | None) -> None:
    """Links the image to that of the version before where it is the same file, else copies it."""
    (source,) = image.sample.images
    copy = folder / image.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    same = None if before is None else before / image.name
    if same is not None and same.is_file() and same.read_bytes() == content:
        try:
            os.link(same, copy)
            return
        except OSError:  # a disk without links
            copy.unlink(missing_ok=True)
    copy.write_bytes(content)
