"""/quality: what it shows is what the library computes from ledger and decisions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taktsight.export.commands.recorded_verdicts import recorded_verdicts
from taktsight.inspect.review.store.values import Choice, Why
from taktsight.quality.kappas import cohen_kappa, fleiss_kappa
from taktsight.quality.pareto import pareto
from taktsight.records import Outcome

from .chromium import check_pages, chromium, context_of, needs_chromium
from .quality_bench import PATTERN, ServedBench, posted, served_bench

WORSE = [Outcome.REJECT if number % 2 else Outcome.PASS for number in range(40)]
"""The end of the shift: every second part is rejected."""
CELL = re.compile(r'data-value="([^"]*)"')


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBench]:
    with served_bench(tmp_path_factory.mktemp("quality"), [*PATTERN * 7, *WORSE]) as running:
        _review(running)
        yield running


def _review(bench: ServedBench) -> None:
    """Anna decides on what was rejected; ben and carla look again at some of it, blind."""
    for place, part in enumerate(bench.keys(Outcome.REJECT)[:24]):
        truth = "good" if place % 5 == 0 else "spot"
        bench.decide("anna", part, truth)
        if place % 2:
            bench.decide("ben", part, "good" if place in (3, 9) else truth, why=Why.SECOND, blind=True)
        if place % 3 == 0:
            bench.decide("carla", part, truth if place else "spot", why=Why.SECOND, blind=True)
        if place in (2, 4, 8):
            bench.decide("ben", part, "good" if place == 4 else truth, why=Why.KNOWN)


def test_the_pareto_is_that_of_the_command_line(bench: ServedBench) -> None:
    counts: Counter[str] = Counter()
    for verdict in recorded_verdicts(bench.records.folder):
        if verdict.outcome in (Outcome.REJECT, Outcome.REVIEW):
            counts.update(verdict.labels)
    page = bench.client("anna").get("/quality").text
    for row in pareto({label: float(count) for label, count in counts.items()}):
        assert f"{row.count:.0f} · {row.share:.1%}" in page


def test_the_control_chart_is_that_of_the_command_line(bench: ServedBench, tmp_path: Path) -> None:
    out = tmp_path / "chart.json"
    command = [sys.executable, "-m", "taktsight.cli", "spc", "p", "--records", str(bench.records.folder)]
    subprocess.run([*command, "--per", "20", "--json", str(out)], check=False, capture_output=True)
    wanted = json.loads(out.read_text())
    page = bench.client("anna").get("/quality?counted=REJECT&kind=p&per=20").text
    table = page.partition('id="control"')[2].partition('id="hits"')[0]
    assert [float(value) for value in CELL.findall(table)] == [point["value"] for point in wanted["points"]]
    hits = page.partition('id="hits"')[2].partition("</div>")[0]
    assert wanted["hits"], "the end of the shift must be noticed"
    assert list(re.findall(r"<code>([\w-]+)</code>", hits)) == [hit["rule"] for hit in wanted["hits"]]


@pytest.mark.parametrize(
    "query", ["kind=g", "kind=laney-p&per=20", "kind=p&counted=UNINSPECTED&per=20", "run=nothing"]
)
def test_every_chart_answers(bench: ServedBench, query: str) -> None:
    answer = bench.client("anna").get(f"/quality?{query}")
    assert answer.status_code == 200
    assert 'class="drawn"' in answer.text


def test_kappas_are_those_of_the_decisions(bench: ServedBench) -> None:
    said: dict[str, dict[str, int]] = {}
    for decision in bench.bench.store.decisions(most=10_000):
        if decision.why is not Why.KNOWN:
            said.setdefault(str(decision.part), {})[decision.reviewer] = int(decision.truth != "good")
    both = np.array([[row["anna"], row["ben"]] for row in said.values() if "ben" in row], dtype=np.intp)
    kappa = cohen_kappa(both[:, :1], both[:, 1:], 2)
    firsts = np.array([list(row.values())[:2] for row in said.values() if len(row) > 1], dtype=np.intp)
    page = bench.client("carla").get("/quality").text
    assert kappa.value is not None
    assert kappa.low is not None
    assert kappa.high is not None
    assert f"{kappa.value:.3f} [{kappa.low:.2f}, {kappa.high:.2f}]" in page
    assert f">{fleiss_kappa(firsts, 2).value:.2f}" in page


def test_known_parts_say_how_many_were_right(bench: ServedBench) -> None:
    page = bench.client("carla").get("/quality").text
    row = page.partition('id="reviewers"')[2].partition(">ben<")[2].partition("</tr>")[0]
    assert "2/3" in row


def test_a_reviewer_sees_their_own_row_and_no_name(bench: ServedBench) -> None:
    page = bench.client("ben").get("/quality").text
    own = page.partition('id="reviewers"')[2]
    assert "You" in own
    assert "2/3" in own
    assert "anna" not in page
    assert "carla" not in page


def test_an_opinion_that_was_undone_counts_no_more(tmp_path: Path) -> None:
    with served_bench(tmp_path, PATTERN) as own:
        part = own.keys(Outcome.REJECT)[0]
        decision = own.decide("anna", part, "spot")
        client = own.client("anna")
        assert (
            "spot"
            in client.get("/quality").text.partition("What reviewers found")[2].partition("</figure>")[0]
        )
        own.bench.store.undo("anna", decision.id, "slipped")
        found = client.get("/quality").text.partition("What reviewers found")[2].partition("</figure>")[0]
        assert "No reviewed part was defective" in found


def test_figures_are_computed_once_for_as_long_as_nothing_is_new(bench: ServedBench) -> None:
    client = bench.client("anna")
    client.get("/quality")
    figures = bench.bench.shared["figures"]
    before = figures.computed
    client.get("/quality")
    assert figures.computed == before
    skipped = bench.keys(Outcome.REVIEW)[0]
    bench.decide("anna", skipped, "good", choice=Choice.SKIP)
    client.get("/quality")
    assert figures.computed > before


def test_limits_are_frozen_with_a_reason_and_stand_in_the_log(tmp_path: Path) -> None:
    with served_bench(tmp_path, [*PATTERN * 3, *WORSE]) as own:
        chart = {"kind": "p", "counted": "REJECT", "per": "20", "run": ""}
        engineer = own.client("emil")
        assert posted(own.client("anna"), "/quality/limits", chart, "/studies").status_code == 403
        refused = posted(engineer, "/quality/limits", chart, "/quality")
        assert refused.status_code == 422
        assert "is out" in refused.text
        assert (
            posted(engineer, "/quality/limits", chart | {"why": "known: new film"}, "/quality").status_code
            == 303
        )
        page = engineer.get("/quality?kind=p&counted=REJECT&per=20").text
        assert "Phase II" in page
        assert "Phase I<" in engineer.get("/quality?kind=p&counted=REJECT&per=50").text
        posted(engineer, "/quality/limits", chart | {"why": "another film", "release": "1"}, "/quality")
        assert "Phase I<" in engineer.get("/quality?kind=p&counted=REJECT&per=20").text
        rows = [row for row in own.bench.store.log(most=10_000) if "limits" in row.action]
        assert [(row.actor, row.action, row.reason) for row in rows] == [
            ("emil", "freeze limits", "known: new film"),
            ("emil", "release limits", "another film"),
        ]
        assert own.bench.store.verify().is_whole


def test_nobody_without_a_session_sees_it(bench: ServedBench) -> None:
    answer = bench.client().get("/quality")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@needs_chromium
def test_pages_in_a_browser(bench: ServedBench, tmp_path: Path) -> None:
    with chromium() as browser:
        check_pages(browser, bench, "emil", ["/quality", "/quality?kind=g"], tmp_path)
        check_pages(browser, bench, "anna", ["/quality"], tmp_path)
        context = context_of(browser, bench, "emil", has_script=False)
        page = context.new_page()
        page.goto(f"{bench.url}/quality")
        page.select_option("[name=counted]", "REVIEW")
        page.click(".filters button")
        assert "Control chart: REVIEW" in page.inner_text("main")
        assert page.locator("svg.drawn").count() >= 2
        context.close()
