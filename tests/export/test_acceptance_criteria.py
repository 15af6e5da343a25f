"""The acceptance report: criteria are decided by bounds alone, and claims by what holds of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taktsight.cli import main
from taktsight.quality.drift_records import DriftRecord, clear
from taktsight.quality.drift_reference import Place

from ..quality.certified import spot_parts
from ..quality.made_up import write_table
from .acceptance_evidence import decided, report, write_ledger


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


def test_p99_of_few_verdicts_cannot_be_decided(place: Path, tmp_path: Path) -> None:
    write_ledger(tmp_path / "records", 298)
    agreed = tmp_path / "agreed.yaml"
    agreed.write_text("cycle_p99_ms: 40\n", encoding="utf-8")
    given = ["--criteria", str(agreed), "--records", str(tmp_path / "records")]
    row = next(
        each for each in report(place, tmp_path, *given)[1]["criteria"] if each["name"] == "cycle time p99"
    )
    assert (row["decision"], row["missing"]) == ("cannot be decided", 1)


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
