"""A new data set: there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from taktsight.datasets.samples import Sample
from taktsight.errors import DataError


@contextmanager
def new_folder(out: Path, last: str) -> Iterator[Path]:
    """A folder to write in; what it holds at the end is moved to ``out``, the finished thing last.

    Args:
        out: a new or empty folder.
        last: name of the file or folder that says that the rest is there.

    Raises:
        DataError: If ``out`` holds something or cannot be written; nothing is left in it then.
    """
    partial = out / f".partial-{os.getpid()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = next(out.iterdir(), None)
        if held is not None:
            raise DataError(f"{out}: is not empty (it holds {held.name}); name a new folder")
        partial.mkdir()
        yield partial
        for path in sorted(partial.iterdir(), key=lambda path: (path.name == last, path.name)):
            os.replace(path, out / path.name)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror}; nothing was written") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def only_view(sample: Sample) -> Path:
    """The image of a part that has one view.

    Raises:
        DataError: If it has more: the formats know of none.
    """
    if len(sample.images) > 1:
        raise DataError(f"{sample.name}: has {len(sample.images)} views, and the format holds one a part")
    return sample.images[0]


def copy_images(places: Sequence[tuple[Path, Path]]) -> None:
    """Copies files byte by byte.

    Args:
        places: pairs of the image and where its copy goes.

    Raises:
        DataError: If two images would have the same copy, or one cannot be read.
    """
    taken: dict[Path, Path] = {}
    for image, copy in places:
        if copy in taken:
            raise DataError(f"{image}: would be written over {taken[copy]}; give one another name")
        taken[copy] = image
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            content = image.read_bytes()
        except OSError as error:
            raise DataError(f"{image}: cannot be read: {error.strerror}") from error
        copy.write_bytes(content)
