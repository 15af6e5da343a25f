"""Lines that came before are found wherever they come again."""

from __future__ import annotations

import numpy as np

from taktsight.inspect.cameras.line_watch import LineWatch


def noisy(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (32, 400, 1), np.uint8)


def test_block_that_repeats_is_found_wherever_it_comes() -> None:
    watch = LineWatch()
    assert [watch.fault(noisy(seed), seed) for seed in range(300)] == [""] * 300
    assert watch.fault(noisy(120), 300) == "repeated: of 16 lines 16 are those of frame 120"
    torn = noisy(400)
    torn[20:] = noisy(250)[20:]
    assert "are those of frame 250" in watch.fault(torn, 301)
    assert watch.fault(noisy(500), 302) == ""


def test_block_that_is_black_may_come_again_but_not_the_very_same_grey() -> None:
    watch, black = LineWatch(), np.zeros((32, 400, 1), np.uint8)
    grey = black.copy()
    grey[3, 100:110] = 7
    assert [watch.fault(image, 0) for image in (black, black, grey, black, grey)] == [""] * 5
    assert watch.fault(grey, 6) == "repeated: the same as the block before"
