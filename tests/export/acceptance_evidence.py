"""Everything that an acceptance report can be made of, small, and the report as the verb makes it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taktsight.cli import main
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry

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


def make_evidence(folder: Path) -> Path:
    """A bundle, the parts it was certified on, and every kind of evidence beside them."""
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
