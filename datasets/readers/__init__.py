"""Labelled images read as samples. Each reader knows one layout and guesses nothing.

mask_folder     images/LABEL/x.png with masks/LABEL/x.png, or LABEL/**/x.jpg with its mask x.png beside it
class_folder    LABEL/**/x.png
mvtec           train/good/x.png, test/LABEL/x.png, ground_truth/LABEL/x_mask.png
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from taktsight.datasets.readers.faults import OnFault, refuse
from taktsight.datasets.readers.folders import read_class_folder, read_mask_folder, read_mvtec
from taktsight.datasets.readers.index import apply_index
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import ConfigError, DataError

__all__ = ["Layout", "apply_index", "read_samples"]

Layout = Literal["mask_folder", "class_folder", "mvtec"]


def read_samples(
    layout: Layout, root: Path, good: str = GOOD, *, on_fault: OnFault = refuse
) -> list[Sample]:
    """The labelled images below ``root``, in natural order of their paths.

    A sample's part is its path below ``root`` until an index says better: the same on every machine.

    Args:
        layout: which folders and files mean what.
        root: the data set.
        good: name of the folder that holds good parts; its samples get the label ``GOOD``.
        on_fault: is handed whatever does not fit the layout; what it lets pass is left out.

    Raises:
        ConfigError: If ``root`` is absent.
        DataError: If there is not one image; with the usual ``on_fault`` also if a defect image has no
            mask where the layout has masks, a mask belongs to no image, or an image lies where the
            layout has none.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder of images")
    samples = _read(layout, root, good, on_fault)
    if not samples:
        raise DataError(f"{root}: holds no image in the layout {layout!r} ({_described(layout)})")
    return [replace(sample, part=sample.images[0].relative_to(root).as_posix()) for sample in samples]


def _read(layout: Layout, root: Path, good: str, on_fault: OnFault) -> list[Sample]:
    if layout == "mask_folder":
        return read_mask_folder(root, good, on_fault)
    if layout == "class_folder":
        return read_class_folder(root, good, on_fault)
    return read_mvtec(root, on_fault)


def _described(layout: Layout) -> str:
    lines = (__doc__ or "").splitlines()
    return next(" ".join(line.split()[1:]) for line in lines if line.startswith(layout))
