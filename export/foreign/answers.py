"""Scores that the network's own framework gave: the one proof that its input was stated rightly.

Taktsight's reference and the bundle are fed from the same flags. A wrong mean is wrong in both of them, and
only somebody who does not know the flags can tell.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import ConfigError, ExportError

Highest = dict[Path, NDArray[np.float64]]
"""Image, resolved → (K,) the highest of each label's outputs, 0–1."""
DIFFERENCE = 1e-3
"""Rounding stays near 1e-5; a wrong mean, colour or scale does not."""
RESIZED_DIFFERENCE = 1e-2
"""Where images are resized: some frameworks round to 8 bits behind it, and here nothing is."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner's framework said of some images."""

    file: Path
    sha256: str
    scores: Highest


def read_answers(file: Path, root: Path, labels: Sequence[str]) -> Answers:
    """The answers in a CSV with the column ``image`` and one for each label.

    Args:
        file: the CSV.
        root: images are relative to it.
        labels: K defect labels.

    Raises:
        ConfigError: If it cannot be read, lacks a column, holds something that is no number 0–1, or names
            an image that is not there or stands twice.
    """
    try:
        content = file.read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file}: cannot be read as CSV: {error}") from error
    missing = [name for name in ("image", *labels) if not rows or name not in rows[0]]
    if missing:
        raise ConfigError(f"{file}: has no row, or no column {', '.join(missing)}")
    numbers = [_numbers(file, row, labels) for row in rows]
    images = [(root / (row["image"] or "")).resolve() for row in rows]
    _check_images(file, root, [row["image"] for row in rows], images)
    scores = dict(zip(images, numbers, strict=True))
    return Answers(file, hashlib.sha256(content).hexdigest(), scores)


def _check_images(file: Path, root: Path, named: Sequence[str | None], images: Sequence[Path]) -> None:
    """Each answer is about an image of its own: of one that nobody finds, nothing would be compared."""
    absent = [name for name, image in zip(named, images, strict=True) if not image.is_file()]
    if absent:
        raise ConfigError(
            f"{file}: {len(absent)} of its {len(named)} images are not there, the first is {absent[0]!r}; "
            f"images are relative to {root}"
        )
    if len(set(images)) < len(images):
        twice = next(name for name, image in zip(named, images, strict=True) if images.count(image) > 1)
        raise ConfigError(f"{file}: {twice} stands twice; one answer of each image is wanted")


def _numbers(file: Path, row: Mapping[str, str], labels: Sequence[str]) -> NDArray[np.float64]:
    try:
        values = np.array([float(row[label]) for label in labels])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{file}: {row['image']} has a score that is no number: {error}") from error
    if not (values.min() >= 0 and values.max() <= 1):
        raise ConfigError(f"{file}: {row['image']} has scores {values.tolist()}, 0–1 is wanted")
    return values


def check_answers(answers: Answers, got: Highest, labels: Sequence[str], *, resized: bool) -> int:
    """How many images have the score that their framework gave them.

    Args:
        answers: the framework's.
        got: the same of each image that was judged here.
        labels: K defect labels.
        resized: whether the graph resizes.

    Raises:
        ConfigError: If no image of the answers was judged.
        ExportError: If one differs by more than rounding.
    """
    both = [image for image in answers.scores if image in got]
    if not both:
        raise ConfigError(f"{answers.file}: names no image of val or test; images are relative to the root")
    apart = {image: np.abs(answers.scores[image] - got[image]) for image in both}
    worst = max(both, key=lambda image: float(apart[image].max()))
    allowed = RESIZED_DIFFERENCE if resized else DIFFERENCE
    if not apart[worst].max() <= allowed:
        label = int(apart[worst].argmax())
        wrong = sum(not each.max() <= allowed for each in apart.values())
        raise ExportError(
            f"{answers.file}: {wrong} of {len(both)} images score otherwise here than in the network's own "
            f"framework, the worst is {worst.name}: {labels[label]} {got[worst][label]:.4f} instead of "
            f"{answers.scores[worst][label]:.4f}. Look at --normalise or --mean and --std, --colour, "
            "--resize and --activation. Nothing was written"
        )
    return len(both)
