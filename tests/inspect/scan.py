"""A web under a line-scan camera, as the line has it: blocks in order, their places, tiles."""

from __future__ import annotations

from taktsight.inspect.cameras.line_blocks import Block, BlockOrder
from taktsight.inspect.cameras.line_images import Tile, Tiles
from taktsight.inspect.cameras.line_strips import Rules, Strip, StripMaker

from .web import block, lines_of

HEIGHT = 4


class Scan:
    """Order, places and tiles, as the line has them one behind the other."""

    def __init__(self, lines: int, overlap: int = 0, rules: Rules | None = None) -> None:
        self.order = BlockOrder()
        self.maker = StripMaker(rules or Rules(HEIGHT, gap_lines=lines))
        self.cut = Tiles(lines, lines - overlap)
        self.strips: list[Strip] = []
        self.tiles: list[Tile] = []

    def put(self, *blocks: Block) -> Scan:
        for each in blocks:
            for ordered in self.order.put(each):
                self._take(self.maker.add(ordered))
        return self

    def anew(self) -> None:
        self.order.begin_anew()
        self._take(self.maker.begin_anew("opened anew", 0))

    def _take(self, strips: list[Strip]) -> None:
        for strip in strips:
            self.strips.append(strip)
            self.tiles += self.cut.add(strip)

    @property
    def shown(self) -> list[list[int]]:
        """Lines of each tile; none of a tile that is broken."""
        images = [tile.joined.image for tile in self.tiles]
        return [[] if image is None else lines_of(image) for image in images]


def run(*numbers: int) -> list[Block]:
    return [block(number, HEIGHT) for number in numbers]
