"""Every mistake in a table is told with its row, its column and what was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.errors import DataError
from taktsight.quality.tables import Table, parse_table, read_table


def table(text: str) -> Table:
    return parse_table(text, "t.csv")


def test_cells_are_read_and_rows_are_called_by_their_line() -> None:
    read = table("size_mm, hit ,id\n0.5,1,a\n\n 2 ,0,b\n")
    assert read.numbers("size_mm").tolist() == [0.5, 2.0]
    assert read.flags("hit").tolist() == [True, False]
    assert read.lines == (2, 4)
    assert read.unit_of("size_mm") == "mm"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("size_mm", "mm"),
        ("length.inch", "in"),
        ("size (mm)", "mm"),
        ("size", None),
        ("mm", None),
        ("a_b", None),
    ],
)
def test_unit_stands_at_the_end_of_a_name(name: str, unit: str | None) -> None:
    assert table(f"{name}\n1\n").unit_of(name) == unit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.csv: is empty; a first line that names the columns is wanted"),
        ("size,hit\n", "t.csv: is empty: no row stands below the header"),
        ("size,size\n1,2\n", "column 'size' stands twice"),
        ("size,\n1,2\n", "column 2 has no name"),
        ("size;hit\n1;2\n", "parted by ';'"),
        ("size,hit\n1\n", "row 2 has 1 cells, the header has 2"),
        ('size,hit\n1,"2\n', "is not CSV"),
    ],
)
def test_what_is_no_table_is_refused(text: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        table(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("nan", "row 3, column 'size': 'nan' is not a finite number"),
        ("inf", "'inf' is not a finite number"),
        ("1_000", "'1_000' is not a finite number"),
        ("0.3 in", "'0.3 in' is not a finite number, with a point; name the unit 'in' in the header"),
        ('"0,3"', "write 0.5, not 0,5"),
    ],
)
def test_wrong_number_is_named_with_its_place(cell: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        table(f"size\n1\n{cell}\n").numbers("size")
    assert said in str(error.value)


def test_empty_cell_is_named_with_its_place() -> None:
    with pytest.raises(DataError, match=r"t.csv: row 3, column 'size': is empty"):
        table("size,hit\n1,1\n,1\n").numbers("size")


def test_other_kinds_of_cells_are_checked() -> None:
    read = table("n,hit,id,unit\n3,1,a,mm\n2.5,2,a,in\n")
    for ask, said in (
        (lambda: read.counts("n"), "row 3, column 'n': '2.5' is not a whole number"),
        (lambda: read.flags("hit"), "row 3, column 'hit': '2' is not 1 or 0"),
        (lambda: read.unique("id"), "row 3, column 'id': 'a' stands in row 2 already"),
        (read.check_one_unit, "row 3, column 'unit': 'in' after 'mm'"),
        (lambda: read.text("size"), "there is no column 'size'; it has 'n', 'hit', 'id', 'unit'"),
    ):
        with pytest.raises(DataError) as error:
            ask()
        assert said in str(error.value)


def test_times_must_rise() -> None:
    read = table("time\n2030-01-02T10:00:00Z\n2030-01-02T11:00:00+00:00\n2030-01-02T10:30:00\n")
    with pytest.raises(DataError, match=r"row 4, column 'time': lies before the row above it"):
        read.times("time")
    assert table("time\n0\n5\n5\n").times("time").tolist() == [0, 5, 5]
    with pytest.raises(DataError, match="'yesterday' is not an ISO date"):
        table("time\nyesterday\n").times("time")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("t.csv", "nothing.csv"):
        with pytest.raises(DataError, match="cannot be read as a CSV file in UTF-8"):
            read_table(tmp_path / name)


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("\ufeffsize\n1\n".encode())
    read = read_table(tmp_path / "t.csv")
    assert read.columns == ("size",)  # without the mark at its start
    assert len(read.sha256) == 64
