"""Looks at the test split are counted, whichever run they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError
from taktsight.training.test_looks import FILE, count_look

ROOT = Path("product")
TEST = [Sample((ROOT / "good" / "1.png",), GOOD), Sample((ROOT / "pit" / "2.png",), "pit")]


def look(runs: Path, weights: str, test: list[Sample] = TEST) -> int:
    return count_look(runs, date="2026-11-23", run="tiles", weights=weights, test=test, root=ROOT)


def test_each_model_counts_once(tmp_path: Path) -> None:
    assert [look(tmp_path, weights) for weights in ("a", "b", "b", "a", "c")] == [1, 2, 2, 2, 3]
    assert len((tmp_path / FILE).read_text().splitlines()) == 6


def test_another_test_split_is_counted_for_itself(tmp_path: Path) -> None:
    assert look(tmp_path, "a") == 1
    assert look(tmp_path, "b", TEST[:1]) == 1
    assert look(tmp_path, "b", TEST[::-1]) == 2  # the order is not the split


def test_label_that_was_corrected_makes_another_test_split(tmp_path: Path) -> None:
    look(tmp_path, "a")
    assert look(tmp_path, "b", [TEST[0], Sample(TEST[1].images, "scratch")]) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b"when,who\nnow,me\n"])
def test_record_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match="is not the record of looks"):
        look(tmp_path, "a")
