"""Pascal VOC files: read as they are, refused where they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.readers import read_samples
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import GOOD

from .annotated import assert_refused, assert_survives_damage, box, covered, photograph, regions, write

OBJECT = """<object><name>pit</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
  <bndbox><xmin>3</xmin><ymin>4</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>"""
DOCUMENT = f"""<annotation>
  <folder>JPEGImages</folder><filename>1.jpg</filename>
  <source><database>Unknown</database></source>
  <size><width>60</width><height>40</height><depth>1</depth></size><segmented>0</segmented>
  {OBJECT}
</annotation>"""
GOOD_PART = DOCUMENT.replace(OBJECT, "").replace("1.jpg", "2.jpg")


def lay(root: Path, content: str) -> Path:
    """Two images; the file is about the first, the second is good."""
    photograph(root, "JPEGImages/1.jpg", "JPEGImages/2.jpg")
    write(root / "Annotations/2.xml", GOOD_PART)
    return write(root / "Annotations/1.xml", content)


def test_boxes_are_read_with_pixels_counted_from_one(tmp_path: Path) -> None:
    lay(tmp_path, DOCUMENT)
    one, two = read_samples("voc", tmp_path)
    assert regions(one) == (Region("pit", Rectangle(2, 3, 10, 20)),)
    assert np.array_equal(covered(one), box(2, 3, 10, 20))
    assert (two.label, two.regions) == (GOOD, ((),))


def test_box_from_one_to_the_width_is_the_whole_image(tmp_path: Path) -> None:
    content = (
        DOCUMENT.replace(">3<", ">1<").replace(">4<", ">1<").replace(">10<", ">60<").replace(">20<", ">40<")
    )
    lay(tmp_path, content)
    assert covered(read_samples("voc", tmp_path)[0]).all()


def test_size_that_a_tool_did_not_know_is_not_compared(tmp_path: Path) -> None:
    content = DOCUMENT.replace("<width>60<", "<width>0<").replace("<height>40<", "<height>0<")
    lay(tmp_path, content)
    assert len(read_samples("voc", tmp_path)) == 2


def test_file_lies_beside_its_image(tmp_path: Path) -> None:
    photograph(tmp_path, "a/1.jpg")
    write(tmp_path / "a/1.xml", DOCUMENT)
    assert read_samples("voc", tmp_path)[0].label == "pit"


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (">3<", "><", "object 1: xmin is '', wanted is a number"),
        (">3<", ">three<", "xmin is 'three'"),
        (">3<", ">nan<", "xmin is 'nan'"),
        (">3<", ">-inf<", "xmin is '-inf'"),
        (">3<", ">10_0<", "xmin is '10_0'"),
        (">3<", ">30<", "has no size"),
        (">3<", ">-3<", "x = -4 lies outside the image"),
        (">20<", ">45<", "y = 45 lies outside the image, which is 40 pixels along y"),
        ("<ymax>20</ymax>", "", "ymax is ''"),
        ("bndbox", "polygon", "has no <bndbox>; draw a box"),
        ("<name>pit</name>", "", "<object> has no <name>"),
        (">pit<", ">good<", "'good' is that of good parts"),
        (">60<", ">80<", "was made on 80×40 pixels"),
        (">60<", ">wide<", "width is 'wide', wanted is a whole number"),
        ("1.jpg", "3.jpg", "is not there"),
        ("1.jpg", "../../../1.jpg", "leads out of"),
        ("1.jpg", "/1.jpg", "absolute path"),
        ("1.jpg", "", "has no <filename>"),
        ("</annotation>", "", "is not XML"),
        ("annotation>", "annotations>", "holds <annotations>, wanted is <annotation>"),
        ("<annotation>", f"{BOMB}<annotation>", "declares a document type or entities"),
        ("<annotation>", '<?xml version="1.0" encoding="klingon"?><annotation>', "is not XML"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_object(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in DOCUMENT
    assert_refused("voc", tmp_path, lay(tmp_path, DOCUMENT.replace(old, new)), says, unlabelled="leave_out")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("voc", tmp_path, lay(tmp_path, DOCUMENT))
