"""The table of parts: read whole, or refused with the row and the column."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import DataError
from taktsight.quality.parts import one_row_each
from taktsight.quality.parts_file import file_digest, read_parts, truths_of, unscored

from .made_up import make_parts, write_table

HEADER = "part,truth,score:pit\n"


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "parts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_parts(path)
    return str(caught.value).replace(f"{path}: ", "")


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    parts = make_parts(2500, 2600, labels=2, lots=7)  # more than one chunk of rows
    read = read_parts(write_table(tmp_path / "parts.csv", parts))
    assert read.labels == parts.labels
    assert np.array_equal(read.scores, parts.scores)
    assert np.array_equal(read.is_defective, parts.is_defective)
    assert truths_of(read) == {"good": 2600, "label 0": 1250, "label 1": 1250}
    assert set(read.groups) == {"lot"}
    assert unscored(read) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (HEADER, "has no row below its column names"),
        ("part,score:pit\na,0.1\n", "row 1: has no column truth"),
        ("part,truth,truth\na,good,good\n", "row 1: the column 'truth' stands twice"),
        ("part,truth,lto\na,good,x\n", "row 1, column lto: there is no such column; did you mean 'lot'?"),
        ("part,truth,size_px\na,good,3\n", "row 1, column size_px: sizes are read in mm alone"),
        (HEADER + "a,good,0.1\nb,pit\n", "row 3: has 2 cells, row 1 has 3"),
        (HEADER + "a,good,0.1\n\nb,pit,0.2\n", "row 3: has 0 cells"),
        (HEADER + "a,good,0.1\nb,pit,nan\n", "row 3, column score:pit: nan is no score"),
        (HEADER + "a,good,0.1\nb,pit,1.5\n", "row 3, column score:pit: 1.5 is no score"),
        (HEADER + "a,good,-0.1\n", "row 2, column score:pit: -0.1 is no score"),
        (HEADER + "a,good,high\n", "row 2, column score:pit: 'high' is no number"),
        (HEADER + "a,good,\n", "row 2, column score:pit: '' is no number"),
        (HEADER + "a,good,0.1\nb,good,0.1\na,pit,0.2\n", "row 4, column part: 'a' stands in row 2 already"),
        (HEADER + "a,good,0.1\n,pit,0.2\n", "row 3, column part: is empty"),
        (HEADER + "a,,0.1\n", "row 2, column truth: '' is no truth"),
        (HEADER + "a,good|pit,0.1\n", "row 2, column truth: 'good|pit' is no truth"),
        (HEADER + "a,pit|,0.1\n", "row 2, column truth: 'pit|' is no truth"),
        ("part,truth,size_mm\na,pit,0.4\nb,pit,0.4 mm\n", "row 3, column size_mm: '0.4 mm' is no number"),
        ("part,truth,size_mm\na,pit,nan\n", "row 2, column size_mm: nan is no size in mm"),
        ("part,truth,size_mm\na,pit,-1\n", "row 2, column size_mm: -1 is no size in mm"),
        ("part,truth,outcome\na,good,PASS\nb,pit,OK\n", "row 3, column outcome: 'OK' is no verdict"),
        (
            "part,camera,truth,lot\na,top,good,L1\nb,top,good,L2\na,side,good,L2\n",
            "row 4, column lot: 'a' is of lot 'L1' in an earlier row",
        ),
        ("part,truth,split\na,good,test\nb,pit,train\n", "row 3, column split: 'train'"),
        ("part,truth,split\na,good,test\nb,pit,val\n", "row 3, column split: 'val'"),
    ],
)
def test_bad_table_is_one_sentence_with_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, text).startswith(said)


def test_row_far_down_is_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    rows = "".join(f"p{number},good,0.1\n" for number in range(5000))
    assert refused(tmp_path, HEADER + rows + "x,pit,2\n").startswith("row 5002, column score:pit")
    assert refused(tmp_path, HEADER + rows + "p17,pit,0.2\n").startswith(
        "row 5002, column part: 'p17' stands in row 19"
    )


def test_absent_file_and_foreign_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_parts(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="cannot be read"):
        file_digest(tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + "ä,good,0.1\n".encode("latin-1"))
    with pytest.raises(DataError, match="cannot be read"):
        read_parts(tmp_path / "latin.csv")


def test_column_that_nobody_knows_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    path.write_text("part,truth,operator\na,good,anna\n", encoding="utf-8")
    assert len(read_parts(path, ignored=["operator"])) == 1


def test_two_orders_of_labels_are_one_truth(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    path.write_text("part,truth\na,pit|crack\nb,crack|pit\nc,good\n", encoding="utf-8")
    assert truths_of(read_parts(path)) == {"good": 1, "crack|pit": 2}


def test_rows_of_the_cameras_become_one_part(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    path.write_text(
        "part,camera,truth,outcome,size_mm,score:pit\na,top,good,PASS,,0.1\na,side,pit,REVIEW,0.3,0.7\n"
        "b,side,good,PASS,,0.2\nb,top,good,PASS,,0.3\n",
        encoding="utf-8",
    )
    each = one_row_each(read_parts(path))
    assert [each.truth.names[code] for code in each.truth.codes] == ["pit", "good"]
    assert each.scores[:, 0].tolist() == [0.7, 0.3]
    assert each.outcome is not None
    assert each.outcome.tolist() == [1, 0]
    assert each.size_mm is not None
    assert each.size_mm[0] == 0.3
    assert np.isnan(each.size_mm[1])


def test_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    path = write_table(tmp_path / "parts.csv", make_parts(5, 5))
    assert file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
