"""``taktsight data split``: train, val and test that share no part, and a measure of what leaks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.datasets.checks.look import Looks
    from taktsight.datasets.leak import Leak
    from taktsight.datasets.samples import Sample

HELP = "divide a data set into train, val and test without leaks, or probe the split it has"
DESCRIPTION = """Divides labelled images so that no part, no lot and no near duplicate lies in two splits,
balanced by label and defect size, the same each time. Writes

  train.txt val.txt test.txt      one image a line, relative to the data set
  split.json                      digest of the lists, seed, counts, leak score

and probes what leaks: how much more often the nearest training image has a test part's label than
those a little further off. An honest split scores about 0. Below 20 training images nothing can be probed:
the lists are written and say so. With --keep the split of the index is probed and nothing is written. Exit
status 1: the split leaks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    from taktsight.datasets.commands.source import add_book, add_source

    add_source(parser)
    add_book(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FOLDER", help="a new or empty folder for the lists")
    what.add_argument("--keep", action="store_true", help="probe the split that the data set brings")
    parser.add_argument(
        "--by",
        choices=("part", "camera", "time"),
        default="part",
        help="what must not lie in two splits: parts and lots; cameras as well; or train on the oldest and "
        "test on the newest (default: part)",
    )
    parser.add_argument(
        "--time-column", metavar="NAME", help="column of the index to sort by, for --by time"
    )
    parser.add_argument(
        "--shares", default="60:20:20", metavar="T:V:T", help="train : val : test (default: 60:20:20)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, another split (default: 0)")


def main(args: argparse.Namespace) -> int:
    """Splits and probes; 1 where the split leaks."""
    from taktsight.datasets.checks.look import look_at
    from taktsight.datasets.commands.source import source_of
    from taktsight.datasets.leak import probe, too_few_to_probe
    from taktsight.datasets.split_lists import write_lists
    from taktsight.datasets.splits import check_splits

    samples = source_of(args).read()
    if args.keep:
        check_splits(samples)
        return _say(probe(samples, look_at([sample.images[0] for sample in samples], [])))
    shares = _shares(args.shares)
    looks = look_at([image for sample in samples for image in sample.images], [])
    samples = _split(samples, args, shares, looks)
    check_splits(samples)
    few = too_few_to_probe(samples)
    leak = None if few else probe(samples, looks)
    facts = {"by": args.by, "seed": args.seed, "shares": shares, "leak": _facts(leak) or few}
    digest = write_lists(args.out, args.root, samples, facts)
    print(_table(samples))
    print(f"{args.out}: written, digest {digest:.16}…; data.splits: {args.out} trains on it")
    if leak is None:
        print(f"leak not probed: {few}. Nobody knows whether this split leaks; add images and split again")
        return 0
    return _say(leak)


def _facts(leak: Leak | None) -> dict[str, float]:
    if leak is None:
        return {}
    return {"score": round(leak.score, 4), "nearest": leak.nearest, "farther": leak.farther}


def _split(
    samples: list[Sample], args: argparse.Namespace, shares: dict[str, float], looks: Looks
) -> list[Sample]:
    from taktsight.datasets.checks.copies import near_copies
    from taktsight.datasets.readers.index import column_of
    from taktsight.datasets.splits import split_by_time, split_samples
    from taktsight.datasets.strata import label_and_size

    if args.by == "time":
        if not (args.index and args.time_column):
            raise ConfigError("--by time needs --index and --time-column")
        times = column_of(samples, args.index, args.time_column, args.image_column)
        return split_by_time(samples, times, shares, alike=near_copies(samples, looks))  # type: ignore[arg-type]  # keys are splits
    apart = ("part", "lot", "camera") if args.by == "camera" else ("part", "lot")
    return split_samples(
        samples,
        shares,  # type: ignore[arg-type]  # keys are splits
        seed=args.seed,
        apart=apart,  # type: ignore[arg-type]  # literals
        alike=near_copies(samples, looks),
        strata=label_and_size(samples),
    )


def _shares(text: str) -> dict[str, float]:
    from taktsight.datasets.samples import SPLITS

    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if len(parts) != 3 or not all(0 < part < float("inf") for part in parts):
        raise ConfigError(f"--shares wants three positive numbers such as 60:20:20, got {text!r}")
    return {split: part / sum(parts) for split, part in zip(SPLITS, parts, strict=True)}


def _table(samples: list[Sample]) -> str:
    from collections import Counter

    from taktsight.datasets.samples import SPLITS

    counts = Counter((sample.label, sample.split) for sample in samples)
    labels = sorted({sample.label for sample in samples})
    width = max(map(len, labels))
    rows = [f"{'':<{width}}  train    val   test"]
    rows += [
        f"{label:<{width}}" + "".join(f"{counts[label, split]:>7}" for split in SPLITS) for label in labels
    ]
    return "\n".join(rows)


def _say(leak: Leak) -> int:
    verdict = "leaks: the figures would be memory" if leak.is_flagged else "shows no leak"
    print(
        f"leak score {leak.score:+.2f}: the nearest training image has the label of {leak.nearest:.1%} of "
        f"{leak.parts} test parts, those further off of {leak.farther:.1%}; the split {verdict}"
    )
    return int(leak.is_flagged)
