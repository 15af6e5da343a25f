"""CVAT files: read as they are, refused where they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.readers import read_samples
from taktsight.datasets.regions import Polygon, Rectangle, Region, cover
from taktsight.datasets.samples import GOOD

from .annotated import SIZE, assert_refused, assert_survives_damage, box, photograph, regions, write

MASK = '<mask label="scratch" source="manual" rle="1, 2, 1, 2" left="5" top="6" width="3" height="2"/>'
DOCUMENT = f"""<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>4</id><labels><label><name>pit</name></label></labels></task></meta>
  <image id="0" name="a/1.png" width="60" height="40">
    <box label="pit" source="manual" occluded="0" xtl="2.00" ytl="3.00" xbr="6.50" ybr="8.00" z_order="0"/>
    <polygon label="stain" source="manual" points="10.00,10.00;30.00,10.00;30.00,20.00" z_order="0">
      <attribute name="depth">deep</attribute></polygon>
    {MASK}
  </image>
  <image id="1" name="a/2.png" width="60" height="40"><tag label="dull" source="manual"/></image>
  <image id="2" name="a/3.png" width="60" height="40"></image>
</annotations>"""


def lay(root: Path, content: str) -> Path:
    photograph(root, *(f"images/a/{number}.png" for number in (1, 2, 3)))
    return write(root / "annotations.xml", content)


def test_boxes_polygons_masks_and_tags_are_read(tmp_path: Path) -> None:
    lay(tmp_path, DOCUMENT)
    one, two, three = read_samples("cvat", tmp_path)
    pit, stain, scratch = regions(one)
    assert pit == Region("pit", Rectangle(2, 3, 6.5, 8))
    assert stain == Region("stain", Polygon((((10, 10), (30, 10), (30, 20)),)))
    rows = box(6, 6, 8, 7) | box(6, 7, 8, 8)
    assert np.array_equal(cover(scratch.shape, SIZE), rows)
    assert (one.label, one.labels) == ("stain", ("pit", "scratch", "stain"))
    assert (two.label, three.label, three.regions) == ("dull", GOOD, ((),))


def test_tag_of_a_good_part_is_good(tmp_path: Path) -> None:
    lay(tmp_path, DOCUMENT.replace("dull", "fine"))
    assert read_samples("cvat", tmp_path, "fine")[1].label == GOOD


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('xtl="2.00"', "", "image 0, box 1: <box> has no attribute 'xtl'"),
        ('xtl="2.00"', 'xtl="nan"', "xtl is 'nan', wanted is a number"),
        ('xtl="2.00"', 'xtl="7"', "has no size"),
        ('xtl="2.00"', 'xtl="-4"', "x = -4 lies outside the image"),
        ('xtl="2.00"', 'xtl="2" rotation="30"', "is a turned box"),
        ('label="pit" ', "", "<box> has no attribute 'label'"),
        ('label="pit" ', 'label="good" ', "'good' is that of good parts"),
        ("30.00,10.00;30.00,20.00", "30,10", "image 0, polygon 2: the polygon has 2 corners"),
        ("30.00,10.00;", "30.00;", "is not a pair x, y"),
        ("30.00,10.00;", "30.00,x;", "a corner is 'x'"),
        ("30.00,10.00;", "30.00,100.00;", "y = 100 lies outside the image"),
        ("1, 2, 1, 2", "1, 2, 1", "image 0, mask 3: the run lengths sum to 4 pixels, the mask has 6"),
        ("1, 2, 1, 2", "1, -2, 5, 2", "a run length is '-2'"),
        ("1, 2, 1, 2", "6", "covers no pixel"),
        ("1, 2, 1, 2", "", "a run length is ''"),
        ('left="5"', 'left="58"', "does not lie on the image"),
        ('left="5"', 'left="5.5"', "left is '5.5', wanted is a whole number"),
        ("<mask ", "<polyline ", "is a 'polyline', which cannot be read; draw a box"),
        ('name="a/1.png" width="60"', 'name="a/1.png" width="61"', "was made on 61×40 pixels"),
        ('name="a/1.png" width="60"', 'name="a/1.png" width="x"', "image 0: width is 'x'"),
        ("a/1.png", "a/7.png", "image 0: the image 'a/7.png' is not there"),
        ("a/1.png", "../../1.png", "leads out of"),
        ("a/1.png", "/a/1.png", "absolute path"),
        ("a/3.png", "a/1.png", "image 2: the image 'a/1.png' is described a second time"),
        ('"dull" source="manual"/>', '"dull"/><tag label="bent"/>', "has the labels dull, bent; keep one"),
        (MASK, f'{MASK}<tag label="dull"/>', "is 'dull', and drawn on it is pit, scratch, stain"),
        ("</annotations>", "", "is not XML"),
        ("image", "frame", "holds <frame>; export the task"),
    ],
)
def test_what_is_wrong_is_one_fault_that_names_the_entry(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in DOCUMENT
    assert_refused(
        "cvat", tmp_path, lay(tmp_path, DOCUMENT.replace(old, new)), says, unlabelled="leave_out"
    )


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("cvat", tmp_path, lay(tmp_path, DOCUMENT))
