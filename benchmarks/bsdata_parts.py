"""BSData as its line sees it: one magnification, and the first looks at each position known to be good.

    python benchmarks/bsdata_parts.py        ../shared/data/bsdata → runs/bsdata-parts

The spindles of type 1 were taken 2.4 times closer up than the time line. Those that are judged are
scaled down to its width, with their polygons; those that are learned from stay as sharp as they are,
and training zooms. Every fifth of these is val. Of each position of the time line the 20 oldest looks
are train and 5 more val: a machine starts healthy, and pitting begins at the 40th look at the earliest.
All later looks are test. Looks of unknown state are left out.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
BSDATA = REPOSITORY.parent / "shared" / "data" / "bsdata"
PARTS = REPOSITORY / "runs" / "bsdata-parts"
LEARNED_FROM, CALIBRATED_ON = 20, 5
"""Looks at each position, oldest first."""
VAL_STEP = 5
"""Every so many of the spindles that are learned from are val."""
WIDTH_PX = 1130
"""Of the time line's images."""
Row = dict[str, str]


def main() -> None:
    """Writes images, annotations and the index; what was there before is replaced."""
    with (BSDATA / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] != "unknown"]
    shutil.rmtree(PARTS, ignore_errors=True)
    for folder in ("data", "label"):
        (PARTS / folder).mkdir(parents=True)
    with (PARTS / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "series", "time", "split"))
        for row, split in split_rows(rows):
            is_near = row["split"] != "timeline"
            image = _scaled(row) if is_near and split != "train" else _copied(row)
            writer.writerow((image, row["series"], row["timestamp_yymmddHHMMSS"], split))
    print(PARTS.relative_to(REPOSITORY))


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


def _copied(row: Row) -> str:
    for name in (row["image"], row["label_labelme_json"]):
        if name:
            shutil.copyfile(BSDATA / name, PARTS / name)
    return row["image"]


def _scaled(row: Row) -> str:
    """The image as PNG: a second JPEG would blur what the first one left."""
    image = cv2.imdecode(np.fromfile(BSDATA / row["image"], np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    factor = WIDTH_PX / image.shape[1]
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    name = str(Path(row["image"]).with_suffix(".png"))
    cv2.imwrite(str(PARTS / name), small)
    drawn: dict[str, Any] = json.loads((BSDATA / row["label_labelme_json"]).read_text(encoding="utf-8"))
    for shape in drawn["shapes"]:
        shape["points"] = [[x * factor, y * factor] for x, y in shape["points"]]
    height, width = small.shape[:2]
    drawn |= {"imagePath": Path(name).name, "imageHeight": height, "imageWidth": width}
    (PARTS / row["label_labelme_json"]).write_text(json.dumps(drawn), encoding="utf-8")
    return name


if __name__ == "__main__":
    main()
