"""Template pairs: read as they are, refused where they are wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from taktsight.datasets.readers import read_samples
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import GOOD, defect_labels
from taktsight.errors import ConfigError, DataError

from .annotated import assert_refused, assert_survives_damage, photograph, regions, source, write

LINES = "2 3 6 8 1\n10,10,30,20,6\n"


def lay(root: Path, lines: str) -> Path:
    """Two pairs; the first has the lines, the second is good."""
    photograph(root, *(f"group1/g/{number}_{kind}.jpg" for number in (1, 2) for kind in ("test", "temp")))
    write(root / "group1/g_not/2.txt", "")
    return write(root / "group1/g_not/1.txt", lines)


def test_boxes_are_read_with_blanks_or_commas_and_the_template(tmp_path: Path) -> None:
    lay(tmp_path, LINES)
    one, two = read_samples("deeppcb", tmp_path)
    assert regions(one) == (
        Region("open", Rectangle(2, 3, 6, 8)),
        Region("pin-hole", Rectangle(10, 10, 30, 20)),
    )
    assert one.images == (tmp_path / "group1/g/1_test.jpg",)
    assert one.references == (tmp_path / "group1/g/1_temp.jpg",)
    assert (one.label, two.label, len(two.references)) == ("pin-hole", GOOD, 1)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("2 3 6 8", "line 1: has 4 fields, wanted is 'x0 y0 x1 y1 type'"),
        ("2 3 6 8 1 1", "has 6 fields"),
        ("2 3 6 8 1\n\n2 3 6 8 0", "line 3: the type 0 has no name, wanted is 1 to 6"),
        ("2 3 6 8 7", "the type 7 has no name"),
        ("2 3 6 8 open", "the type is 'open', wanted is a whole number"),
        ("2 3 6 8 1.0", "the type is '1.0'"),
        ("a 3 6 8 1", "field 1 is 'a'"),
        ("2 nan 6 8 1", "field 2 is 'nan'"),
        ("6 3 2 8 1", "has no size"),
        ("2 3 2 8 1", "has no size"),
        ("2 3 62 8 1", "x = 62 lies outside the image"),
        ("-2 3 6 8 1", "x = -2 lies outside the image"),
        ("2;3;6;8;1", "has 1 fields"),
    ],
)
def test_line_that_is_wrong_is_one_fault_that_names_it(tmp_path: Path, lines: str, says: str) -> None:
    assert_refused("deeppcb", tmp_path, lay(tmp_path, lines), says)


def test_boxes_in_another_encoding_are_a_fault(tmp_path: Path) -> None:
    file = lay(tmp_path, "")
    file.write_bytes(b"\xff\xfe2\x00 \x00")
    assert_refused("deeppcb", tmp_path, file, "is not UTF-8")


def test_half_a_pair_is_a_fault(tmp_path: Path) -> None:
    lay(tmp_path, LINES)
    template = photograph(tmp_path, "group1/g/3_temp.jpg") / "group1/g/3_temp.jpg"
    assert_refused("deeppcb", tmp_path, template, "belongs to no tested image")
    image = template.rename(template.with_name("4_test.jpg"))
    assert_refused("deeppcb", tmp_path, image, r"has no template 4_temp\.jpg; add it")


def test_file_that_belongs_to_no_pair_is_a_fault(tmp_path: Path) -> None:
    lay(tmp_path, LINES)
    stray = write(tmp_path / "group1/g_not/9.txt", "")
    assert_refused("deeppcb", tmp_path, stray, "belongs to no tested image")
    stray.unlink()
    image = photograph(tmp_path, "group1/g/5.jpg") / "group1/g/5.jpg"
    assert_refused("deeppcb", tmp_path, image, "is neither a tested image .* nor a template")


def test_pair_without_boxes_is_not_taken_for_good(tmp_path: Path) -> None:
    lay(tmp_path, LINES).unlink()
    with pytest.raises(DataError, match=r"1_test\.jpg: has no annotation"):
        read_samples("deeppcb", tmp_path)
    assert len(read_samples("deeppcb", tmp_path, unlabelled="leave_out")) == 1


def test_argument_that_a_layout_has_no_use_for_is_a_wrong_configuration(tmp_path: Path) -> None:
    file = lay(tmp_path, LINES)
    with pytest.raises(ConfigError, match="'deeppcb' says itself where its annotations lie"):
        read_samples("deeppcb", tmp_path, annotations=file)
    with pytest.raises(ConfigError, match="'class_folder' has no annotations"):
        read_samples("class_folder", tmp_path, annotations=file)
    with pytest.raises(ConfigError, match="'mvtec' has no annotations"):
        read_samples("mvtec", tmp_path, unlabelled="good")


def test_damaged_file_never_ends_in_another_error(tmp_path: Path) -> None:
    assert_survives_damage("deeppcb", tmp_path, lay(tmp_path, LINES))


def test_circuit_boards_are_read() -> None:
    samples = read_samples("deeppcb", source("deeppcb"))
    boxes = Counter(region.label for sample in samples for region in regions(sample))
    assert (len(samples), boxes.total()) == (425, 2829)
    assert defect_labels(samples) == ("copper", "mousebite", "open", "pin-hole", "short", "spur")
    assert all(sample.references[0] and sample.references[0].is_file() for sample in samples)
