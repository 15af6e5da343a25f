"""A labelled product that may be spoilt."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.checks import Checked, Source, check_data
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.splits import split_samples
from taktsight.datasets.synthetic import FIELD_MM, Product, write_dataset

COLUMNS = {name: name for name in ("part", "lot", "camera", "split")}
Row = dict[str, str]


@dataclass(frozen=True)
class Shop:
    """A data set with an index that may be spoilt."""

    root: Path

    def rows(self, label: str, split: str = "train") -> list[Row]:
        return [row for row in self.read() if row["label"] == label and row["split"] == split]

    def image(self, label: str, split: str = "train", place: int = 0) -> Path:
        return self.root / self.rows(label, split)[place]["image"]

    def mask(self, label: str) -> Path:
        return self.root / self.rows(label)[0]["mask"]

    def add(self, image: Path, like: Row, **changes: str) -> None:
        """A row for an image that was put there."""
        name = image.relative_to(self.root).as_posix()
        row = {**like, "image": name, "part": image.stem, **changes}
        self.write([*self.read(), row])

    def change(self, image: Path, **changes: str) -> None:
        name = image.relative_to(self.root).as_posix()
        self.write([{**row, **changes} if row["image"] == name else row for row in self.read()])

    def write(self, rows: list[Row]) -> None:
        with (self.root / "index.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)

    def check(self) -> Checked:
        return check_data(Source(self.root, "mask_folder", index=self.root / "index.csv", columns=COLUMNS))

    def read(self) -> list[Row]:
        with (self.root / "index.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def make_shop(root: Path) -> Shop:
    """60 parts in 10 lots with their split in the index."""
    product = Product(size_px=192, mm_per_px=FIELD_MM / 192, parts_per_lot=6)
    write_dataset(root, product, parts=60, defective_share=0.5, seed=2)
    samples = apply_index(read_samples("mask_folder", root), root / "index.csv", part="part", lot="lot")
    splits = {sample.part: str(sample.split) for sample in split_samples(samples)}
    shop = Shop(root)
    shop.write([{**row, "split": splits[row["part"]]} for row in shop.read()])
    return shop
