"""An index for BSData: the first looks at each position are known to be good, the later ones are judged.

    python benchmarks/bsdata_index.py        runs/bsdata-index.csv, from ../shared/data/bsdata

Spindles of type 1 are learned from as published; every fifth of them is val. Of each position of the
time line the 20 oldest looks are train and 5 more val: a machine starts healthy, and pitting begins at
the 40th look at the earliest. Looks of unknown state are left out.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BSDATA = REPOSITORY.parent / "shared" / "data" / "bsdata"
INDEX = REPOSITORY / "runs" / "bsdata-index.csv"
LEARNED_FROM, CALIBRATED_ON = 20, 5
"""Looks at each position, oldest first."""
VAL_STEP = 5
"""Every so many of the spindles that are learned from are val."""
Row = dict[str, str]


def main() -> None:
    """Writes the index."""
    with (BSDATA / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    INDEX.parent.mkdir(parents=True, exist_ok=True)
    with INDEX.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "series", "time", "status", "split"))
        for row, split in split_rows(rows):
            image = os.path.relpath(BSDATA / row["image"], INDEX.parent)
            writer.writerow((image, row["series"], row["timestamp_yymmddHHMMSS"], row["status"], split))
    print(INDEX.relative_to(REPOSITORY))


def split_rows(rows: list[Row]) -> list[tuple[Row, str]]:
    """Each row of the set's own index with train, val or test."""
    spindles = [row for row in rows if row["split"] == "train"]
    said = [(row, "val" if place % VAL_STEP == 0 else "train") for place, row in enumerate(spindles)]
    said += [(row, "test") for row in rows if row["split"] == "test"]
    positions: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["split"] == "timeline":
            positions[row["series"]].append(row)
    for looks in positions.values():
        looks.sort(key=lambda row: row["timestamp_yymmddHHMMSS"])
        for place, row in enumerate(looks):
            early = "train" if place < LEARNED_FROM else "val"
            said.append((row, early if place < LEARNED_FROM + CALIBRATED_ON else "test"))
    return said


if __name__ == "__main__":
    main()
