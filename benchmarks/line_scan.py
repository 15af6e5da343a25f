"""Lines a second from blocks to tiles, beside the bare copy of the same bytes; no camera, one thread.

Three variants in turns: the whole feed (order, watch for repeats, places, tiles), the feed without the
watch, and numpy's copy of each block into the tile it belongs to, with the overlap copied twice as well.

    python benchmarks/line_scan.py --width 2048 --height 64 --seconds 3 --rounds 5
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.inspect.cameras.line_blocks import Block, BlockOrder
from taktsight.inspect.cameras.line_images import Tiles
from taktsight.inspect.cameras.line_strips import Rules, StripMaker
from taktsight.inspect.cameras.line_watch import LineWatch
from taktsight.records import Image

PICTURES = 400
"""Blocks of noise that are sent in turns: more than the watch remembers."""

Push = Callable[[Block], int]
"""Takes a block; how many tiles came of it."""


def feed(height: int, lines: int, stride: int, *, watched: bool) -> Push:
    """What the line does with a block."""
    order, maker, tiles = BlockOrder(), StripMaker(Rules(height, 1, 32, 1, lines)), Tiles(lines, stride)
    watch = LineWatch() if watched else None

    def push(block: Block) -> int:
        fault = "" if watch is None or block.image is None else watch.fault(block.image, block.number)
        if fault:
            raise ValueError(fault)
        came = 0
        for ordered in order.put(block):
            for strip in maker.add(ordered):
                came += len(tiles.add(strip))
        return came

    return push


def bare_copy(height: int, lines: int, stride: int, width: int) -> Push:
    """The same bytes moved, without asking what they are; the tile is new memory each time."""
    tile, filled = np.empty((lines, width, 1), np.uint8), 0

    def push(block: Block) -> int:
        nonlocal tile, filled
        image, came = block.image, 0
        if image is None:
            return 0
        while len(image):
            taken = min(len(image), lines - filled)
            tile[filled : filled + taken] = image[:taken]
            image, filled = image[taken:], filled + taken
            if filled == lines:
                before, tile, filled = tile, np.empty_like(tile), lines - stride
                tile[:filled] = before[stride:]
                came += 1
        return came

    return push


def blocks(pictures: list[Image], height: int) -> Iterator[Block]:
    """An even belt, without end."""
    number = 0
    while True:
        line = number * height
        yield Block(line * 1000, number, line % (1 << 32), pictures[number % len(pictures)])
        number += 1


def lines_per_s(push: Push, pictures: list[Image], height: int, seconds: float) -> float:
    """How fast it takes them."""
    belt, pushed, tiles = blocks(pictures, height), 0, 0
    began_s = time.perf_counter()
    while (passed_s := time.perf_counter() - began_s) < seconds:
        tiles += push(next(belt))
        pushed += height
    if not tiles:
        raise ValueError("no tile came; measure longer")
    return pushed / passed_s


def main() -> None:
    """Measures and writes ``results/line_scan.json``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--height", type=int, default=64, help="lines of a block")
    parser.add_argument("--lines", type=int, default=1024, help="of a tile")
    parser.add_argument("--overlap", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    chance, stride = np.random.default_rng(1), asked.lines - asked.overlap
    pictures = [chance.integers(0, 255, (asked.height, asked.width, 1), np.uint8) for _ in range(PICTURES)]
    variants: dict[str, Callable[[], Push]] = {
        "feed": lambda: feed(asked.height, asked.lines, stride, watched=True),
        "feed_without_watch": lambda: feed(asked.height, asked.lines, stride, watched=False),
        "bare_copy": lambda: bare_copy(asked.height, asked.lines, stride, asked.width),
    }
    rows: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(asked.rounds):
        for name, make in variants.items():
            rows[name].append(lines_per_s(make(), pictures, asked.height, asked.seconds))
    medians = {name: round(float(np.median(each))) for name, each in rows.items()}
    shares = {name: round(medians[name] / medians["bare_copy"], 3) for name in variants}
    write_result(
        "line_scan",
        {
            "asked": vars(asked),
            "lines_per_s": medians,
            "share_of_bare_copy": shares,
            "rounds": {name: [round(each) for each in every] for name, every in rows.items()},
            **circumstances(),
        },
    )


if __name__ == "__main__":
    main()
