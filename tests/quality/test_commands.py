"""The verbs about figures: a CSV in, a table or JSON out, and an exit status that says it too."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.inspect.commands.check import check
from taktsight.inspect.config import load_station
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.quality.parts import Names, Parts
from taktsight.recipe import load_recipe

from ..inspect.place import make_place
from ..inspect.spots import spot_bundle
from ..kernel.conftest import pem_pair
from .certified import spot_parts
from .made_up import write_table


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 0) -> Any:
    """What a verb answers as JSON."""
    capsys.readouterr()
    assert main([str(argument) for argument in [*arguments, "--json", "-"]]) == status
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int = 1) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == status
    return capsys.readouterr().err


def spare(parts: Parts, first: int) -> Parts:
    """The same parts under other names."""
    names = tuple(f"other {first + number}" for number in range(len(parts.part.names)))
    return Parts(Names(names, parts.part.codes), parts.truth, parts.labels, parts.scores, parts.groups)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    spot_bundle(tmp_path / "spots.taktsight")
    write_table(tmp_path / "parts.csv", spot_parts())
    write_table(tmp_path / "few.csv", spot_parts(298))
    write_table(tmp_path / "others.csv", spare(spot_parts(500), 0))
    return tmp_path


def certify(shop: Path, table: str = "parts.csv", *more: str | Path) -> list[str | Path]:
    return ["certify", shop / "spots.taktsight", shop / table, "--population", "made-up parts", *more]


def test_certify_puts_a_certificate_into_the_bundle_and_a_recipe_beside_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = pem_pair(shop, "plant")
    out, recipe = shop / "certified.taktsight", shop / "recipe.yaml"
    command = certify(shop, "parts.csv", "--into", out, "--key", private, "--write-recipe", recipe)
    figures = said(capsys, *command)
    bundle = read_bundle(out, allowed_keys=[public])
    assert bundle.certificate is not None
    assert figures["certificate"] == json.loads(bundle.certificate.content)
    assert load_recipe(recipe).digest == bundle.certificate.recipe
    assert said(capsys, "certificate", "show", out) == figures["certificate"]
    assert main(["certificate", "show", str(out), "--json", str(shop / "figures.json")]) == 0
    assert json.loads((shop / "figures.json").read_text(encoding="utf-8")) == figures["certificate"]
    assert "made-up parts" in capsys.readouterr().out
    now = said(capsys, "certificate", "check", out, "--recipe", recipe, "--data", shop / "parts.csv")
    assert now["state"] == "VALID"


def test_298_parts_are_infeasible_with_what_is_missing(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = said(capsys, *certify(shop, "few.csv", "--into", shop / "out.taktsight"), status=3)
    assert figures["state"] == "INFEASIBLE"
    (missing,) = figures["missing"]
    assert (missing["units"], missing["needed"]) == (298, 299)
    assert not (shop / "out.taktsight").exists()
    assert main([str(word) for word in certify(shop, "few.csv")]) == 3
    assert "INFEASIBLE" in capsys.readouterr().out


def test_state_of_a_certificate_is_told_by_exit_status_verify_and_words(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, recipe = shop / "certified.taktsight", shop / "recipe.yaml"
    said(capsys, *certify(shop, "parts.csv", "--into", out, "--write-recipe", recipe))
    text = recipe.read_text(encoding="utf-8")
    (edge,) = {float(each) for each in re.findall(r"review_score: ([\d.]+)", text)}
    for scores, state, status in ((edge + 0.01, "VOID", 1), (edge - 0.01, "TIGHTENED", 3)):
        moved = re.sub(r"(re\w+_score): [\d.]+", rf"\1: {scores:.4f}", text)
        (shop / "moved.yaml").write_text(moved, encoding="utf-8")
        now = said(capsys, "certificate", "check", out, "--recipe", shop / "moved.yaml", status=status)
        assert now["state"] == state
    (shop / "elsewhere").mkdir()
    write_table(shop / "elsewhere" / "parts.csv", spot_parts(399))
    data = shop / "elsewhere" / "parts.csv"
    now = said(capsys, "certificate", "check", out, "--recipe", recipe, "--data", data, status=1)
    assert now["state"] == "INVALID"
    assert main(["verify", str(out)]) == 0
    assert "certified  escape of spot at most 1 %" in capsys.readouterr().out
    assert "has no certificate" in refused(capsys, "certificate", "show", shop / "spots.taktsight")


def test_limits_are_tested_on_other_parts_than_they_were_chosen_on_and_on_no_others(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = shop / "recipe.yaml"
    said(capsys, *certify(shop, "parts.csv", "--write-recipe", recipe, "--into", shop / "made.taktsight"))
    limits = ("--limits", recipe)
    assert "nothing says which parts" in refused(capsys, *certify(shop, "others.csv", *limits), status=2)
    same = certify(shop, "parts.csv", *limits, "--chosen-on", shop / "parts.csv")
    assert "is the table to test on as well" in refused(capsys, *same)
    overlapping = certify(shop, "few.csv", *limits, "--chosen-on", shop / "parts.csv")
    assert "'part 0' is among the parts to test on" in refused(capsys, *overlapping)
    again = certify(shop, "parts.csv", *limits, "--chosen-on", shop / "others.csv")
    again[1] = shop / "made.taktsight"
    assert "the bundle's certificate chose its limits on this data" in refused(capsys, *again)
    figures = said(capsys, *certify(shop, "others.csv", *limits, "--chosen-on", shop / "parts.csv"))
    assert figures["certificate"]["method"] == "exact binomial at limits chosen elsewhere"
    alone = certify(shop, "others.csv", "--chosen-on", shop / "parts.csv")
    assert "leave it out" in refused(capsys, *alone, status=2)


def test_tables_that_do_not_fit_the_bundle_are_refused(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "dents.csv").write_text("part,truth,score:dent\na,good,0.1\nb,dent,0.9\n", encoding="utf-8")
    assert "the bundle's labels are spot" in refused(capsys, *certify(shop, "dents.csv"))
    assert "--layout" in refused(capsys, *certify(shop, "."), status=2)
    assert "between 0 and 1" in refused(capsys, *certify(shop, "parts.csv", "--escape", "0"), status=2)
    loose = (
        "product: spots\nviews: [{mm_per_px: 0.1}]\n"
        "limits: [{label: spot, reject_score: 0.5, review_score: 0.5, max_area_mm2: 1}]"
    )
    (shop / "loose.yaml").write_text(loose, encoding="utf-8")
    told = refused(capsys, *certify(shop, "parts.csv", "--recipe", shop / "loose.yaml"), status=2)
    assert "a table has scores and no areas" in told


def test_rates_of_verdicts_and_of_scores_by_a_recipes_limits(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = shop / "recipe.yaml"
    said(capsys, *certify(shop, "parts.csv", "--write-recipe", recipe))
    figures = said(capsys, "rates", shop / "parts.csv", "--limits", recipe)
    whole = figures["groups"][0]
    assert (whole["escape"]["events"], whole["escape"]["parts"]) == (0, 400)
    assert figures["at_most"]["escape"]["exact"] == pytest.approx(1 - 0.05 ** (1 / 400))
    assert figures["by_lot"] == {"escape": None, "overkill": None}
    assert "column outcome" in refused(capsys, "rates", shop / "parts.csv")
    assert "between" in refused(capsys, "rates", shop / "parts.csv", "--confidence", "nan", status=2)
    assert main(["rates", str(shop / "parts.csv"), "--limits", str(recipe)]) == 0
    assert "label spot" in capsys.readouterr().out


def test_plan_answers_in_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "plan", "escape", "--at-most", "1%")["parts"] == 299
    assert said(capsys, "plan", "escape", "--at-most", "0.01", "--labels", "3")["parts"] == 408
    assert said(capsys, "plan", "overkill", "--at-most", "5%")["parts"] == 59
    assert said(capsys, "plan", "audit", "--at-most", "500ppm")["parts"] == 5990
    assert main(["plan", "escape", "--at-most", "1%", "--expected", "0.2%"]) == 0
    assert "◂ collect so many" in capsys.readouterr().out
    assert "is no rate" in refused(capsys, "plan", "escape", "--at-most", "one", status=2)
    assert "must be lower" in refused(
        capsys, "plan", "escape", "--at-most", "1%", "--expected", "2%", status=2
    )


COUNTS = ("--passed", "9700", "--audited", "970", "--defective", "4")
FLAGGED = ("--flagged", "300", "--flagged-defective", "180")


def test_audit_of_the_worked_example(capsys: pytest.CaptureFixture[str]) -> None:
    figures = said(capsys, "audit", "estimate", *COUNTS, *FLAGGED)["figures"]
    assert round(figures["recall"]["value"], 3) == 0.818
    assert round(figures["recall_naive"], 3) == 0.978
    claimed = said(capsys, "audit", "estimate", *COUNTS, *FLAGGED, "--claim-recall", "0.7", status=3)
    assert claimed["claims"][0]["audits"] == 179
    assert main(["audit", "estimate", *COUNTS, *FLAGGED, "--claim-ppm", "20000"]) == 0
    assert "Shown: at most 20000 ppm" in capsys.readouterr().out


def filled(listed: Path, defective: int = 0) -> Path:
    """The list with answers: the first so many are defective."""
    header, *rows = listed.read_text(encoding="utf-8").splitlines()
    answered = [f"{row}{'pit' if number < defective else 'good'}" for number, row in enumerate(rows)]
    out = listed.with_name("filled.csv")
    out.write_text("\n".join([header, *answered]) + "\n", encoding="utf-8")
    return out


def test_audit_is_drawn_from_a_table_filled_in_and_estimated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts, listed = tmp_path / "verdicts.csv", tmp_path / "audit.csv"
    outcomes = ["PASS"] * 9 + ["REJECT"]
    rows = "".join(f"p{number},{outcomes[number % 10]},L{number % 3}\n" for number in range(1000))
    verdicts.write_text("part,outcome,lot\n" + rows, encoding="utf-8")
    command = ("audit", "draw", verdicts, "--parts", "90", "--by", "lot", "--seed", "4", "--list", listed)
    drawn = said(capsys, *command)
    assert (drawn["passed"], drawn["flagged"], drawn["drawn"]) == (900, 100, 90)
    assert drawn["strata"] == {f"L{lot}": {"passed": 300, "audited": 30} for lot in range(3)}
    assert "column truth: is empty" in refused(capsys, "audit", "estimate", listed)
    figures = said(capsys, "audit", "estimate", filled(listed, 2))
    assert figures["figures"]["escaped"]["value"] == pytest.approx(20)
    assert figures["data"]["name"] == "filled.csv"
    answers = filled(listed).read_text(encoding="utf-8").splitlines()
    (tmp_path / "short.csv").write_text("\n".join(answers[:-1]), encoding="utf-8")
    assert "bring all of them" in refused(capsys, "audit", "estimate", tmp_path / "short.csv")
    (tmp_path / "twice.csv").write_text("\n".join([*answers, answers[1]]), encoding="utf-8")
    assert "column part: " in refused(capsys, "audit", "estimate", tmp_path / "twice.csv")
    (tmp_path / "found.csv").write_text("part,truth\na,pit\nb,\n", encoding="utf-8")
    flagged = ("--flagged-list", tmp_path / "found.csv", "--flagged", "100")
    recall = said(capsys, "audit", "estimate", filled(listed, 2), *flagged)
    assert recall["flagged"] == {"parts": 100, "verified": 1, "defective": 1}


def test_audit_is_drawn_from_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.create(tmp_path / "records")
    entries = [
        Entry(
            "verdict",
            trigger,
            outcome="PASS" if trigger % 5 else "REJECT",
            scores={"top": (0.05 if trigger % 2 else 0.25, 0.01)},
            number=trigger,
        )
        for trigger in range(1, 101)
    ]
    ledger.append("run-1", entries, [], "2026-11-26T10:00:00.000000+00:00")
    ledger.close()
    listed = tmp_path / "audit.csv"
    command = ("audit", "draw", tmp_path / "records", "--parts", "16", "--by", "score", "--list", listed)
    drawn = said(capsys, *command)
    assert drawn["flagged"] == 20
    assert drawn["strata"] == {
        "score 0.0 to 0.1": {"passed": 40, "audited": 8},
        "score 0.2 to 0.3": {"passed": 40, "audited": 8},
    }
    assert listed.read_text(encoding="utf-8").splitlines()[1].startswith("run-1:")
    unknown = ("audit", "draw", tmp_path / "records", "--parts", "9", "--by", "lot", "--list", listed)
    assert "run, day, hour, score" in refused(capsys, *unknown, status=2)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--passed", "10"),
        (*COUNTS, "--flagged", "3"),
        (*COUNTS, "--claim-recall", "0.8"),
        (*COUNTS, "--claim-ppm", "1e-9"),
        (*COUNTS, "--confidence", "1.2"),
        (*COUNTS, *FLAGGED, "--claim-recall", "1.5"),
        (*COUNTS, "--flagged-list", "x.csv", "--flagged-defective", "3"),
    ],
)
def test_half_an_audit_is_wrong_arguments(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, "audit", "estimate", *arguments, status=2)


def test_station_that_it_was_certified_for_is_told_from_others(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = make_place(shop)
    recipe, out = shop / "recipe.yaml", shop / "spots.takt"
    file = place.write(recipe="recipe.yaml")
    (shop / "spots.taktsight").unlink()
    out.rename(shop / "spots.taktsight")
    command = certify(shop, "parts.csv", "--station", file, "--into", out, "--write-recipe", recipe)
    certificate = said(capsys, *command)["certificate"]
    assert certificate["station"]["name"] == "press 4"
    check = ("certificate", "check", out, "--station")
    assert said(capsys, *check, file)["state"] == "VALID"
    assert finding(file) == ("ok", "VALID: escape of spot; overkill as certified on")
    alarm = place.records / "drift" / "alarm-0123456789ab.json"
    alarm.parent.mkdir(parents=True)
    alarm.write_text("{}", encoding="utf-8")  # what cannot be read suspends too
    assert "alarm-0123456789ab.json" in said(capsys, *check, file, status=1)["reasons"][0]
    assert finding(file)[1].startswith("SUSPENDED: ")
    alone = ("certificate", "check", out, "--recipe", recipe)
    assert said(capsys, *alone, "--records", place.records, status=1)["state"] == "SUSPENDED"
    alarm.unlink()
    other = place.write(recipe="recipe.yaml", name="press 5")
    assert said(capsys, *check, other, status=1)["reasons"][0].startswith("the station is another one")
    lens = place.write(recipe="recipe.yaml", cameras=[{"kind": "folder", "folder": "parts.csv"}])
    assert "camera settings" in said(capsys, *check, lens, status=1)["reasons"][0]
    assert finding(place.write())[0] == "note"  # the card's own limits are looser


def finding(station: Path) -> tuple[str, str]:
    """What ``taktsight check`` says of the certificate, without the date."""
    found = check(load_station(station), date(2026, 11, 26))
    one = next(each for each in found if each.subject == "certificate")
    return one.grade, one.text.rpartition(" ")[0]
