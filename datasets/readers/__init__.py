"""Labelled images read as samples. Each reader knows one layout and guesses nothing.

mask_folder     images/LABEL/x.png with masks/LABEL/x.png, or LABEL/**/x.jpg with its mask x.png beside it
class_folder    LABEL/**/x.png
mvtec           train/good/x.png, test/LABEL/x.png, ground_truth/LABEL/x_mask.png
coco            one .json of images, annotations and categories: boxes, polygons, run lengths
yolo            images/…/x.png with labels/…/x.txt, or x.txt beside; data.yaml or classes.txt for the names
labelme         a .json per image: polygons, rectangles, circles
voc             Annotations/x.xml with JPEGImages/x.jpg, Pascal VOC boxes
cvat            one .xml, CVAT for images 1.1: boxes, polygons, masks, tags
label_studio    one .json of tasks: boxes, polygons, choices
csv             one .csv with the columns image, label and, where there are any, mask or x0, y0, x1, y1
deeppcb         G/x_test.jpg with its template G/x_temp.jpg and its boxes G_not/x.txt

An index may add what a layout does not say: part, lot, camera, view, golden template and split.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from taktsight.datasets.readers.album import Album, Unlabelled
from taktsight.datasets.readers.faults import Fault, OnFault, refuse
from taktsight.datasets.readers.files import OTHER_IMAGE_SUFFIXES, files_below
from taktsight.datasets.readers.folders import read_class_folder, read_mask_folder, read_mvtec
from taktsight.datasets.readers.index import apply_index
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import ConfigError, DataError

__all__ = ["Layout", "Unlabelled", "apply_index", "read_samples"]

Layout = Literal[
    "mask_folder",
    "class_folder",
    "mvtec",
    "coco",
    "yolo",
    "labelme",
    "voc",
    "cvat",
    "label_studio",
    "csv",
    "deeppcb",
]
FOLDERS: tuple[Layout, ...] = ("mask_folder", "class_folder", "mvtec")
"""Layouts in which the folder says it all."""


def read_samples(
    layout: Layout,
    root: Path,
    good: str = GOOD,
    *,
    annotations: Path | None = None,
    unlabelled: Unlabelled = "refuse",
    leave_out: Collection[Path] = (),
    on_fault: OnFault = refuse,
) -> list[Sample]:
    """The labelled images below ``root``, in natural order of their paths.

    A sample's part is its path below ``root`` until an index says better: the same on every machine.

    Args:
        layout: which files and folders mean what.
        root: the data set.
        good: what good parts are called: the folder that holds them, or their label; they get the label
            ``GOOD``. No drawn region may have it.
        annotations: the file or folder of annotations, where they lie elsewhere than the layout says or
            there are several. For yolo the file that names the classes.
        unlabelled: what an image is that no annotation says anything about: a fault, a good part, or
            left out. An annotation that is empty says that the part is good.
        leave_out: images, every link resolved, that give no sample; they need no annotation.
        on_fault: is handed whatever does not fit the layout; what it lets pass is left out.

    Raises:
        ConfigError: If ``root`` or the annotations are absent, several files may be the annotations, or
            the layout has no use for an argument.
        DataError: If there is not one image; with the usual ``on_fault`` also if a defect image has no
            mask where the layout has masks, a mask or an annotation belongs to no image, an annotation
            cannot be understood, an image lies where the layout has none or is of an unread format.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder of images")
    for path in files_below(root, OTHER_IMAGE_SUFFIXES):
        said = (
            f"is an image of the kind {path.suffix}, which is not read; convert it to PNG or move it away"
        )
        on_fault(Fault("misplaced", path, said))
    if layout in FOLDERS:
        if annotations or unlabelled != "refuse":
            raise ConfigError(f"the layout {layout!r} has no annotations: its folders are the labels")
        samples = _read_folders(layout, root, good, on_fault)
    else:
        album = Album(root, good, on_fault)
        _read_annotations(layout, album, annotations)
        album.leave_out(*(image for image in album.images if leave_out and image.resolve() in leave_out))
        samples = album.samples(unlabelled)
    if not samples:
        raise DataError(f"{root}: holds no image in the layout {layout!r} ({_described(layout)})")
    return [
        replace(sample, part=sample.part or sample.images[0].relative_to(root).as_posix())
        for sample in samples
        if not leave_out or sample.images[0].resolve() not in leave_out
    ]


def _read_folders(layout: Layout, root: Path, good: str, on_fault: OnFault) -> list[Sample]:
    if layout == "mask_folder":
        return read_mask_folder(root, good, on_fault)
    if layout == "class_folder":
        return read_class_folder(root, good, on_fault)
    return read_mvtec(root, on_fault)


def _read_annotations(layout: Layout, album: Album, annotations: Path | None) -> None:
    """Fills the album. A format's reader is imported when it is asked for."""
    if layout == "coco":
        from taktsight.datasets.readers.coco import read_coco as read
    elif layout == "yolo":
        from taktsight.datasets.readers.yolo import read_yolo as read
    elif layout == "labelme":
        from taktsight.datasets.readers.labelme import read_labelme as read
    elif layout == "voc":
        from taktsight.datasets.readers.voc import read_voc as read
    elif layout == "cvat":
        from taktsight.datasets.readers.cvat import read_cvat as read
    elif layout == "label_studio":
        from taktsight.datasets.readers.label_studio import read_label_studio as read
    elif layout == "csv":
        from taktsight.datasets.readers.table import read_table as read
    else:
        from taktsight.datasets.readers.pairs import read_pairs

        if annotations:
            raise ConfigError(f"the layout {layout!r} says itself where its annotations lie")
        read_pairs(album)
        return
    read(album, annotations)


def _described(layout: Layout) -> str:
    lines = (__doc__ or "").splitlines()
    return next(" ".join(line.split()[1:]) for line in lines if line.startswith(layout))
