"""Every worked example through the command line: CSV in, JSON out, the expected figures to their digits."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from taktsight.cli import main

ROOT = Path(__file__).resolve().parents[2]
FOLDER = next(
    (
        parent / "shared" / "data" / "quality"
        for parent in ROOT.parents
        if (parent / "shared" / "data" / "quality" / "worked_examples.json").is_file()
    ),
    None,
)
if FOLDER is None:
    pytest.skip("../shared/data/quality is not here", allow_module_level=True)
EXAMPLES: dict[str, Any] = json.loads((FOLDER / "worked_examples.json").read_text(encoding="utf-8"))
HITS, SIGNALS = (FOLDER / f"mil_hdbk_1823a_{name}.csv" for name in ("example3_hitmiss", "example1_ahat"))


def run(arguments: Sequence[str], folder: Path, status: int = 0) -> dict[str, Any]:
    """The figures that a verb writes."""
    figures = folder / "figures.json"
    assert main([*arguments, "--json", str(figures)]) == status
    return dict(json.loads(figures.read_text(encoding="utf-8")))


def column(folder: Path, name: str, values: Sequence[float]) -> str:
    """A table of one column."""
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[name], *[[value] for value in values]])
    return str(path)


def digits(number: float) -> float:
    """Half a unit of the last digit that is printed, and a hair."""
    text = repr(number)
    decimals = len(text.partition(".")[2]) if "." in text else 0
    return 0.5 * 10.0**-decimals + 1e-9


def agrees(got: object, expected: float) -> bool:
    return got == pytest.approx(expected, abs=digits(expected))


def test_hits_and_misses(tmp_path: Path) -> None:
    command = ["pod", str(HITS), "--size", "length.inch", "--hit", "hit.miss"]
    got = run(command, tmp_path)
    expected = EXAMPLES["pod_hitmiss_mil1823a_ex3"]["cartesian"]
    same = ("n", "hits", "mu", "sigma", "a50", "a90", "deviance", "null_deviance", "b0", "b1")
    names = {name: name for name in same}
    names |= {"a90_95_LR_chi2_1_0.95": "a90_95", "a90_95_wald_one_sided": "a90_95_wald"}
    assert set(names) == set(expected)
    assert [name for name, ours in names.items() if not agrees(got[ours], expected[name])] == []
    assert got["unit"] == "in"
    got = run([*command, "--size-scale", "log"], tmp_path)
    expected = EXAMPLES["pod_hitmiss_mil1823a_ex3"]["log_size"]
    names = {"a50": "a50", "a90": "a90", "a90_95_LR": "a90_95", "deviance": "deviance"}
    assert set(names) == set(expected)
    assert [name for name, ours in names.items() if not agrees(got[ours], expected[name])] == []


def test_signals(tmp_path: Path) -> None:
    command = [
        "pod",
        str(SIGNALS),
        "--size",
        "size",
        "--signal",
        "Test B",
        "--decision",
        "200",
        "--unit",
        "mil",
    ]
    got = run([*command, "--lowest", "50", "--highest", "1375"], tmp_path)
    expected = EXAMPLES["pod_ahat_mil1823a_ex1"]
    names = {"mu": "mu", "mu_exact": "mu", "sigma": "sigma", "a50": "a50", "a90": "a90", "a90_95": "a90_95"}
    names |= {"b0": "b0", "b1": "b1", "s": "scatter"}
    assert [name for name, ours in names.items() if not agrees(got[ours], expected[name])] == []
    for row, wanted in zip(got["covariance"], expected["cov"], strict=True):
        assert row == pytest.approx(wanted, abs=5e-7)
    wrong = run(command, tmp_path)
    expected = expected["uncensored_OLS_is_wrong"]
    assert agrees(wrong["a90"], expected["a90"])
    assert agrees(wrong["a90_95"], expected["a90_95"])


def test_p_chart(tmp_path: Path) -> None:
    expected = EXAMPLES["nist_p_chart"]
    table = column(tmp_path, "events", expected["d"])
    got = run(["spc", "p", table, "--n", str(expected["n"])], tmp_path, status=1)
    assert agrees(got["limits"]["share"], expected["pbar"])
    assert agrees(got["points"][0]["ucl"], expected["ucl"])
    assert agrees(got["points"][0]["lcl"], expected["lcl"])
    assert got["out"] == expected["out"]


def test_c_chart(tmp_path: Path) -> None:
    expected = EXAMPLES["nist_c_chart"]
    got = run(["spc", "c", column(tmp_path, "events", expected["c"])], tmp_path, status=1)
    point = got["points"][0]
    assert (point["centre"], point["ucl"], point["lcl"]) == (
        expected["cl"],
        expected["ucl"],
        expected["lcl"],
    )
    assert got["out"] == expected["out"]


def test_ewma(tmp_path: Path) -> None:
    expected = EXAMPLES["nist_ewma"]
    settings = [f"--{name}={expected[key]}" for name, key in (("target", "mu0"), ("sigma", "sigma"))]
    settings += [f"--weight={expected['lam']}", f"--width={expected['L']}"]
    got = run(["spc", "ewma", column(tmp_path, "value", expected["x"]), *settings], tmp_path)
    assert all(agrees(p["value"], z) for p, z in zip(got["points"], expected["ewma"], strict=True))
    assert agrees(got["points"][0]["ucl"], expected["ucl"])
    assert agrees(got["points"][0]["lcl"], expected["lcl"])
    assert got["out"] == expected["out"]


def test_cusum(tmp_path: Path) -> None:
    expected = EXAMPLES["nist_cusum"]
    settings = [
        f"--target={expected['target']}",
        f"--allowance={expected['k']}",
        f"--interval={expected['h']}",
    ]
    got = run(["spc", "cusum", column(tmp_path, "value", expected["x"]), *settings], tmp_path, status=1)
    highs = [point["value"] for point in got["points"]]
    lows = [point["low"] for point in got["points"]]
    assert highs == pytest.approx(expected["shi"], abs=0.005 + 1e-9)  # printed with two decimals
    assert lows == pytest.approx(expected["slo"], abs=0.005 + 1e-9)
    assert got["out"][0] == expected["first_signal"]
    assert got["hits"][0]["points"][0] == expected["first_signal"]
