"""The page of figures says what the results say."""

from __future__ import annotations

import json

from taktsight.benchmarks.accuracy_table import PAGE, REACH, page
from taktsight.benchmarks.measured import RESULTS


def test_page_is_that_of_the_results() -> None:
    rows = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(rows)


def test_what_was_not_measured_is_not_left_out() -> None:
    nothing = page([])
    assert nothing.count("not measured yet") == len(REACH)
