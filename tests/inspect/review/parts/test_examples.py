"""Training images stand among the examples where they look alike, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import ConfigError, DataError, ReviewError
from taktsight.image_files import encode_png, read_image
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.pictures.bundles import open_bundles
from taktsight.inspect.review.pictures.examples import MOST, TrainingExample, open_examples
from taktsight.inspect.review.pictures.nearest import TRAINED
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.records import Box, Image

from ..records import REJECT, MadeRecords
from ..waiting import wait_until


@pytest.fixture
def index(made: MadeRecords) -> Iterator[PartIndex]:
    opened = PartIndex.open(made.folder, made.folder / "review")
    opened.follow()
    yield opened
    opened.close()


@contextmanager
def pictures_of(
    index: PartIndex, made: MadeRecords, examples: Sequence[TrainingExample] = ()
) -> Iterator[Pictures]:
    opened = Pictures(index, open_bundles([made.bundle]), examples)
    yield opened
    opened.close()


def training_folder(place: Path, frame: Image, box: Box) -> Path:
    """A frame as it was learned, with its mask, and a good part that looks like nothing."""
    mask = np.zeros_like(frame[:, :, :1])
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = 255
    mask[0, 0] = 255
    noise = np.random.default_rng(3).integers(0, 255, frame.shape).astype(np.uint8)
    for name, image in (("images/spot/a", frame), ("masks/spot/a", mask), ("images/good/deep/b", noise)):
        path = place / f"{name}.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_png(image))
    return place


def test_training_image_that_looks_alike_comes_first(
    made: MadeRecords, index: PartIndex, tmp_path: Path
) -> None:
    reject = made.of(REJECT)[0]
    (part,) = index.search(reject.serial)
    shown = part.frames["top"].image_id
    with pictures_of(index, made) as without:
        box = without.overlay(shown, 60).contours[0].box_px
    frame = read_image(made.file(reject, "top"))
    examples = open_examples(training_folder(tmp_path / "learn", frame, box))
    assert [(each.truth, each.box_px()) for each in examples] == [("good", None), ("spot", box)]
    with pictures_of(index, made, examples) as pictures:
        assert pictures.overlay(shown, 60).is_ready
        pictures.prepare([shown])
        wait_until(lambda: sum(each.source == TRAINED for each in pictures.nearest(shown)) == 2)
        found = pictures.nearest(shown)
        nearest, far = found[0], next(each for each in found[1:] if each.source == TRAINED)
        assert (nearest.source, nearest.truth, nearest.distance) == (TRAINED, "spot", 0.0)
        assert far.truth == "good"
        assert far.distance > 1
        described = pictures.describe(nearest.image_id)
        assert (described.width, described.fault, described.is_golden) == (frame.shape[1], None, False)
        assert pictures.thumbnail(nearest.image_id).startswith(b"\xff\xd8")
        assert "nobody judged it" in pictures.overlay(nearest.image_id).why
    with pictures_of(index, made) as later, pytest.raises(ReviewError, match="not at hand any more"):
        later.describe(nearest.image_id)


def test_as_many_of_each_label_and_the_same_ones_each_time(tmp_path: Path) -> None:
    for label, count in (("good", MOST * 2), ("pit", 3)):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "images" / label / f"{number:04}.png").touch()
    examples = open_examples(tmp_path)
    assert [each.truth for each in examples].count("pit") == 3
    assert [each.truth for each in examples].count("good") == MOST // 2
    assert examples == open_examples(tmp_path)
    with pytest.raises(DataError, match="is empty"):
        examples[0].read()


def test_folder_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data convert --to mask_folder"):
        open_examples(tmp_path)
    assert open_examples(None) == ()
