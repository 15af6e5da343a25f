"""A web whose every line says which one it is, and a line-scan camera over it, without any wire."""

from __future__ import annotations

import numpy as np

from taktsight.inspect.cameras.line_blocks import Block
from taktsight.records import Image

WIDTH = 16
LINE_NS = 1000


def web(first: int, lines: int) -> Image:
    """(lines, WIDTH, 1) uint8: the number of each line in its first eight bytes, noise behind them."""
    numbers = np.arange(first, first + lines, dtype="<i8")
    noise = np.multiply.outer(numbers + 7, np.arange(3, 2 * WIDTH - 13, 2)) * 2654435761 >> 16
    image = np.empty((lines, WIDTH, 1), np.uint8)
    image[:, :8, 0] = numbers.view(np.uint8).reshape(lines, 8)
    image[:, 8:, 0] = (noise & 255)[:, : WIDTH - 8]
    return image


def lines_of(image: Image) -> list[int]:
    """Which lines of the web an image shows."""
    numbers = np.ascontiguousarray(image[:, :8, 0]).view("<i8").reshape(-1)
    return [int(number) for number in numbers]


def block(number: int, height: int, *, counts_per_line: int = 1, bits: int = 32, start: int = 0) -> Block:
    """Of a belt that runs evenly: block ``number`` begins at line ``number * height``."""
    line = number * height
    count = (start + line * counts_per_line) % (1 << bits)
    return Block(line * LINE_NS, number, count, web(line, height))
