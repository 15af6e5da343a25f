"""``taktsight data book``: a first defect book of a data set, for people to fill in."""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.datasets.commands.source import add_source, source_of
from taktsight.errors import ConfigError

HELP = "write a first defect book: the labels found, with counts, sizes and typical examples"
DESCRIPTION = """Reads labelled images and writes

  book.yaml      every label with its counts and sizes; description and severity are yours to fill in
  book/          three typical examples of each label as PNG, outlined where somebody drew the defect

Typical: a small, a middling and a large one (at a quarter, half and three quarters of all by area). Then
name the book in data.book of a training, in --book of the data commands, and in 'book' of a recipe."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_source(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="YAML", help="a new file")
    parser.add_argument("--product", metavar="NAME", help="the product's name (default: the folder's)")
    parser.add_argument("--mm-per-px", type=float, help="tells areas in mm² instead of pixels")


def main(args: argparse.Namespace) -> int:
    """Writes the draft; 0."""
    from taktsight.datasets.book_draft import write_draft
    from taktsight.datasets.samples import defect_labels

    if args.mm_per_px is not None and not 0 < args.mm_per_px < float("inf"):
        raise ConfigError(f"--mm-per-px must be above 0, got {args.mm_per_px}")
    samples = source_of(args).read()
    product = args.product or args.root.resolve().name
    pictures = write_draft(args.out, samples, product, args.mm_per_px)
    print(
        f"{args.out}: {len(defect_labels(samples))} labels, {pictures} pictures beside it\n"
        f"next: fill in descriptions and severities; then 'taktsight data check {args.root} --layout "
        f"{args.layout} --book {args.out}'"
    )
    return 0
