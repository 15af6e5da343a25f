"""The acceptance report: criteria decided by bounds alone, numbers with sources, the same bytes again."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.quality.drift_records import DriftRecord, clear
from taktsight.quality.drift_reference import Place
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.operating_point import choose_limits
from taktsight.training.evaluation.report import Subject, write_report

from ..inspect.spots import spot_bundle
from ..quality.certified import spot_parts
from ..quality.made_up import write_table
from ..quality.published import crack_lengths

ALL_CRITERIA = """\
agreed: plant and supplier, 1 March 2030
escape_rate: 0.01
escape_rate_of: {spot: 0.02}
overkill_rate: 0.05
a90_95_mm: 0.2
kappa: 0.5
gage_rr: 0.9
cycle_p99_ms: 40
uninspected_rate: 0.01
passed_defective_ppm: 20000
signatories: [Supplier, Quality]
"""


def table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, the parts it was certified on, and every kind of evidence beside them."""
    folder = tmp_path_factory.mktemp("acceptance")
    plain = spot_bundle(folder / "plain.taktsight")
    parts = write_table(folder / "parts.csv", spot_parts())
    into = ["--into", str(folder / "certified.taktsight"), "--json", "-"]
    assert main(["certify", str(plain), str(parts), "--population", "made-up parts", *into]) == 0
    (folder / "agreed.yaml").write_text(ALL_CRITERIA, encoding="utf-8")
    write_ledger(folder / "records", 600)
    sizes, hit = crack_lengths()
    targets = [(f"{size:g}", int(found)) for size, found in zip(sizes, hit, strict=True)]
    table(folder / "targets.csv", ("size_mm", "hit"), targets)
    looks = [
        (
            f"P{part}",
            who,
            trial,
            ("ok" if part % 2 else "nok") if (part, who) != (4, "ben") else "ok",
            truth,
        )
        for part in range(50)
        for who in ("anna", "ben")
        for trial in (1, 2)
        for truth in ["ok" if part % 2 else "nok"]
    ]
    table(folder / "looks.csv", ("part", "appraiser", "trial", "verdict", "reference"), looks)
    values = [
        (f"G{part}", who, trial, part + 0.01 * trial + 0.02 * (who == "ben"))
        for part in range(10)
        for who in ("anna", "ben")
        for trial in (1, 2)
    ]
    table(folder / "gage.csv", ("part", "appraiser", "trial", "value"), values)
    audited = [(f"A{part}", "all", 5000, 300, "good") for part in range(300)]
    table(folder / "audit.csv", ("part", "stratum", "passed", "audited", "truth"), audited)
    return folder


def write_ledger(folder: Path, count: int) -> None:
    ledger = Ledger.create(folder)
    entries = [
        Entry(
            "verdict",
            number,
            f"P{number}",
            "REJECT" if number % 10 == 0 else "PASS",
            ("spot: score 0.90 ≥ 0.50",) if number % 10 == 0 else (),
            cycle_ns=20_000_000 + number * 1000,
            scores={"camera": (0.1,)},
            number=number,
        )
        for number in range(1, count + 1)
    ]
    ledger.append("R", entries, (), "2030-01-01T00:00:00+00:00")
    ledger.close()


def report(place: Path, out: Path, *arguments: str, bundle: str = "certified.taktsight") -> tuple[int, Any]:
    """Exit status and JSON of a report without its PDF."""
    done = main(
        ["report", str(place / bundle), str(place / "parts.csv"), "--no-pdf", "--out", str(out), *arguments]
    )
    return done, json.loads((out / "acceptance.json").read_text(encoding="utf-8"))


def evidence(place: Path) -> list[str]:
    named = {
        "--criteria": "agreed.yaml",
        "--records": "records",
        "--targets": "targets.csv",
        "--agreement": "looks.csv",
        "--gage": "gage.csv",
        "--audit": "audit.csv",
    }
    pairs = [text for name, file in named.items() for text in (name, str(place / file))]
    return [*pairs, "--study-good", "ok", "--tolerance", "10", "--unit", "mm"]


def decided(figures: Any) -> dict[str, str]:
    return {each["name"]: each["decision"] for each in figures["criteria"]}


@pytest.fixture(scope="module")
def whole(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The report with all evidence: its folder and its figures."""
    out = tmp_path_factory.mktemp("whole")
    status, figures = report(place, out, *evidence(place))
    assert status == 0
    return out, figures


def test_every_criterion_is_decided_by_its_bound(whole: tuple[Path, Any]) -> None:
    figures = whole[1]
    states = decided(figures)
    assert states["escape rate"] == "fulfilled"
    assert states["certified: escape of spot"] == "fulfilled"
    assert states["a90/95"] == "fulfilled"  # 0.1974, the handbook's own
    assert states["cycle time p99"] == "fulfilled"
    assert states["defective among passed parts"] == "fulfilled"
    # 0 of 600 shows at most 0.5 % and so 1 %.
    assert states["UNINSPECTED"] == "fulfilled"
    assert set(states.values()) == {"fulfilled"}
    assert figures["verdict"] == f"Fulfilled: all {len(states)} criteria are fulfilled."


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


def test_criterion_about_what_was_not_measured_cannot_be_decided(place: Path, tmp_path: Path) -> None:
    status, figures = report(place, tmp_path, "--criteria", str(place / "agreed.yaml"))
    states = decided(figures)
    assert status == 3
    for name in ("a90/95", "kappa to the reference", "gage R&R", "cycle time p99", "UNINSPECTED"):
        assert states[name] == "cannot be decided"


def test_limits_chosen_on_these_parts_show_what_is_certified_and_no_more(
    place: Path, tmp_path: Path
) -> None:
    agreed = tmp_path / "agreed.yaml"
    # 0 of 400 is at most 0.75 %, for limits that were not chosen so that there are 0.
    agreed.write_text("escape_rate: 0.008\nreview_load: 0.5\n", encoding="utf-8")
    _, figures = report(place, tmp_path, "--criteria", str(agreed))
    row = next(each for each in figures["criteria"] if each["name"] == "escape rate")
    assert decided(figures)["review load"] == "cannot be decided"
    assert row["decision"] == "cannot be decided"
    assert row["bound_value"] == 0.01


def test_other_parts_are_counted_by_their_own_bound(place: Path, tmp_path: Path) -> None:
    other = write_table(tmp_path / "other.csv", spot_parts(300, 100))
    agreed = tmp_path / "agreed.yaml"
    agreed.write_text("escape_rate: 0.01\noverkill_rate: 0.02\n", encoding="utf-8")
    arguments = ["--criteria", str(agreed), "--no-pdf", "--out", str(tmp_path)]
    status = main(["report", str(place / "certified.taktsight"), str(other), *arguments])
    figures = json.loads((tmp_path / "acceptance.json").read_text(encoding="utf-8"))
    rows = {each["name"]: each for each in figures["criteria"]}
    assert not figures["standing"]["same_parts"]
    assert any("is assumed" in each for each in figures["population"]["warnings"])
    assert status == 3
    assert rows["overkill rate"]["missing"] == 49  # 149 good parts without an event show 2 %


def test_changed_parts_void_what_the_certificate_claims(place: Path, tmp_path: Path) -> None:
    changed = tmp_path / "parts.csv"
    changed.write_bytes((place / "parts.csv").read_bytes().replace(b"part 1,", b"part one,"))
    arguments = ["--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "certified.taktsight"), str(changed), *arguments]) == 3
    figures = json.loads((tmp_path / "out" / "acceptance.json").read_text(encoding="utf-8"))
    assert figures["standing"]["state"] == "INVALID"
    assert set(decided(figures).values()) == {"cannot be decided"}


def test_alarm_of_drift_that_nobody_cleared_suspends_the_claims(place: Path, tmp_path: Path) -> None:
    write_ledger(tmp_path / "records", 120)
    alarm = DriftRecord(
        station="line1",
        bundle=64 * "1",
        recipe=64 * "2",
        reference=64 * "3",
        detector="cusum",
        what="focus",
        view="camera",
        since=Place(run="R", trigger=100),
        at=Place(run="R", trigger=120),
        utc="2030-01-01T00:00:00+00:00",
        cause="image health",
        said="focus fell",
        look_into="the lens",
    )
    path = tmp_path / "records" / "drift" / f"alarm-{alarm.name}.json"
    path.parent.mkdir()
    path.write_text(alarm.model_dump_json(), encoding="utf-8")
    _, figures = report(place, tmp_path, "--records", str(tmp_path / "records"))
    assert figures["standing"]["state"] == "SUSPENDED"
    assert figures["drift"] == ["drift: focus fell"]
    clear(tmp_path / "records", alarm.name, by="Anna", why="lens cleaned", utc=alarm.utc)
    _, figures = report(place, tmp_path, "--records", str(tmp_path / "records"))
    assert figures["standing"]["state"] == "VALID"


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


def test_parts_with_verdicts_alone_have_rates_and_no_scores(place: Path, tmp_path: Path) -> None:
    rows = [
        (
            f"P{part}",
            "spot" if part < 20 else "good",
            "REJECT" if part < 18 else "PASS",
            "2030-02-03T06:00:00",
        )
        for part in range(60)
    ]
    parts = table(tmp_path / "judged.csv", ("part", "truth", "outcome", "time"), rows)
    given = ["--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "plain.taktsight"), str(parts), *given]) == 0
    figures = json.loads((tmp_path / "out" / "acceptance.json").read_text(encoding="utf-8"))
    assert figures["date"] == "2030-02-03"
    assert figures["rates"]["groups"][0]["escape"]["events"] == 2
    assert "score histograms and trade-off" in {each["what"] for each in figures["not_shown"]}


def test_evaluation_gives_its_parts_unless_it_is_of_another_network(place: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    scores = [*draw.uniform(0.3, 1.0, 40), *draw.uniform(0.0, 0.6, 40)]
    parts = [
        JudgedPart(f"{split}-{number}", label, np.array([score], np.float32), split, lot=f"L{number % 4}")
        for split in ("val", "test")
        for number, (score, label) in enumerate(zip(scores, ["spot"] * 40 + ["good"] * 40, strict=True))
    ]
    figures = evaluate(parts, ("spot",), "segmentation", choose_limits(parts, ("spot",), "segmentation"))
    given = [str(tmp_path), "--no-pdf", "--out", str(tmp_path / "out")]
    subject = Subject(model="m", data="d", date="2030-04-05", digests={"weights": 64 * "9"})
    write_report(tmp_path / "evaluation", figures, subject)
    assert main(["report", str(place / "plain.taktsight"), *given]) == 0
    told = json.loads((tmp_path / "out" / "acceptance.json").read_text(encoding="utf-8"))
    limit = told["subject"]["limits"][0]["review_score"]  # the card's, not the evaluation's
    assert told["rates"]["groups"][0]["escape"]["events"] == sum(score < limit for score in scores[:40])
    assert told["date"] == "2030-04-05"
    assert told["population"]["lots"] == 4
    other = subject.model_copy(update={"digests": {"weights": 64 * "8"}})
    write_report(tmp_path / "evaluation", figures, other)
    assert main(["report", str(place / "plain.taktsight"), *given]) == 1


def test_folder_without_an_evaluation_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "plain.taktsight"), str(tmp_path), *given]) == 2
    assert "--layout" in capsys.readouterr().err


def test_p99_of_few_verdicts_cannot_be_decided(place: Path, tmp_path: Path) -> None:
    write_ledger(tmp_path / "records", 298)
    agreed = tmp_path / "agreed.yaml"
    agreed.write_text("cycle_p99_ms: 40\n", encoding="utf-8")
    given = ["--criteria", str(agreed), "--records", str(tmp_path / "records")]
    row = next(
        each for each in report(place, tmp_path, *given)[1]["criteria"] if each["name"] == "cycle time p99"
    )
    assert (row["decision"], row["missing"]) == ("cannot be decided", 1)


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("escape: 0.01\n", "did you mean 'escape_rate'"),
        ("escape_rate: 1.5\n", "less than 1"),
        ("escape_rate_of: {pit: 0.01}\n", "the bundle's labels are spot"),
        ("signatories: []\n", "name the roles that sign"),
    ],
)
def test_wrong_criteria_are_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    agreed = tmp_path / "agreed.yaml"
    agreed.write_text(text, encoding="utf-8")
    given = ["--criteria", str(agreed), "--no-pdf", "--out", str(tmp_path / "out")]
    assert main(["report", str(place / "certified.taktsight"), str(place / "parts.csv"), *given]) == 2
    assert said in capsys.readouterr().err
