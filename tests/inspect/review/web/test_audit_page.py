"""/audit: drawn and bounded as the library does it, by the first parts of the drawn order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from taktsight.inspect.review.audits.drawing import audits
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.store.values import Choice, PartKey, Why
from taktsight.quality.audit_draw import draw
from taktsight.quality.audit_estimate import any_time_upper, estimate
from taktsight.quality.audit_file import read_audit
from taktsight.records import Outcome

from .chromium import check_pages, chromium, context_of, needs_chromium
from .quality_bench import ServedBench, posted, served_bench

ASKED = {"parts": "40", "claim_ppm": "100000", "seed": "7", "by": "", "allocation": "proportional"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBench]:
    with served_bench(tmp_path_factory.mktemp("audit")) as running:
        assert posted(running.client("carla"), "/audit", ASKED, "/audit").status_code == 303
        yield running


def look(bench: ServedBench, places: list[int], truth: str = "good") -> None:
    """Anna looks at drawn parts."""
    for place in places:
        part = audits(bench.bench.store)[-1].parts[place].key
        choice = Choice.CONFIRM if truth == "good" else None
        bench.decide("anna", part, truth, why=Why.AUDIT, choice=choice)


def bound(page: str) -> str:
    found = re.search(r'id="bound">.*?class="value">([\d,–]+)', page, re.S)
    assert found
    return found[1]


def test_it_is_drawn_as_the_library_draws(bench: ServedBench) -> None:
    audit = audits(bench.bench.store)[0]
    passed = {str(key): "all" for key in bench.keys(Outcome.PASS)}
    assert [str(part.key) for part in audit.parts] == [one.part for one in draw(passed, 40, 7)]
    assert audit.passed == len(passed)
    assert audit.others == {"REJECT": 16, "REVIEW": 16, "UNINSPECTED": 8}


def test_the_queue_leads_to_the_drawn_parts(bench: ServedBench) -> None:
    queue = Queue(bench.bench.index, bench.bench.store)
    waiting = {item.part.key for item in queue.page(most=200).items if Why.AUDIT in item.whys}
    assert waiting >= {part.key for part in audits(bench.bench.store)[0].parts[20:]}


def test_only_first_parts_of_the_order_are_counted(tmp_path: Path) -> None:
    with served_bench(tmp_path) as own:
        posted(own.client("carla"), "/audit", ASKED, "/audit")
        client = own.client("anna")
        assert bound(client.get("/audit").text) == "–"
        look(own, [0, 1, 2, 3, 5, 6, 7, 30])
        page = client.get("/audit").text
        assert bound(page) == f"{any_time_upper(0, 4, 0.05) * 1e6:,.0f}"
        assert "8 of 40 looked at" in page
        assert "4 parts are looked at and not counted yet" in page
        look(own, [4], "spot")
        page = client.get("/audit").text
        assert bound(page) == f"{any_time_upper(1, 8, 0.05) * 1e6:,.0f}"
        assert "1 escape among them" in page


def test_somebody_who_looked_at_the_part_writes_it_down(bench: ServedBench) -> None:
    client = bench.client("anna")
    page = client.get("/audit").text
    sent = dict(
        re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.partition('action="/audit/look"')[2])
    )
    named = posted(client, "/audit/look", sent | {"truth": "defective", "label": ""}, "/audit")
    assert named.status_code == 422
    assert "Say which defect" in named.text
    assert posted(client, "/audit/look", sent | {"truth": "good"}, "/audit").status_code == 303
    part = PartKey.parse(sent["part"])
    (decision,) = bench.bench.store.decisions_of(part)
    assert (decision.why, decision.truth, decision.reviewer) == (Why.AUDIT, "good", "anna")
    other = sent | {"truth": "good", "request_id": "another-request"}
    assert posted(bench.client("ben"), "/audit/look", other, "/audit").status_code == 409
    strange = other | {"part": str(bench.keys(Outcome.REJECT)[0])}
    assert posted(client, "/audit/look", strange, "/audit").status_code == 422


def test_a_complete_list_gives_the_same_figures_at_the_command_line(tmp_path: Path) -> None:
    with served_bench(tmp_path) as own:
        carla = own.client("carla")
        asked = ASKED | {"parts": "24", "by": "score", "allocation": "equal"}
        assert posted(carla, "/audit", asked, "/audit").status_code == 303
        audit = audits(own.bench.store)[0]
        look(own, list(range(1, len(audit.parts))))
        look(own, [0], "spot")
        (tmp_path / "audit.csv").write_bytes(carla.get(f"/audit/{audit.id}.csv").content)
        figures = estimate(read_audit(tmp_path / "audit.csv"))
        page = carla.get("/audit").text
        assert bound(page) == f"{figures.ppm_upper_any_time:,.0f}"
        assert f">{figures.ppm.value:,.0f}</td>" in page
        assert f">{figures.escaped.high:,.1f}</td>" in page


def test_a_larger_audit_contains_the_smaller_one(tmp_path: Path) -> None:
    with served_bench(tmp_path) as own:
        carla = own.client("carla")
        posted(carla, "/audit", ASKED, "/audit")
        look(own, [0, 1, 2])
        (small,) = audits(own.bench.store)
        grown = {"audit": str(small.id), "parts": "60"}
        assert posted(own.client("anna"), "/audit/grow", grown, "/audit").status_code == 403
        assert posted(carla, "/audit/grow", grown, "/audit").status_code == 303
        large = audits(own.bench.store)[-1]
        assert large.parts[: len(small.parts)] == small.parts
        assert len(large.parts) == 60
        assert "3 of 60 looked at" in carla.get("/audit").text
        assert own.bench.store.verify().is_whole


def test_who_may_what(bench: ServedBench) -> None:
    audit = audits(bench.bench.store)[0]
    assert posted(bench.client("anna"), "/audit", ASKED, "/audit").status_code == 403
    assert bench.client("anna").get(f"/audit/{audit.id}.csv").status_code == 403
    assert bench.client("otto").get(f"/audit/{audit.id}.csv").status_code == 200
    assert bench.client("carla").get("/audit/999999.csv").status_code == 404
    assert posted(bench.client("carla"), "/audit", ASKED | {"parts": "0"}, "/audit").status_code == 422
    assert posted(bench.client("carla"), "/audit", ASKED | {"since": "soon"}, "/audit").status_code == 422


@needs_chromium
def test_pages_in_a_browser(bench: ServedBench, tmp_path: Path) -> None:
    with chromium() as browser:
        check_pages(browser, bench, "carla", ["/audit"], tmp_path)
        context = context_of(browser, bench, "anna", has_script=False)
        page = context.new_page()
        page.goto(f"{bench.url}/audit")
        part = page.locator("#next .serial").inner_text()
        page.click("#next summary") if not page.locator("#next details[open]").count() else None
        page.click("button[value=good]")
        assert page.locator("#next .serial").inner_text() != part
        assert "Written down" in page.inner_text("main")
        context.close()
