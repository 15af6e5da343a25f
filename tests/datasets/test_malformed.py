"""Whatever is wrong with the files of a data set: one clear error, or every sample. Nothing in between.

A file that was cut or garbled and is sound by its format's rules all the same is read as it stands: an
empty YOLO file *is* a good part. What must never be: another exception, an error that names no file, fewer
images without a word, or a defect that still stands in the file and is lost without one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from taktsight.datasets.checks import Source, check_data
from taktsight.datasets.masks import read_mask
from taktsight.datasets.readers import Layout, apply_index, read_samples
from taktsight.datasets.samples import Sample
from taktsight.errors import ConfigError, DataError, TaktsightError
from taktsight.image_files import read_image

from . import (
    test_coco,
    test_cvat,
    test_label_studio,
    test_labelme,
    test_pairs,
    test_table,
    test_voc,
    test_yolo,
)
from .annotated import photograph, write
from .malformed import BYTES, JSON, LINES, LOSES_NOTHING, TABLE, XML, Spoil

MUTATIONS = 10
"""Of each of the 11 kinds or more, for every file."""
FLIPS = 200


@dataclass(frozen=True)
class Format:
    """A sound data set of a layout, and the files of it that are spoilt."""

    layout: Layout
    lay: Callable[[Path], list[Path]]
    spoils: tuple[Spoil, ...]


def coco(root: Path) -> list[Path]:
    return [test_coco.lay(root, test_coco.document())]


def yolo(root: Path) -> list[Path]:
    return [test_yolo.lay(root, "1 0.5 0.5 0.5 0.25\n0 0.1 0.1 0.2 0.1 0.2 0.2\n"), root / "classes.txt"]


def yolo_yaml(root: Path) -> list[Path]:
    yolo(root)
    (root / "classes.txt").unlink()
    return [write(root / "data.yaml", "path: .\nnames:\n  0: pit\n  1: stain\n")]


def labelme(root: Path) -> list[Path]:
    circle = test_labelme.PIT | {"shape_type": "circle", "points": [[20, 20], [24, 20]]}
    return [test_labelme.lay(root, test_labelme.document(test_labelme.PIT, circle))]


def voc(root: Path) -> list[Path]:
    return [test_voc.lay(root, test_voc.DOCUMENT)]


def cvat(root: Path) -> list[Path]:
    return [test_cvat.lay(root, test_cvat.DOCUMENT)]


def label_studio(root: Path) -> list[Path]:
    box, ring = test_label_studio.BOX, test_label_studio.RING
    drawn = [
        test_label_studio.result("rectanglelabels", box),
        test_label_studio.result("polygonlabels", ring),
    ]
    return [test_label_studio.lay(root, test_label_studio.task("images/1.png", *drawn))]


def csv_boxes(root: Path) -> list[Path]:
    return [test_table.lay(root, test_table.BOXES)]


def csv_masks(root: Path) -> list[Path]:
    photograph(root, "masks/1.png")
    return [test_table.lay(root, test_table.MASKS)]


def pairs(root: Path) -> list[Path]:
    return [test_pairs.lay(root, test_pairs.LINES)]


def mask_folder(root: Path) -> list[Path]:
    photograph(root, "images/good/1.png", "images/good/2.jpg", "images/pit/3.bmp", "masks/pit/3.png")
    return [root / "images/good/2.jpg", root / "images/pit/3.bmp", root / "masks/pit/3.png"]


def masks_beside(root: Path) -> list[Path]:
    photograph(root, "good/1.jpg", "good/1.png", "pit/3.jpg", "pit/3.png")
    return [root / "pit/3.jpg", root / "pit/3.png"]


def class_folder(root: Path) -> list[Path]:
    photograph(root, "good/1.png", "good/2.webp", "pit/3.tif")
    return [root / "good/1.png", root / "good/2.webp", root / "pit/3.tif"]


def mvtec(root: Path) -> list[Path]:
    photograph(root, "train/good/1.png", "test/good/2.png", "test/pit/3.png", "ground_truth/pit/3_mask.png")
    return [root / "train/good/1.png", root / "ground_truth/pit/3_mask.png"]


def index(root: Path) -> list[Path]:
    photograph(root, "good/1.png", "pit/2.png")
    return [write(root / "index.csv", "image,part,lot,split\ngood/1.png,p1,A,train\npit/2.png,p2,B,test\n")]


FORMATS = {
    "coco": Format("coco", coco, JSON),
    "yolo": Format("yolo", yolo, LINES),
    "yolo, data.yaml": Format("yolo", yolo_yaml, LINES),
    "labelme": Format("labelme", labelme, JSON),
    "voc": Format("voc", voc, XML),
    "cvat": Format("cvat", cvat, XML),
    "label_studio": Format("label_studio", label_studio, JSON),
    "csv, boxes": Format("csv", csv_boxes, TABLE),
    "csv, masks": Format("csv", csv_masks, TABLE),
    "deeppcb": Format("deeppcb", pairs, LINES),
    "mask_folder": Format("mask_folder", mask_folder, BYTES),
    "mask_folder, masks beside": Format("mask_folder", masks_beside, BYTES),
    "class_folder": Format("class_folder", class_folder, BYTES),
    "mvtec": Format("mvtec", mvtec, BYTES),
    "index": Format("class_folder", index, TABLE),
}


Seen = list[tuple[str, int]]
"""Every image, and how many defects are known on it."""


def open_all(kind: Format, root: Path) -> Seen:
    """What training would open, all of it opened."""
    samples = read_samples(kind.layout, root)
    if (root / "index.csv").is_file():
        samples = apply_index(samples, root / "index.csv", part="part", lot="lot", split="split")
    for sample in samples:
        for path in sample.images:
            read_mask(sample, read_image(path).shape[:2])
    return [(sample.images[0].relative_to(root).as_posix(), _defects(sample)) for sample in samples]


def _defects(sample: Sample) -> int:
    return sum(len(drawn or ()) for drawn in sample.regions) or int(sample.is_defective)


def answer(kind: Format, root: Path) -> Seen | str:
    """What was read, or the one clear error."""
    try:
        return open_all(kind, root)
    except TaktsightError as error:
        return str(error)


def assert_whole_or_refused(
    kind: Format, root: Path, whole: Seen, what: str, *, loses_nothing: bool = False
) -> bool:
    """True where it was refused."""
    found = answer(kind, root)
    if not isinstance(found, str):
        assert [name for name, _ in found] == [name for name, _ in whole], f"{what}: images were lost"
        fewer = [name for (name, now), (_, before) in zip(found, whole, strict=True) if now < before]
        assert not (loses_nothing and fewer), f"{what}: defects of {fewer} were lost without a word"
        return False
    named, _, reason = found.partition(": ")
    assert Path(named).is_relative_to(root), f"{what}: {found!r} names no file"
    assert len(reason) > 7, f"{what}: {found!r} gives no reason"
    return True


@pytest.mark.parametrize("name", FORMATS)
def test_sound_data_set_is_read(tmp_path: Path, name: str) -> None:
    kind = FORMATS[name]
    assert kind.lay(tmp_path)
    assert len(open_all(kind, tmp_path)) >= 2


@pytest.mark.parametrize(
    ("name", "spoil"),
    [(name, spoil) for name, kind in FORMATS.items() for spoil in kind.spoils],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_spoilt_file_is_refused_by_name_or_read_whole(tmp_path: Path, name: str, spoil: Spoil) -> None:
    kind, draw = FORMATS[name], Random(f"{name} {spoil.__name__}")
    documents = kind.lay(tmp_path)
    whole = open_all(kind, tmp_path)
    for document in documents:
        sound = document.read_bytes()
        for number in range(MUTATIONS):
            content = spoil(sound, draw)
            document.write_bytes(content)
            what = f"{document.name}, no. {number}, {content[:2000]!r}"
            assert_whole_or_refused(kind, tmp_path, whole, what, loses_nothing=spoil in LOSES_NOTHING)
        document.write_bytes(sound)


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bytes_are_refused_by_name_or_read_whole(tmp_path: Path, name: str) -> None:
    kind, draw, refused = FORMATS[name], Random(name), 0
    documents = kind.lay(tmp_path)
    whole = open_all(kind, tmp_path)
    flip = next(spoil for spoil in BYTES if spoil.__name__ == "flipped")
    for document in documents:
        sound = document.read_bytes()
        for number in range(FLIPS):
            content = flip(sound, draw)
            document.write_bytes(content)
            refused += assert_whole_or_refused(kind, tmp_path, whole, f"{document.name}, flip {number}")
        document.write_bytes(sound)
    assert refused > FLIPS / 10


@pytest.mark.parametrize("name", FORMATS)
def test_check_finds_a_fault_where_training_refuses(tmp_path: Path, name: str) -> None:
    kind, draw = FORMATS[name], Random(f"check {name}")
    (document, *_) = kind.lay(tmp_path)
    sound = document.read_bytes()
    indexed = (tmp_path / "index.csv").is_file()
    source = Source(
        tmp_path,
        kind.layout,
        index=tmp_path / "index.csv" if indexed else None,
        columns={"part": "part", "lot": "lot", "split": "split"} if indexed else {},
    )
    before = set(check_data(source).findings)  # even grey images, no split that could be trained
    for spoil in kind.spoils:
        document.write_bytes(spoil(sound, draw))
        try:
            new = [found for found in check_data(source).findings if found not in before]
        except ConfigError:
            continue
        said = answer(kind, tmp_path)
        assert not isinstance(said, str) or any(found.severity == "fault" for found in new), said


def test_key_that_stands_twice_in_json_is_refused(tmp_path: Path) -> None:
    """Every JSON parser keeps the last in silence: here every defect would be gone."""
    file = coco(tmp_path)[0]
    file.write_text(file.read_text()[:-1] + ', "annotations": []}')
    with pytest.raises(DataError, match="the key 'annotations' stands twice in one place"):
        read_samples("coco", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<object>", "<object><bndbox/>", "<object> has 2 <bndbox>; keep one"),
        ("<name>pit", "<name>crack</name><name>pit", "<object> has 2 <name>; keep one"),
        ("<xmin>", "<xmin>1</xmin><xmin>", "<bndbox> has 2 <xmin>; keep one"),
        ("<filename>", "<filename>2.jpg</filename><filename>", "<annotation> has 2 <filename>; keep one"),
        ("object>", "thing>", "has a <bndbox> within <thing>, wanted is <object>"),
    ],
)
def test_element_that_would_be_passed_over_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = voc(tmp_path)[0]
    assert old in test_voc.DOCUMENT
    file.write_text(test_voc.DOCUMENT.replace(old, new))
    with pytest.raises(DataError, match=says):
        read_samples("voc", tmp_path)


def test_tracks_of_a_video_are_not_passed_over(tmp_path: Path) -> None:
    file = cvat(tmp_path)[0]
    file.write_text(test_cvat.DOCUMENT.replace("</meta>", '</meta><track id="0" label="pit"/>'))
    with pytest.raises(DataError, match="holds <track>; export the task as 'CVAT for images"):
        read_samples("cvat", tmp_path, unlabelled="good")


def test_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = csv_masks(tmp_path)[0]
    file.write_text("label,image,mask,mask\npit,1.png,masks/1.png,\ngood,2.png,,\ndull,3.png,,\n")
    with pytest.raises(DataError, match="has the column mask twice; keep one"):
        read_samples("csv", tmp_path)
    table = index(tmp_path / "other")[0]
    table.write_text("image,part,part\ngood/1.png,p1,p2\npit/2.png,p2,p1\n")
    with pytest.raises(ConfigError, match="has the column part twice; keep one"):
        apply_index(read_samples("class_folder", tmp_path / "other"), table, part="part")


def test_class_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    yolo_yaml(tmp_path)[0].write_text("names:\n  0: pit\n  1: stain\n  1: good\n")
    with pytest.raises(ConfigError, match="the key 1 stands twice"):
        read_samples("yolo", tmp_path)


def test_linked_folder_is_read_and_a_link_to_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    photograph(tmp_path / "elsewhere", "3.png", "4.png")
    root = photograph(tmp_path / "data", "good/1.png")
    (root / "pit").symlink_to(tmp_path / "elsewhere")
    assert [sample.label for sample in read_samples("class_folder", root)] == ["good", "pit", "pit"]
    (root / "pit" / "5.png").symlink_to(tmp_path / "lost.png")
    with pytest.raises(DataError, match=r"5\.png: cannot be read: No such file"):
        open_all(FORMATS["class_folder"], root)


def test_links_in_a_circle_are_named(tmp_path: Path) -> None:
    root = photograph(tmp_path, "good/1.png", "pit/2.png")
    (root / "pit" / "again").symlink_to(root)
    with pytest.raises(DataError, match=r"again: is a link to a folder that it lies in"):
        read_samples("class_folder", root)


def test_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers pass over it in silence as a rule, and all of its parts with it."""
    root, listed = photograph(tmp_path, "good/1.png", "pit/2.png"), os.scandir

    def refused(folder: Path) -> Any:
        if folder.name == "pit":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match="pit: cannot be listed: Permission denied"):
        read_samples("class_folder", root)


@pytest.mark.parametrize("suffix", [".gif", ".jp2", ".PGM", ".heic"])
def test_image_in_a_format_that_is_not_read_is_not_passed_over(tmp_path: Path, suffix: str) -> None:
    root = photograph(tmp_path, "good/1.png", "pit/2.png")
    (root / f"pit/3{suffix}").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=rf"3{suffix}: is an image of the kind {suffix}, which is not read"):
        read_samples("class_folder", root)


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("mask_folder", ("images/pit/1.png", "images/pit/1.jpg", "masks/pit/1.png")),
        ("mask_folder", ("pit/1.jpg", "pit/1.bmp", "pit/1.png")),
        ("mvtec", ("test/pit/a/1.png", "test/pit/b/1.png", "ground_truth/pit/1_mask.png")),
    ],
)
def test_two_images_never_share_a_mask(tmp_path: Path, layout: Layout, files: tuple[str, ...]) -> None:
    photograph(tmp_path, *files)
    with pytest.raises(DataError, match="is that of another image already; rename one"):
        read_samples(layout, tmp_path)
