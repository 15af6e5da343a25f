"""``taktsight data from-reviews``: what people decided at the review bench as a versioned data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from taktsight.datasets.commands.source import add_book, add_source, add_splits, source_of
from taktsight.errors import ConfigError, ReviewError

if TYPE_CHECKING:
    from taktsight.datasets.samples import Sample
    from taktsight.datasets.writers.version_folder import Version
    from taktsight.export.reviewed.version import Asked

HELP = "reviewed parts as a version of a data set, traceable to who said what of which pixels"
DESCRIPTION = """Reads the decisions in RECORDS/review and writes the next version of a data set

  OUT/v0001/dataset.yaml    version, digest, parent version, counts, what was left out
  OUT/v0001/lineage.jsonl   of each image: reviewer, decision, its digest in the log, pixels, bundle
  OUT/v0001/annotations/    COCO; brushes are run lengths, boxes boxes
  OUT/v0001/index.csv       part, lot, camera, time
  OUT/v0001/images/         the frames, byte by byte
  OUT/v0001/left_out.csv    reviewed parts that are not in it, and why

The same decisions give the same bytes; where nothing changed no version is written. Undone, escalated,
skipped and disputed parts, known and golden ones are left out, and counted. A frame whose pixels are not
those of the ledger stops it: nothing is written.

With --base the reviewed parts are added to labelled images. Where those have splits, reviewed parts are
learned from: they were chosen for review, and measure nothing. Train on a version with

  data: {root: OUT/v0001, layout: coco, index: OUT/v0001/index.csv, part_column: part, lot_column: lot,
         split_column: split}

and 'split_column' only where --base had splits. The model's card then names the version."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    from taktsight.export.reviewed.lots import LotBy

    parser.add_argument("records", metavar="RECORDS", type=Path, help="folder of the ledger")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder of the versions")
    parser.add_argument("--name", metavar="NAME", help="of the data set (OUT's name)")
    parser.add_argument("--run", action="append", default=[], metavar="RUN", help="only parts of this run")
    parser.add_argument(
        "--without", action="append", default=[], metavar="RUN:TRIGGER", help="leave this part out"
    )
    parser.add_argument("--lots", type=Path, metavar="CSV", help="columns serial and lot")
    parser.add_argument(
        "--lot-by", choices=get_args(LotBy), default="run", help="what is a lot where nobody says (run)"
    )
    add_source(parser, root="--base", needs_layout=False)
    add_splits(parser)
    add_book(parser)


def main(args: argparse.Namespace) -> int:
    """Writes a version, or says that there is nothing new; 0."""
    from taktsight.export.reviewed.decisions import read_decisions
    from taktsight.export.reviewed.version import make_version

    base = _base(args)  # before anything is read: its mistakes are wrong arguments
    version = make_version(args.records, args.out, read_decisions(args.records), _asked(args), base)
    print("\n".join(_said(version)))
    return 0


def _asked(args: argparse.Namespace) -> Asked:
    from taktsight.export.reviewed.lots import read_lots
    from taktsight.export.reviewed.version import Asked
    from taktsight.inspect.review.store.values import PartKey

    try:
        without = frozenset(map(PartKey.parse, args.without))
    except ReviewError as error:
        raise ConfigError(f"--without: {error}") from error
    if args.lots is not None and args.lot_by != "run":
        raise ConfigError("--lots and --lot-by both say which lot a part is of; give one")
    lots = None if args.lots is None else read_lots(args.lots)
    return Asked(args.name or args.out.resolve().name, tuple(args.run), without, lots, args.lot_by)


def _base(args: argparse.Namespace) -> tuple[Path, list[Sample]] | None:
    if args.root is None:
        if args.layout is not None:
            raise ConfigError("--layout is about --base; name that folder, or leave it out")
        return None
    if args.layout is None:
        raise ConfigError(
            "--layout says how the images of --base are labelled, as for 'taktsight data check'"
        )
    return args.root, source_of(args).read()


def _said(version: Version) -> list[str]:
    from taktsight.export.reviewed.settled import SAID

    card = version.card
    counts = ", ".join(f"{count} {label}" for label, count in card.by_label.items())
    sources = ", ".join(f"{count} from {name}" for name, count in card.by_source.items())
    parent = "the first version" if card.parent is None else f"after version {card.parent.version}"
    state = parent if version.is_new else "nothing changed since: no new version was written"
    lines = [
        f"{version.folder}: {card.name} version {card.version}, {state}; digest {card.sha256}",
        f"{card.parts} parts ({sources}): {counts}",
    ]
    lines += [
        f"left out   {count} {why}: {SAID[why]}" for why, count in card.left_out.items() if why in SAID
    ]
    return lines
