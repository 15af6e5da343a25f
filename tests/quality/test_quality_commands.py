"""The verbs pod, study and spc: CSV in, a table and JSON out, pictures where asked; mistakes are told."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry

from .published import crack_lengths, crack_signals
from .published_charts import (
    C_DEFECTS,
    P_DEFECTIVE,
)

PNG = b"\x89PNG\r\n"


def table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def figures(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def cracks(tmp_path: Path) -> str:
    sizes, hit = crack_lengths()
    rows = [(size, int(found)) for size, found in zip(sizes, hit, strict=True)]
    return table(tmp_path / "cracks.csv", ("size_in", "hit"), rows)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A ledger of 200 parts: every tenth rejected, two never looked at, part P3 seen three times."""
    folder = tmp_path / "records"
    ledger = Ledger.create(folder)
    entries = []
    for number in range(1, 201):
        outcome, reasons = ("REJECT", ("crack: score 0.90 ≥ 0.50",)) if number % 10 == 0 else ("PASS", ())
        if number in (5, 6):
            outcome, reasons = "UNINSPECTED", ("late: 92 ms > 80 ms",)
        serial = "P3" if number in (3, 13, 23) else f"P{number}"
        scores: dict[str, tuple[float, ...]] = {"camera": (number % 7 / 10,)}
        entries.append(Entry("verdict", number, serial, outcome, reasons, scores=scores, number=number))
    ledger.append("R", entries, (), "2030-01-01T00:00:00+00:00")
    ledger.close()
    return folder


def test_pod_writes_figures_with_the_digest_of_their_data(
    cracks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["pod", cracks, "--size", "size_in", "--hit", "hit", "--json", str(tmp_path / "f.json")]) == 0
    )
    found = figures(tmp_path / "f.json")
    assert (found["n"], found["unit"], found["a90_95"]) == (134, "in", pytest.approx(0.1974, abs=5e-5))
    assert len(found["data"]["sha256"]) == 64
    shown = capsys.readouterr().out
    assert "a90/95" in shown
    assert "0.1974" in shown
    assert "χ²₁(0.95)" in shown


def test_pod_of_made_defects_says_so_everywhere(
    cracks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    command = ["pod", cracks, "--size", "size_in", "--hit", "hit", "--synthetic"]
    assert main([*command, "--json", str(tmp_path / "f.json"), "--plot", str(tmp_path / "p.svg")]) == 0
    assert figures(tmp_path / "f.json")["origin"] == "synthetic"
    assert "synthetic challenge set" in capsys.readouterr().out
    assert "Synthetic challenge set" in (tmp_path / "p.svg").read_text(encoding="utf-8")


def test_pictures_are_the_same_bytes_again(cracks: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg", "a.png"):
        assert (
            main(["pod", cracks, "--size", "size_in", "--hit", "hit", "--plot", str(tmp_path / name)]) == 0
        )
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_every_verb_draws(cracks: str, records: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    sizes, signals = crack_signals()
    signal_table = table(tmp_path / "s.csv", ("size", "signal"), list(zip(sizes, signals, strict=True)))
    names = [(f"day {index}", count) for index, count in enumerate(C_DEFECTS)]
    counts = table(tmp_path / "c.csv", ("day", "events"), names)
    looks = [
        (p, a, t, "ok" if p % 3 else "nok", "ok" if p % 2 else "nok")
        for p in range(9)
        for a in "xy"
        for t in (1, 2)
    ]
    study = table(tmp_path / "l.csv", ("part", "appraiser", "trial", "verdict", "reference"), looks)
    draw = np.random.default_rng(1)
    measured = [(p, a, t, p + draw.normal(0, 0.1)) for p in range(5) for a in "xy" for t in range(3)]
    gage = table(tmp_path / "g.csv", ("part", "appraiser", "trial", "value"), measured)
    for command in (
        ["pod", signal_table, "--signal", "signal", "--decision", "200", "--lowest", "50"],
        ["spc", "c", counts, "--label", "day"],
        ["spc", "cusum", gage],
        ["spc", "bernoulli", "--records", str(records), "--arl0", "5000"],
        ["spc", "pareto", "--records", str(records)],
        ["study", "agreement", study, "--good", "ok"],
        ["study", "gage", gage],
    ):
        picture = tmp_path / "picture.png"
        assert main([*command, "--plot", str(picture)]) in (0, 1)
        assert picture.read_bytes().startswith(PNG)
        picture.unlink()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size,hit\n", "is empty"),
        ("size,hit\n0.1,1\n0.2,1\n0.3,1\n", "none was missed"),
        ("size,hit\n0.1,1\nnan,0\n0.3,1\n", "row 3, column 'size'"),
        ("size,hit\n0.1,1\n-0.2,0\n0.3,1\n", "row 3, column 'size': -0.2 lies below 0"),
        ("size,hit\n0.1,1\n0.2,yes\n0.3,1\n", "row 3, column 'hit': 'yes' is not 1 or 0"),
        ("ID,size,hit\n1,0.1,1\n1,0.2,0\n2,0.3,1\n", "row 3, column 'ID': '1' stands in row 2"),
        ("size,hit,unit\n0.1,1,mm\n0.2,0,in\n0.3,1,mm\n", "row 3, column 'unit'"),
        ("size,hit\n0.1 mm,1\n0.2 in,0\n0.3,1\n", "row 2, column 'size': '0.1 mm'"),
    ],
)
def test_wrong_targets_are_told_with_row_and_column(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert main(["pod", str(tmp_path / "t.csv"), "--hit", "hit"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        (["p"], "events,inspected\n1,10\n12,10\n", "row 3, column 'events': 12 of 10"),
        (["p"], "events,inspected\n1,10\n1,0\n", "row 3, column 'inspected': 0"),
        (["np"], "events,inspected\n1,10\n1,12\n", "row 3, column 'inspected': 12 after 10"),
        (["c"], "events\n1\n2.5\n", "row 3, column 'events': '2.5'"),
        (["c", "--label", "day"], "day,events\na,1\na,2\n", "row 3, column 'day': 'a' stands in row 2"),
        (
            ["c", "--time", "day"],
            "day,events\n2030-01-02,1\n2030-01-01,2\n",
            "row 3, column 'day': lies before",
        ),
        (["c"], "events\n1\n", "too few"),
        (["t"], "time\n5\n5\n", "row 3, column 'time'"),
        (["g"], "gap\n5\n-1\n", "row 3, column 'gap'"),
        (["i"], "value\n1\n1\n1\n", "scatter"),
        (["bernoulli", "--arl0", "1000"], "defective\n0\n0\n", "--share"),
        (["pareto", "--weight-by", "cost"], "label,cost\na,1\nb,-2\n", "row 3, column 'cost'"),
    ],
)
def test_wrong_points_are_told_with_row_and_column(
    command: list[str], text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert main(["spc", command[0], str(tmp_path / "t.csv"), *command[1:]]) in (1, 2)
    assert said in capsys.readouterr().err


def test_phase_1_freezes_limits_and_phase_2_keeps_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = table(tmp_path / "one.csv", ("events",), [[count] for count in P_DEFECTIVE])
    later = table(tmp_path / "two.csv", ("events",), [[9], [25], [11]])
    limits = str(tmp_path / "limits.json")
    command = ["spc", "p", first, "--n", "50", "--freeze", limits]
    assert main(command) == 2
    assert "point 15, 23 is out and nothing says why" in capsys.readouterr().err
    excluded = [*command, "--exclude", "15,23", "--why", "new batch of raw material, new operator"]
    assert main(excluded) == 1
    frozen = figures(Path(limits))
    assert (frozen["points"], frozen["excluded"], frozen["stayed"]) == (28, [15, 23], [21])
    assert "point 21 lies beyond these limits and stayed in" in capsys.readouterr().out
    # 347 of 1,500 chips are defective; without wafers 15 and 23 it is 301 of 1,400.
    assert frozen["limits"]["share"] == pytest.approx(301 / 1400)
    again = str(tmp_path / "f.json")
    assert main(["spc", "p", later, "--n", "50", "--limits", limits, "--json", again]) == 1
    judged = figures(Path(again))
    assert (judged["phase"], judged["out"]) == (2, [2])
    assert judged["limits"] == frozen["limits"]
    assert (
        main(["spc", "p", later, "--n", "50", "--limits", limits, "--method", "exact", "--why", "x"]) == 2
    )
    assert "--why, --method belong there" in capsys.readouterr().err
    assert main(["spc", "c", later, "--limits", limits]) == 2
    assert "not of c" in capsys.readouterr().err


def test_ledger_makes_charts_of_the_parts_that_were_looked_at(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "f.json"
    assert main(["spc", "p", "--records", str(records), "--per", "40", "--json", str(out)]) == 0
    found = figures(out)
    assert [point["n"] for point in found["points"]] == [40] * 4
    assert sum(point["value"] * 40 for point in found["points"]) == pytest.approx(16)
    assert found["data"]["notes"] == [
        "2 parts were UNINSPECTED and are no part of it",
        "the last 38 parts do not fill a point of 40 yet",
    ]
    assert main(["spc", "g", "--records", str(records), "--json", str(out)]) == 1
    assert [point["value"] for point in figures(out)["points"]] == [
        9.0
    ] * 19  # nine in a row on one side, too
    assert main(["spc", "pareto", "--records", str(records), "--json", str(out)]) == 0
    assert figures(out)["rows"][0]["label"] == "crack"
    assert main(["spc", "i", "--records", str(records)]) == 2
    assert main(["spc", "p", "--records", str(tmp_path / "none")]) == 1
    assert "no such ledger" in capsys.readouterr().err


def fill(folder: Path, column: str, answer: dict[str, str]) -> None:
    """What each appraiser writes into the sheet: an answer to each code."""
    for sheet in folder.glob("sheet-*.csv"):
        rows = rows_of(sheet)
        table(sheet, ("code", column), [[row["code"], answer[row["code"]]] for row in rows])


def test_study_is_blind_random_and_the_same_from_the_same_seed(tmp_path: Path) -> None:
    parts = table(
        tmp_path / "p.csv", ("part", "reference"), [[f"P{n}", "ok" if n % 2 else "nok"] for n in range(30)]
    )
    reversed_parts = table(
        tmp_path / "q.csv",
        ("part", "reference"),
        [[r["part"], r["reference"]] for r in rows_of(Path(parts))[::-1]],
    )
    for source, name in ((parts, "a"), (reversed_parts, "b")):
        plan = ["study", "plan", source, "--appraisers", "anna,ben", "--trials", "3", "--seed", "4"]
        assert main([*plan, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a" / "key.csv").read_bytes() == (tmp_path / "b" / "key.csv").read_bytes()
    key = rows_of(tmp_path / "a" / "key.csv")
    assert len({row["code"] for row in key}) == len(key) == 180
    sheet = (tmp_path / "a" / "sheet-anna.csv").read_text(encoding="utf-8")
    assert "P1" not in sheet
    assert "ok" not in sheet
    orders = {
        (row["appraiser"], row["trial"]): [
            r["part"] for r in key if (r["appraiser"], r["trial"]) == (row["appraiser"], row["trial"])
        ]
        for row in key
    }
    assert len({tuple(order) for order in orders.values()}) == 6
    assert all(sorted(order) == sorted({row["part"] for row in key}) for order in orders.values())
    anna = [row["part"] for row in key if row["appraiser"] == "anna"]
    assert all(one != other for one, other in pairwise(anna))
    assert main(["study", "plan", parts, "--appraisers", "anna", "--out", str(tmp_path / "a")]) == 2


def test_study_of_people_and_machine_comes_together(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[f"P{n}", "bad" if n % 10 == 0 else "good"] for n in (1, 2, 7, 8, 10, 20, 30, 40)]
    parts = table(tmp_path / "p.csv", ("part", "reference"), rows)
    folder = tmp_path / "study"
    plan = ["study", "plan", parts, "--appraisers", "anna,ben", "--trials", "1", "--out", str(folder)]
    assert main(plan) == 0
    command = ["study", "agreement", str(folder), "--json", str(tmp_path / "f.json")]
    assert main(command) == 1
    assert "row 2, column 'verdict': is empty" in capsys.readouterr().err
    key = rows_of(folder / "key.csv")
    fill(folder, "verdict", {row["code"]: row["reference"] for row in key})
    assert main([*command, "--records", str(records), "--machine", "line1"]) == 0
    found = figures(tmp_path / "f.json")
    assert [one["name"] for one in found["appraisers"]] == ["anna", "ben", "line1"]
    assert all(pair["kappa"]["value"] == 1.0 for pair in found["pairs"])
    assert main([*command, "--records", str(records), "--machine", "anna"]) == 1
    assert "is an appraiser of the study already" in capsys.readouterr().err


def test_machine_that_saw_a_part_too_seldom_is_told(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [(part, "anna", trial, "good") for part in ("P3", "P4") for trial in (1, 2)]
    study = table(tmp_path / "l.csv", ("part", "appraiser", "trial", "verdict"), looks)
    assert main(["study", "agreement", study, "--records", str(records)]) == 1
    assert "part 'P4' came 1 times; 2 trials are wanted" in capsys.readouterr().err


def test_gage_study_from_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = table(tmp_path / "p.csv", ("part",), [[n] for n in range(10)])
    folder = tmp_path / "study"
    plan = [
        "study",
        "plan",
        parts,
        "--appraisers",
        "anna,ben",
        "--trials",
        "2",
        "--gage",
        "--out",
        str(folder),
    ]
    assert main(plan) == 0
    draw = np.random.default_rng(1)
    key = rows_of(folder / "key.csv")
    fill(folder, "value", {row["code"]: f"{float(row['part']) + draw.normal(0, 0.05):.4f}" for row in key})
    assert main(["study", "gage", str(folder), "--json", str(tmp_path / "f.json")]) == 0
    found = figures(tmp_path / "f.json")
    assert (found["parts"], found["appraisers"], found["trials"]) == (10, 2, 2)
    assert found["studies"][1]["spreads"][0]["sigma"] == pytest.approx(0.05, rel=0.4)
    fill(folder, "value", {row["code"]: "0.5 mm" for row in key})
    assert main(["study", "gage", str(folder)]) == 1
    assert "column 'value': '0.5 mm' is not a finite number" in capsys.readouterr().err


def test_long_table_that_says_a_look_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [("a", "x", "ok"), ("b", "x", "nok"), ("a", "x", "ok")]
    study = table(tmp_path / "l.csv", ("part", "appraiser", "verdict"), looks)
    assert main(["study", "agreement", study, "--good", "ok"]) == 1
    assert (
        "row 4, column 'part': x looked at 'a' in row 2 already; a column 'trial' tells looks apart"
        in capsys.readouterr().err
    )


def test_station_is_compared_with_itself(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "repeat", str(records), "--json", str(tmp_path / "f.json")]) == 0
    found = figures(tmp_path / "f.json")
    assert (found["parts"], found["looks"], found["same"]["events"]) == (1, 3, 1)
    assert found["score_sigma"] == pytest.approx(np.std([0.3, 0.6, 0.2], ddof=1))


def test_arguments_that_contradict_each_other_are_refused(
    cracks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, said in (
        (["pod", cracks, "--size", "size_in", "--hit", "hit", "--unit", "mm"], "says in"),
        (["pod", cracks, "--size", "size_in", "--signal", "hit"], "--decision goes with --signal"),
        (["pod", cracks, "--size", "size_in", "--hit", "hit", "--plot", "p.pdf"], ".svg or .png"),
        (["spc", "p"], "name a table, or a ledger"),
        (["spc", "p", cracks, "--exclude", "900"], "there is no column 'events'"),
        (["spc", "i", cracks, "--column", "size_in", "--exclude", "900"], "a point from 1 to 134"),
    ):
        assert main(command) in (1, 2)
        assert said in capsys.readouterr().err
