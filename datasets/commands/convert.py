"""``taktsight data convert``: labelled images of any layout as COCO, for FiftyOne or as a mask folder."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.datasets.commands.source import add_book, add_source, add_splits, source_of

if TYPE_CHECKING:
    from taktsight.datasets.samples import Sample

HELP = "read labelled images in any layout, write COCO, FiftyOne's or a mask folder"
DESCRIPTION = """Reads labelled images and writes them, with copies of the images, as

  coco           images/…, annotations/instances_train.json … (instances.json without splits)
  fiftyone       train/data/…, train/labels.json … (data/, labels.json without splits)
  mask_folder    images/LABEL/…, masks/LABEL/…, index.csv

FiftyOne reads its layout a split at a time:

  dataset = fiftyone.Dataset("NAME")
  dataset.add_dir("OUT/train", fiftyone.types.COCODetectionDataset, tags="train")

Nothing is written where anything is wrong. The same data set gives the same bytes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_source(parser)
    add_splits(parser)
    add_book(parser)
    parser.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
    parser.add_argument(
        "--to",
        dest="format",
        required=True,
        choices=("coco", "fiftyone", "mask_folder"),
        help="what to write",
    )


def main(args: argparse.Namespace) -> int:
    """Converts; 0."""
    from taktsight.datasets.writers.coco import write_coco
    from taktsight.datasets.writers.fiftyone import write_fiftyone
    from taktsight.datasets.writers.mask_folder import write_mask_folder

    samples = source_of(args).read()
    writers = {"coco": write_coco, "fiftyone": write_fiftyone, "mask_folder": write_mask_folder}
    writers[args.format](samples, args.root, args.out)
    print(_summary(args.out, samples))
    return 0


def _summary(out: Path, samples: list[Sample]) -> str:
    parts = Counter(sample.label for sample in samples)
    counts = ", ".join(f"{count} {label}" for label, count in sorted(parts.items()))
    lines = [f"{out}: {len(samples)} images: {counts}"]
    drawn = Counter(region.label for sample in samples for view in sample.regions for region in view or ())
    if drawn:
        counts = ", ".join(f"{count} {label}" for label, count in sorted(drawn.items()))
        lines.append(f"{sum(drawn.values())} drawn regions: {counts}")
    references = sum(any(sample.references) for sample in samples)
    if references:
        lines.append(f"{references} templates were left out: the format has no place for them")
    return "\n".join(lines)
