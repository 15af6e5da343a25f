"""/studies: planned, looked at blind by two people in a browser, and reported as the library reports it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from taktsight.export.commands.study_sheets import read_looks
from taktsight.inspect.review.store.values import Choice, Why
from taktsight.inspect.review.studies.book import Studies
from taktsight.inspect.review.studies.values import Study
from taktsight.quality.agreement import Agreement, agreement
from taktsight.quality.agreement_looks import looks_of
from taktsight.records import Outcome

from .chromium import check_pages, chromium, context_of, needs_chromium, sign_in
from .quality_bench import PATTERN, ServedBench, posted, served_bench

PARTS, TRIALS = 6, 2


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBench]:
    with served_bench(tmp_path_factory.mktemp("studies"), PATTERN * 3) as running:
        for part in running.keys(Outcome.REJECT):
            running.decide("carla", part, "spot")
        for part in running.keys(Outcome.PASS)[:8]:
            running.decide("carla", part, "good", why=Why.AUDIT, choice=Choice.CONFIRM)
        yield running


def planned(bench: ServedBench, name: str, **fields: str | list[str]) -> Study:
    usual: dict[str, str | list[str]] = {
        "name": name,
        "source": "settled",
        "parts": str(PARTS),
        "trials": str(TRIALS),
        "appraiser": ["anna", "ben"],
        "machine": "1",
    }
    answer = posted(bench.client("carla"), "/studies", usual | fields, "/studies")
    assert answer.status_code == 303, answer.text
    return Studies(bench.bench.store).all()[0]


def look_through(bench: ServedBench, study: Study, who: str, mistakes: int) -> None:
    """Takes all looks of somebody by the store, with some mistakes."""
    studies = Studies(bench.bench.store)
    chance = Random(who)
    wrong = set(chance.sample(range(study.looks_each), mistakes))
    for place, due in enumerate(study.looks_of(who)):
        is_good = (due.reference == "good") != (place in wrong)
        studies.answer(who, study.id, due.code, "good" if is_good else "not good", 1500)


def of_table(path: Path) -> Agreement:
    """As ``taktsight study agreement`` computes it from the page's CSV."""
    rows = read_looks(path, "verdict")
    looks = looks_of(
        rows.parts,
        rows.appraisers,
        rows.answers,
        good=("good", "PASS"),
        trials=rows.trials,
        references=rows.references,
    )
    return agreement(looks)


@needs_chromium
def test_two_people_take_a_study_in_the_browser(bench: ServedBench, tmp_path: Path) -> None:
    with chromium() as browser:
        context = context_of(browser, bench, "carla")
        page = context.new_page()
        page.goto(f"{bench.url}/studies")
        if page.locator("details:not([open]) summary").count():
            page.click("details summary")
        page.fill("[name=name]", "Spots, blind")
        page.fill("[name=parts]", str(PARTS))
        for name in ("anna", "ben"):
            page.check(f"input[value={name}]")
        page.click("button.main")
        assert "Planned" in page.inner_text("main")
        context.close()
        study = next(each for each in Studies(bench.bench.store).all() if each.name == "Spots, blind")
        for name, has_script in (("anna", True), ("ben", False)):
            context = browser.new_context(java_script_enabled=has_script, locale="en-GB")
            page = context.new_page()
            sign_in(page, bench, name)
            page.goto(f"{bench.url}/studies/{study.id}")
            assert "until then it would guide you" in page.inner_text("main")
            page.click("a.button.main")
            for number, due in enumerate(study.looks_of(name), start=1):
                assert f"Look {number} of {study.looks_each}" in page.inner_text("h1")
                assert_blind(page.content(), due.part)
                picture = page.locator(".pictures img").first
                page.wait_for_load_state("load")
                assert picture.evaluate("each => each.naturalWidth") == 128
                is_good = due.reference == "good" or (name == "ben" and number == 3)
                page.click(f"button[value='{'good' if is_good else 'not good'}']")
            assert "Verdict" in page.inner_text("main")
            assert "carla" not in page.inner_text("main")
            context.close()
    carla = bench.client("carla")
    (tmp_path / "looks.csv").write_bytes(carla.get(f"/studies/{study.id}/looks.csv").content)
    wanted = of_table(tmp_path / "looks.csv")
    assert [each.name for each in wanted.appraisers] == ["anna", "ben", "machine"]
    assert Agreement.model_validate_json(carla.get(f"/studies/{study.id}/report.json").content) == wanted
    shown = carla.get(f"/studies/{study.id}").text
    assert wanted.fleiss is not None
    assert wanted.fleiss.value is not None
    assert f">{wanted.fleiss.value:.2f} <" in shown or f">{wanted.fleiss.value:.2f}</p>" in shown
    for pair in wanted.pairs:
        assert f'data-value="{pair.kappa.value}"' in shown
    assert bench.bench.store.verify().is_whole


def assert_blind(html: str, part: str) -> None:
    """Nothing tells which part it is, or what anybody said of it."""
    run, _, _ = part.partition(":")
    for tells in (part, run, "L05-", "REJECT", "reference", "spot"):
        assert tells not in html.partition("<main")[2].replace("Not good", ""), tells


def test_looks_are_in_turn_and_the_first_answer_counts(bench: ServedBench) -> None:
    study = planned(bench, "In turn")
    first, second = study.looks_of("anna")[:2]
    anna, page = bench.client("anna"), f"/studies/{study.id}/look"
    picture = f"/studies/{study.id}/look/{first.code}/0.png"
    assert anna.get(picture).headers["content-type"] == "image/png"
    assert anna.get(f"/studies/{study.id}/look/{second.code}/0.png").status_code == 404
    assert anna.get(f"/studies/{study.id}/look/{first.code}/7.png").status_code == 404
    assert bench.client("ben").get(picture).status_code == 404
    assert bench.client("carla").get(page).status_code == 403
    assert posted(anna, page, {"code": second.code, "answer": "good"}, page).status_code == 409
    assert posted(anna, page, {"code": first.code, "answer": "perhaps"}, page).status_code == 409
    for said in ("good", "not good"):
        assert posted(anna, page, {"code": first.code, "answer": said}, page).status_code == 303
    (kept,) = Studies(bench.bench.store).of(study.id).looks.values()  # type: ignore[union-attr]
    assert (kept.code, kept.answer, kept.appraiser) == (first.code, "good", "anna")
    assert (
        posted(bench.client("ben"), page, {"code": first.code, "answer": "good"}, page).status_code == 409
    )


def test_a_study_that_is_closed_takes_no_look(bench: ServedBench) -> None:
    study = planned(bench, "Closed")
    look_through(bench, study, "anna", 1)
    carla, ben = bench.client("carla"), bench.client("ben")
    close, page = f"/studies/{study.id}/close", f"/studies/{study.id}"
    assert posted(ben, close, {"reason": "x"}, "/studies").status_code == 403
    assert posted(carla, close, {"reason": ""}, page).status_code == 422
    assert posted(carla, close, {"reason": "ben is away"}, page).status_code == 303
    due = study.looks_of("ben")[0]
    assert posted(ben, f"{page}/look", {"code": due.code, "answer": "good"}, "/studies").status_code == 303
    assert Studies(bench.bench.store).of(study.id).done("ben") == 0  # type: ignore[union-attr]
    assert ">anna<" in carla.get(page).text


def test_names_are_for_those_who_may_see_them(bench: ServedBench) -> None:
    study = planned(bench, "Names")
    for who in ("anna", "ben"):
        look_through(bench, study, who, 2)
    own = bench.client("anna").get(f"/studies/{study.id}").text.partition("<main")[2]
    assert "You" in own
    assert "Appraiser 2" in own
    assert "ben" not in own
    assert bench.client("anna").get(f"/studies/{study.id}/looks.csv").status_code == 403
    assert ">ben<" in bench.client("otto").get(f"/studies/{study.id}").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": "named", "named": "nothing-like-it"}, "line 1"),
        ({"source": "named", "named": "L05-00001 ok\nL05-00002 spot"}, "say &#39;good&#39; of a good part"),
        ({"source": "named", "named": "L05-00001 good\nL05-00002"}, "of all, or of none"),
        ({"appraiser": []}, "appraisers"),
        ({"parts": "1"}, "has 2 at least"),
        ({"trials": "9"}, "trials"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_planned_is_said(bench: ServedBench, fields: dict[str, str], said: str) -> None:
    usual = {"name": "No", "source": "settled", "parts": "4", "trials": "2", "appraiser": ["anna"]}
    before = len(Studies(bench.bench.store).all())
    answer = posted(bench.client("carla"), "/studies", {**usual, **fields}, "/studies")
    assert answer.status_code == 422
    assert said in answer.text
    assert len(Studies(bench.bench.store).all()) == before


def test_parts_can_be_named_or_be_any(bench: ServedBench) -> None:
    named = planned(bench, "Named", source="named", named="L05-00001 good\nL05-00002 spot")
    assert list(named.parts.values()) == ["good", "spot"]
    unknown = planned(bench, "Any", source="any")
    assert set(unknown.parts.values()) == {""}
    assert len(unknown.parts) == PARTS
    look_through(bench, unknown, "anna", 0)
    page = bench.client("carla").get(f"/studies/{unknown.id}").text
    assert "no reference" in page
    assert posted(bench.client("anna"), "/studies", {"name": "No"}, "/studies").status_code == 403


@needs_chromium
def test_pages_in_a_browser(bench: ServedBench, tmp_path: Path) -> None:
    study = planned(bench, "Axe")
    look_through(bench, study, "anna", 1)
    with chromium() as browser:
        check_pages(browser, bench, "carla", ["/studies", f"/studies/{study.id}"], tmp_path)
        check_pages(browser, bench, "ben", ["/studies", f"/studies/{study.id}/look"], tmp_path)


def test_no_address_of_a_study_is_anything_but_a_number(bench: ServedBench) -> None:
    carla = bench.client("carla")
    for path in ("/studies/999999", "/studies/0", "/studies/x", "/studies/1/look/../x.png"):
        assert carla.get(path).status_code == 404
    assert not re.search(r"Traceback", carla.get("/studies/999999").text)
