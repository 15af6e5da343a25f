"""Verdicts against what is known of the parts: escapes, overkills, and which labels they are."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from taktsight.errors import DataError
from taktsight.quality.rates import escape_rate, overkill_rate
from taktsight.records import Outcome

GOOD = "good"
"""The label of a part without a defect."""
MAX_LISTED = 50


def read_truth(path: Path) -> dict[str, str]:
    """The label of each image by its path within the folder; ``good`` is no defect.

    Args:
        path: CSV with at least the columns ``image`` and ``label``.

    Raises:
        DataError: If it cannot be read, lacks a column or names an image twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"image", "label"} - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{path}: has no column {', '.join(sorted(missing))}")
            rows = [(row["image"], row["label"]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    twice = [image for image, count in Counter(image for image, _ in rows).items() if count > 1]
    unlabelled = [image for image, label in rows if not label]
    if twice or unlabelled:
        raise DataError(f"{path}: {(twice + unlabelled)[0]} stands there twice, or without a label")
    return dict(rows)


def print_truth(verdicts: Sequence[tuple[str, str]], labels: Mapping[str, str]) -> None:
    """What the line said of each image against what the image is.

    Args:
        verdicts: image and outcome of each part.
        labels: the label of each of these images.

    Raises:
        DataError: If an image has no label.
    """
    unknown = [image for image, _ in verdicts if image not in labels]
    if unknown:
        raise DataError(f"{len(unknown)} images have no label, {unknown[0]} is the first")
    console = Console(highlight=False, soft_wrap=True)
    defective = [labels[image] != GOOD for image, _ in verdicts]
    passed = [outcome == Outcome.PASS.value for _, outcome in verdicts]
    console.print(
        f"escape rate    {escape_rate(defective, passed)}  of defective parts, 95 % Clopper–Pearson"
    )
    console.print(f"overkill rate  {overkill_rate(defective, passed)}  of good parts")
    console.print(_confusion(verdicts, labels))
    escaped = [image for image, outcome in verdicts if labels[image] != GOOD and outcome == "PASS"]
    for image in escaped[:MAX_LISTED]:
        console.print(f"escaped: {image} ({labels[image]})", markup=False)
    if len(escaped) > MAX_LISTED:
        console.print(f"… and {len(escaped) - MAX_LISTED} more")


def _confusion(verdicts: Sequence[tuple[str, str]], labels: Mapping[str, str]) -> Table:
    counts = Counter((labels[image], outcome) for image, outcome in verdicts)
    table = Table("label", *(outcome.value for outcome in Outcome), box=None)
    for label in sorted({labels[image] for image, _ in verdicts}, key=lambda label: (label != GOOD, label)):
        table.add_row(label, *(f"{counts[label, outcome.value]}" for outcome in Outcome))
    return table
