"""CSV tables: read as they are, refused where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.datasets.readers import read_samples
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import GOOD
from taktsight.errors import ConfigError

from .annotated import assert_refused, assert_survives_damage, photograph, regions, write

BOXES = (
    "image,label,x0,y0,x1,y1,who\n1.png,pit,2,3,6.5,8,Ä\n1.png,stain,10,10,30,20,Ä\n"
    "2.png,good,,,,,B\n3.png,dull,,,,,B\n"
)
MASKS = "label,image,mask\npit,1.png,masks/1.png\ngood,2.png,\ndull,3.png,\n"


def lay(root: Path, content: str) -> Path:
    photograph(root, "1.png", "2.png", "3.png")
    return write(root / "labels.csv", content)


def test_boxes_and_labels_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "\ufeff" + BOXES.replace("\n", "\r\n") + "\r\n")
    one, two, three = read_samples("csv", tmp_path)
    assert regions(one) == (
        Region("pit", Rectangle(2, 3, 6.5, 8)),
        Region("stain", Rectangle(10, 10, 30, 20)),
    )
    assert [one.label, two.label, three.label] == ["stain", GOOD, "dull"]
    assert three.regions == ()


def test_masks_are_no_images_of_their_own(tmp_path: Path) -> None:
    lay(tmp_path, MASKS)
    photograph(tmp_path, "masks/1.png")
    samples = read_samples("csv", tmp_path)
    assert [(sample.label, sample.masks) for sample in samples] == [
        ("pit", (tmp_path / "masks/1.png",)),
        (GOOD, ()),
        ("dull", ()),
    ]


def test_table_may_lie_elsewhere(tmp_path: Path) -> None:
    root = photograph(tmp_path / "set", "1.png", "2.png", "3.png")
    table = write(tmp_path / "labels.csv", BOXES)
    assert len(read_samples("csv", root, annotations=table)) == 3
    write(root / "a.csv", ""), write(root / "b.csv", "")
    with pytest.raises(
        ConfigError, match=r"holds 2 \.csv files \(a\.csv, b\.csv\); say with 'annotations'"
    ):
        read_samples("csv", root)
    with pytest.raises(ConfigError, match=r"no\.csv: there is no such file"):
        read_samples("csv", root, annotations=tmp_path / "no.csv")


def test_absent_column_is_a_wrong_configuration(tmp_path: Path) -> None:
    for content, missing in (
        ("image;label\n", "image, label"),
        ("", "image, label"),
        ("image,label,x0\n", "y0, x1, y1"),
    ):
        lay(tmp_path, content)
        with pytest.raises(ConfigError, match=rf"labels\.csv: has no column {missing}"):
            read_samples("csv", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pit,2,", "pit,two,", "row 2: x0 is 'two', wanted is a number"),
        ("pit,2,", "pit,,", "x0 is ''"),
        ("pit,2,", "pit,nan,", "x0 is 'nan'"),
        ("pit,2,", "pit,9,", "has no size"),
        ("pit,2,", "pit,-2,", "x = -2 lies outside the image"),
        ("30,20", "30,42", "y = 42 lies outside the image, which is 40 pixels"),
        ("pit,2,", "good,2,", "'good' is that of good parts"),
        ("pit,2,", ",2,", "the label is '', wanted is a name"),
        ("6.5,8,Ä", "6.5,8", "row 2: has more or fewer fields"),
        ("6.5,8,Ä", "6.5,8,Ä,7", "row 2: has more or fewer fields"),
        ("stain,10,10,30,20", "stain,,,,", "is one of 2 rows of '1.png', and not each has a box"),
        ("dull,,,,", ",,,,", "row 5: the label is ''"),
        ("3.png,dull", "2.png,dull", "is one of 2 rows of '2.png'"),
        ("3.png,dull", "./2.png,dull", "described a second time"),
        ("3.png,dull", ",dull", "row 5 names no image"),
        ("3.png,dull", "4.png,dull", "row 5: the image '4.png' is not there"),
        ("3.png,dull", "/3.png,dull", "absolute path"),
        ("3.png,dull", "../3.png,dull", "leads out of"),
        ("dull,,,,,B", 'dull,,,,,"B', "is not a table"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_row(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in BOXES
    assert_refused("csv", tmp_path, lay(tmp_path, BOXES.replace(old, new)), says, unlabelled="leave_out")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (MASKS.replace("good,2.png,", "good,2.png,masks/2.png"), "row 3: a good part has a mask"),
        (
            MASKS.replace("dull,3.png,", "dull,3.png,masks/9.png"),
            "row 4, mask: the image 'masks/9.png' is not",
        ),
        ("image,label,mask,x0,y0,x1,y1\n1.png,pit,masks/1.png,1,2,3,4\n", "row 2: has a mask and a box"),
    ],
)
def test_wrong_mask_is_one_fault(tmp_path: Path, content: str, says: str) -> None:
    file = lay(tmp_path, content)
    photograph(tmp_path, "masks/1.png", "masks/2.png")
    assert_refused("csv", tmp_path, file, says, unlabelled="leave_out")


def test_table_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    file = lay(tmp_path, BOXES)
    file.write_bytes(BOXES.encode("latin-1"))
    assert_refused("csv", tmp_path, file, "is not UTF-8", unlabelled="leave_out")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("csv", tmp_path, lay(tmp_path, BOXES))
