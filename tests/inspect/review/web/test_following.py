"""The bench reads the line's records on by itself, and says where it has not come to the end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from taktsight.inspect.review.web import following
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.opening import open_bench

from ..records import PASS, REJECT, make_records
from .running_bench import make_admin, running_bench

BEING_READ = "still being read"


def test_queue_is_full_before_any_other_page_was_opened(tmp_path: Path) -> None:
    made = make_records(tmp_path, [PASS, REJECT, REJECT], views=("top",), size_px=(32, 32))
    with running_bench(made.folder) as bench:
        make_admin(bench)
        page, until_s = "", time.monotonic() + 60
        with bench.signed_in() as browser:
            while "2 parts wait" not in page and time.monotonic() < until_s:
                page = browser.get("/review").text
                time.sleep(0.2)
        assert "2 parts wait" in page
        assert BEING_READ not in page


def test_bench_knows_that_records_are_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_records(tmp_path, [PASS, REJECT], views=("top",), size_px=(32, 32))
    bench = open_bench(made.folder, Address("127.0.0.1", 0))
    assert not following.is_behind(bench), "a few rows are what a running line is ahead by"
    monkeypatch.setattr(following, "FEW_ROWS", 0)
    assert following.is_behind(bench)
    following.follow_ledger(bench)
    until_s = time.monotonic() + 60
    while following.is_behind(bench) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not following.is_behind(bench)
    bench.stop()
