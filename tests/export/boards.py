"""Small boards that only their golden template tells from good ones: each has pads of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.image_files import encode_png

SIZE_PX, PAD_PX = 64, 10
Pixels = NDArray[np.uint8]


def template(rng: np.random.Generator) -> Pixels:
    """(64, 64, 1) uint8: three pads on a dark board."""
    board = rng.normal(70, 6, (SIZE_PX, SIZE_PX, 1))
    for _ in range(3):
        add_pad(board, rng)
    return board.clip(0, 255).astype(np.uint8)


def add_pad(board: NDArray[np.float64], rng: np.random.Generator) -> tuple[int, int]:
    """Its corner x, y."""
    y, x = rng.integers(4, SIZE_PX - PAD_PX - 4, 2).tolist()
    board[y : y + PAD_PX, x : x + PAD_PX] = 200
    return x, y


def take(golden: Pixels, rng: np.random.Generator, *, defective: bool) -> tuple[Pixels, str]:
    """The board under the camera, with a pad too many or without, and its line of boxes."""
    board = golden.astype(np.float64) + rng.normal(0, 4, golden.shape)
    if not defective:
        return board.clip(0, 255).astype(np.uint8), ""
    free = golden[:, :, 0] < 120
    while True:
        changed = board.copy()
        x, y = add_pad(changed, rng)
        if free[y : y + PAD_PX, x : x + PAD_PX].all():
            return changed.clip(0, 255).astype(np.uint8), f"{x} {y} {x + PAD_PX} {y + PAD_PX} 5\n"


def lay_boards(root: Path, count: int, *, seed: int = 0) -> None:
    """Writes ``count`` pairs in the layout deeppcb, every second one with a pad of copper too many."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        golden = template(rng)
        board, line = take(golden, rng, defective=number % 2 == 1)
        for kind, image in (("test", board), ("temp", golden)):
            write(root / "group1" / "g" / f"{number:03}_{kind}.png", encode_png(image))
        write(root / "group1" / "g_not" / f"{number:03}.txt", line.encode())


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
