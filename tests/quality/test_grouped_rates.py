"""Rates by label, size, lot, station and camera: parts are counted, once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.errors import DataError
from taktsight.quality.grouped_rates import Overview, overview, size_bin
from taktsight.quality.parts_file import read_parts
from taktsight.quality.rates import lower_bound, review_load, upper_bound, wilson_lower, wilson_upper

TABLE = """part,truth,lot,station,size_mm,outcome
a,pit,L1,S1,0.15,PASS
b,pit,L1,S1,0.30,REJECT
c,pit|crack,L2,S2,0.90,REVIEW
d,crack,L2,S2,,UNINSPECTED
e,good,L1,S1,,PASS
f,good,L1,S2,,REVIEW
g,good,L2,S2,,REJECT
h,good,L2,S2,,UNINSPECTED
"""


def seen(tmp_path: Path, table: str = TABLE) -> Overview:
    path = tmp_path / "parts.csv"
    path.write_text(table, encoding="utf-8")
    return overview(read_parts(path))


def counts(made: Overview) -> dict[str, tuple[int, ...]]:
    """Escapes of defective, overkills of good, reviews of all parts, by group."""
    return {
        f"{each.by} {each.name}".strip(): (
            each.escape.events,
            each.escape.parts,
            *((each.overkill.events, each.overkill.parts) if each.overkill else (0, 0)),
            each.review.events,
            each.review.parts,
        )
        for each in made.groups
    }


def test_every_group_is_counted_in_parts(tmp_path: Path) -> None:
    assert counts(seen(tmp_path)) == {
        "all": (1, 4, 3, 4, 2, 8),
        "label crack": (0, 2, 0, 0, 1, 2),
        "label pit": (1, 3, 0, 0, 1, 3),
        "size 0.1–0.2 mm": (1, 1, 0, 0, 0, 1),
        "size 0.2–0.4 mm": (0, 1, 0, 0, 0, 1),
        "size 0.8–1.6 mm": (0, 1, 0, 0, 1, 1),
        "lot L1": (1, 2, 1, 2, 1, 4),
        "lot L2": (0, 2, 2, 2, 1, 4),
        "station S1": (1, 2, 0, 1, 0, 3),
        "station S2": (0, 2, 3, 3, 2, 5),
    }


def test_views_are_one_part_and_each_camera_is_counted_for_itself(tmp_path: Path) -> None:
    made = seen(
        tmp_path,
        "part,camera,truth,outcome\na,top,pit,PASS\na,side,pit,REJECT\nb,top,good,PASS\nb,side,good,PASS\n",
    )
    assert counts(made) == {
        "all": (0, 1, 0, 1, 0, 2),
        "label pit": (0, 1, 0, 0, 0, 1),
        "camera side": (0, 1, 0, 1, 0, 2),
        "camera top": (1, 1, 0, 1, 0, 2),
    }


def test_lots_are_known_to_the_interval(tmp_path: Path) -> None:
    made = seen(tmp_path)
    assert made.escape_by_lot is not None
    assert made.escape_by_lot.lots == 2
    assert seen(tmp_path, "part,truth,outcome\na,pit,PASS\nb,good,PASS\n").escape_by_lot is None


def test_without_verdicts_there_is_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column outcome: is missing"):
        seen(tmp_path, "part,truth\na,pit\n")


def test_bins_double_and_their_starts_belong_to_them() -> None:
    assert [size_bin(size) for size in (0.05, 0.0999, 0.1, 0.1999, 0.2, 0.4, 3.2)] == [
        -1,
        -1,
        0,
        0,
        1,
        2,
        5,
    ]


def test_one_sided_bounds() -> None:
    assert upper_bound(0, 299) < 0.01 < upper_bound(0, 298)
    assert upper_bound(5, 5) == 1.0
    assert lower_bound(0, 5) == 0.0
    assert lower_bound(5, 5) == pytest.approx(0.05**0.2)
    assert wilson_lower(3, 40) < 3 / 40 < wilson_upper(3, 40) < upper_bound(3, 40)
    for bound in (wilson_lower, wilson_upper):
        with pytest.raises(ValueError, match=r"above 0\.5"):
            bound(1, 10, 0.4)
    assert str(review_load([True, False, False, False])) == "25.00% [0.63%, 80.59%] (1/4)"
