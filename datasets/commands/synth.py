"""``taktsight data synth``: a product that nobody has to photograph, with defects of known size."""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.errors import ConfigError

HELP = "render a synthetic product with defects of known size"
DESCRIPTION = """Renders machined flanges on a conveyor, good ones and ones with a scratch, pit, stain or
crack of known size, and writes

  images/LABEL/part-000123.png    mono, 8 bits
  masks/LABEL/part-000123.png     255 on the defect; defective parts only
  index.csv                       image, mask, label, part, lot, camera
  defects.csv                     size in mm and place of every defect
  product.yaml                    mm per px, seed, counts

The same arguments give the same parts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
    parser.add_argument("--parts", type=int, default=400, help="how many parts (default: 400)")
    parser.add_argument(
        "--defective-share",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="defective parts ÷ all parts, 0–1 (default: 0.3)",
    )
    parser.add_argument(
        "--parts-per-lot",
        type=int,
        default=25,
        metavar="N",
        help="consecutive parts that share tool, material and lighting (default: 25)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random, ≥ 0 (default: 0)")
    parser.add_argument(
        "--size-px", type=int, default=512, help="rows and columns of an image, ≥ 128 (default: 512)"
    )
    parser.add_argument(
        "--mm-per-px",
        type=float,
        help="millimetres per pixel (default: 51.2 ÷ size, the whole part in view; 0.1 at 512)",
    )


def main(args: argparse.Namespace) -> int:
    """Renders; 0."""
    from taktsight.datasets.synthetic import FIELD_MM, Product, write_dataset

    if args.seed < 0:
        raise ConfigError(f"--seed must be ≥ 0, got {args.seed}")
    mm_per_px = FIELD_MM / max(args.size_px, 1) if args.mm_per_px is None else args.mm_per_px
    try:
        product = Product(size_px=args.size_px, mm_per_px=mm_per_px, parts_per_lot=args.parts_per_lot)
        written = write_dataset(
            args.out, product, parts=args.parts, defective_share=args.defective_share, seed=args.seed
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    counts = ", ".join(f"{count} {label}" for label, count in written.by_label.items())
    print(f"{args.out}: {written.parts} parts in {written.lots} lots: {counts}")
    return 0
