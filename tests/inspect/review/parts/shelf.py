"""Index and pictures of some records, as the bench holds them."""

from __future__ import annotations

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.pictures.bundles import open_bundles
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.inspect.review.store.values import PartKey

from ..records import MadePart, MadeRecords


class Shelf:
    """Index and pictures of some records."""

    def __init__(self, made: MadeRecords, *, with_bundle: bool = True) -> None:
        self.made = made
        self.index = PartIndex.open(made.folder, made.folder / "review")
        self.index.follow()
        self.pictures = Pictures(self.index, open_bundles([made.bundle]) if with_bundle else ())

    def row(self, part: MadePart) -> PartRow:
        row = self.index.part(PartKey(part.run, part.trigger))
        assert row is not None
        return row

    def name(self, part: MadePart, view: str = "top") -> str:
        return self.row(part).frames[view].image_id

    def close(self) -> None:
        self.pictures.close()
        self.index.close()
