"""The acceptance report as a page: numbers with sources, the same bytes again, what is not shown named."""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from taktsight.cli import main
from taktsight.inspect.ledger import Ledger

from .acceptance_evidence import digest, evidence, report, table


def test_every_number_has_a_source_with_the_digest_of_its_file(
    place: Path, whole: tuple[Path, Any]
) -> None:
    figures = whole[1]
    sources = {each["name"]: each for each in figures["sources"]}
    for name in ("parts.csv", "agreed.yaml", "targets.csv", "looks.csv", "gage.csv", "audit.csv"):
        assert sources[name]["sha256"] == digest(place / name)
    assert sources["certified.taktsight"]["sha256"] == digest(place / "certified.taktsight")
    ledger = Ledger.open(place / "records")
    assert sources["records"]["sha256"] == ledger.verify().head
    ledger.close()
    markers = {each["marker"] for each in figures["sources"]}
    used = set(re.findall(r'"(D\d+)"', json.dumps(figures)))
    assert used <= markers
    measured = [each for each in figures["criteria"] if each["measured"]]
    assert all(each["sources"] for each in measured)


def test_page_needs_no_script_no_network_and_no_other_file(whole: tuple[Path, Any]) -> None:
    page = (whole[0] / "acceptance.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert set(re.findall(r"https?://[^\"' <)]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    named = set(re.findall(r'href="#(D\d+)"', page))
    assert named
    assert named <= set(re.findall(r'<tr id="(D\d+)"', page))


def test_every_chart_is_described_and_has_its_figures_beside_it(whole: tuple[Path, Any]) -> None:
    page = (whole[0] / "acceptance.html").read_text(encoding="utf-8")
    charts = re.findall(r"<svg[^>]*>", page)
    assert len(charts) == 9  # rates, scores, trade-off, POD, agreement, gage, timing, control, Pareto
    assert all(re.search(r'role="img" aria-label="[^"]{20,}"', chart) for chart in charts)
    for section in re.findall(r"<section.*?</section>", page, flags=re.DOTALL):
        assert ("<svg" in section) <= ("<table" in section)
    levels = [int(level) for level in re.findall(r"<h(\d)>", page)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_same_inputs_give_the_same_bytes(place: Path, whole: tuple[Path, Any], tmp_path: Path) -> None:
    report(place, tmp_path, *evidence(place))
    for name in ("acceptance.html", "acceptance.json"):
        assert (tmp_path / name).read_bytes() == (whole[0] / name).read_bytes()


def test_day_comes_from_argument_or_data(place: Path, whole: tuple[Path, Any], tmp_path: Path) -> None:
    assert whole[1]["date"] == "2030-01-01"  # of the ledger, the newest
    assert report(place, tmp_path, "--date", "2031-02-03")[1]["date"] == "2031-02-03"
    plain = [str(place / "plain.taktsight"), str(place / "parts.csv"), "--no-pdf", "--out", str(tmp_path)]
    assert main(["report", *plain]) == 2


def test_what_is_not_given_is_named(place: Path, tmp_path: Path) -> None:
    status, figures = report(place, tmp_path, "--date", "2030-01-01", bundle="plain.taktsight")
    said = {each["what"]: each["why"] for each in figures["not_shown"]}
    assert status == 0
    assert figures["verdict"].startswith("No criteria were agreed")
    assert {
        "certificate",
        "agreed criteria",
        "defect catalogue",
        "probability of detection by size",
        "agreement of people and machine",
        "gage R&R",
        "cycle times and verdicts of the line",
        "escapes in production",
        "drift",
        "station",
    } <= set(said)
    page = (tmp_path / "acceptance.html").read_text(encoding="utf-8")
    assert "no agreement study was given" in page


def test_names_of_others_are_text_in_the_page(place: Path, tmp_path: Path) -> None:
    hostile = "<script>alert('$x$')</script>"
    rows = [
        (f"P{part}", who, "PASS" if part % 2 else "REJECT") for part in range(9) for who in (hostile, "b")
    ]
    looks = table(tmp_path / "looks <b>.csv", ("part", "appraiser", "verdict"), rows)
    report(place, tmp_path, "--agreement", str(looks), "--population", hostile)
    page = (tmp_path / "acceptance.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "looks <b>" not in page
    assert "&lt;script&gt;alert" in page


def test_pdf_is_set_without_another_file(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed", exc_type=ImportError)
    done = main(
        ["report", str(place / "certified.taktsight"), str(place / "parts.csv"), "--out", str(tmp_path)]
    )
    assert done == 0
    assert (tmp_path / "acceptance.pdf").read_bytes().startswith(b"%PDF-")


def test_without_weasyprint_it_says_what_to_install(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    done = main(
        ["report", str(place / "certified.taktsight"), str(place / "parts.csv"), "--out", str(tmp_path)]
    )
    assert done == 2
    said = capsys.readouterr().err
    assert "taktsight[report]" in said
    assert "libpango" in said
    assert list(tmp_path.iterdir()) == []
