"""Several images of one part as one sample, and golden templates from an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.another_take import SHIFT_PX, another_take
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.known_labels import renamed
from taktsight.datasets.learn_from import ANOMALY, only_good_to_learn
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.view_files import read_view
from taktsight.defect_book import DefectBook, Entry
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

TABLE = """image,part,view,lot,label
images/a.png,1,top,x,good
images/b.png,1,side,x,pit
images/c.png,2,side,x,good
images/d.png,2,top,x,good
"""


def lay(root: Path, table: str) -> list[Sample]:
    (root / "images").mkdir(parents=True)
    for name in "abcd":
        (root / "images" / f"{name}.png").write_bytes(encode_png(np.zeros((8, 8, 1), np.uint8)))
    (root / "table.csv").write_text(table)
    return read_samples("csv", root)


def joined(root: Path, table: str) -> list[Sample]:
    return apply_index(lay(root, table), root / "table.csv", part="part", view="view", lot="lot")


def test_table_with_a_view_column_gives_one_sample_per_part(tmp_path: Path) -> None:
    one, two = joined(tmp_path, TABLE)
    assert (one.part, one.label, one.views, one.view_labels) == ("1", "pit", ("top", "side"), (GOOD, "pit"))
    assert [path.name for path in one.images] == ["a.png", "b.png"]
    assert [path.name for path in two.images] == ["d.png", "c.png"]  # in the same order of views
    assert (two.label, two.lot) == (GOOD, "x")


def test_each_view_is_labelled_with_what_can_be_seen_in_it(tmp_path: Path) -> None:
    top, side = joined(tmp_path, TABLE)[0].each_view()
    assert (top.label, top.views, side.label, side.views) == (GOOD, ("top",), "pit", ("side",))
    assert top.each_view() == (top,)


def test_views_are_renamed_and_made_anomalies_with_their_part(tmp_path: Path) -> None:
    samples = joined(tmp_path, TABLE)
    hole = Entry(name="hole", description="goes through", severity="critical", aliases=("pit",))
    book = DefectBook(product="lid", labels=(hole,))
    assert renamed(samples, book)[0].view_labels == (GOOD, "hole")
    (one, _) = only_good_to_learn(samples)
    assert (one.label, one.view_labels, one.labels) == (ANOMALY, (GOOD, ANOMALY), (ANOMALY,))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("images/b.png,1,side", "images/b.png,1,top", "part 1 has two images of view top: a.png and b.png"),
        ("images/b.png,1,side", "images/b.png,1,back", "part 1 has no image of view side"),
        ("images/b.png,1,side", "images/b.png,1,", "b.png: has no view"),
        ("images/b.png,1,side,x", "images/b.png,1,side,y", "part 1: its views are of the lots x, y"),
    ],
)
def test_part_whose_views_do_not_fit_is_refused(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        joined(tmp_path, TABLE.replace(before, after))


def test_views_without_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="views belong to parts"):
        apply_index(lay(tmp_path, TABLE), tmp_path / "table.csv", view="view")


def test_index_names_the_golden_template_of_each_image(tmp_path: Path) -> None:
    table = TABLE.replace("label\n", "label,golden\n").replace("x,good\n", "x,good,../golden.png\n")
    samples = lay(tmp_path / "set", table.replace("x,pit\n", "x,pit,\n"))
    (tmp_path / "golden.png").write_bytes(encode_png(np.full((8, 8, 1), 9, np.uint8)))
    index = tmp_path / "set" / "table.csv"
    one, two, *_ = apply_index(samples, index, part="part", reference="golden")
    canvas = Canvas(32, 32, 1, 1, 0, paired=True)
    _, reference = read_view(one, canvas)
    assert reference is not None
    assert reference.max() == 9
    with pytest.raises(DataError, match=r"b\.png: has no golden template to compare with"):
        read_view(two, canvas)


def test_template_of_another_size_is_one_clear_error(tmp_path: Path) -> None:
    for name, size in (("image", 8), ("golden", 9)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.zeros((size, 8, 1), np.uint8)))
    sample = Sample((tmp_path / "image.png",), GOOD, references=(tmp_path / "golden.png",))
    with pytest.raises(DataError, match=r"golden\.png: is 8×9 pixels, its image .*image\.png 8×8"):
        read_view(sample, Canvas(32, 32, 1, 1, 0, paired=True))


def test_data_that_name_no_template_are_refused_before_anything_is_prepared(tmp_path: Path) -> None:
    splits = ("train", "train", "val", "test")
    header, *rows = TABLE.replace("good", "pit").splitlines()
    lines = [f"{header},split", *(f"{row},{split}" for row, split in zip(rows, splits, strict=True))]
    lay(tmp_path, "\n".join(lines))
    with pytest.raises(DataError, match=r"golden template, and 4 have none.*data\.reference_column"):
        InspectionData(
            tmp_path,
            "csv",
            Canvas(32, 32, 1, 1, 0, paired=True),
            index=tmp_path / "table.csv",
            split_column="split",
        )


def test_another_take_moves_the_template_by_two_pixels_at_most_and_repeats_itself() -> None:
    golden = np.full((40, 40, 1), 60, np.uint8)
    golden[18:22, 18:22] = 200
    taken = [another_take(golden, np.random.default_rng(seed)) for seed in range(40)]
    for image in taken:
        rows, columns, _ = np.nonzero(image > 130)
        assert abs(rows.mean() - 19.5) <= SHIFT_PX + 0.5  # half a pixel: the edge is softened
        assert abs(columns.mean() - 19.5) <= SHIFT_PX + 0.5
    assert len({image.tobytes() for image in taken}) == len(taken)
    assert np.array_equal(taken[3], another_take(golden, np.random.default_rng(3)))
