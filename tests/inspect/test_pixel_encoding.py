"""What the simulated camera sends is what a camera would send: decoded, it is the image again."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.inspect.cameras.pixel_formats import FORMATS, decode
from taktsight.inspect.simulation.pixel_encoding import encode

WIDTH, HEIGHT = 12, 8


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith(("Mono", "RGB", "BGR"))])
def test_image_comes_back_as_it_was(name: str) -> None:
    channels = 3 if FORMATS[name].is_colour else 1
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, channels), np.uint8)
    sent = encode(image, FORMATS[name])
    assert len(sent) == FORMATS[name].frame_bytes(WIDTH, HEIGHT)
    assert np.array_equal(decode(sent, WIDTH, HEIGHT, FORMATS[name], channels), image)


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith(("Bayer", "YUV", "YCbCr"))])
def test_flat_colour_comes_back_within_what_rounding_takes(name: str) -> None:
    image = np.full((HEIGHT, WIDTH, 3), (180, 120, 60), np.uint8)
    sent = encode(image, FORMATS[name])
    assert len(sent) == FORMATS[name].frame_bytes(WIDTH, HEIGHT)
    seen = decode(sent, WIDTH, HEIGHT, FORMATS[name], 3).astype(int)
    assert np.abs(seen - image).max() <= (0 if name.startswith("Bayer") else 3)
