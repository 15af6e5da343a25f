"""The tables in docs/health.md, from results/health_rates.json and results/health_cost.json.

python benchmarks/health_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from taktsight.benchmarks.measured import RESULTS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "health.md"
WATCH = ("new frame", "repeated", "torn, delivered before")


def page(text: str, rates: dict[str, Any], cost: dict[str, Any]) -> str:
    """The page with its tables replaced."""
    return _between(_between(text, "rates", _rates(rates)), "cost", _cost(cost))


def _between(text: str, name: str, table: str) -> str:
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- /{name} -->\n")
    return f"{before}<!-- {name} -->\n{table}<!-- /{name} -->\n{after}"


def _rates(result: dict[str, Any]) -> str:
    """A column per set, a row per fault."""
    sets = list(dict.fromkeys(row["set"] for row in result["rows"]))
    faults = list(dict.fromkeys(row["fault"] for row in result["rows"]))
    found = {(row["set"], row["fault"]): f"{row['found']} of {row['of']}" for row in result["rows"]}
    good = [row for row in result["rows"] if row["fault"] == "good" and "third" not in row["set"]]
    out, of = (sum(row[key] for row in good) for key in ("found", "of"))
    lines = [f"| frames found by their bands | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    for fault in faults:
        if fault == WATCH[0]:
            lines.append(f"| *by the watch:* |{' |' * len(sets)}")
        name = "**good: false alarms**" if fault in ("good", WATCH[0]) else fault
        cells = " | ".join(found.get((name_of, fault), "") for name_of in sets)
        lines.append(f"| {name} | {cells} |")
    said = (
        f"Good frames of the test split out of band: {out} of {of} (the last column aside). "
        f"`{result['command']}`, {result['date']}; margin {result['margin']:g}."
    )
    return said + "\n\n" + "\n".join(lines) + "\n"


def _cost(result: dict[str, Any]) -> str:
    where = f"{result['machine']}, {result['date']}, {result['load']} processes that compete for the cores"
    lines = [
        f"`{result['command']}`, {where}. Processor time, one thread, p50.\n",
        "| frame | measures, with a reference | watch | prepare and infer, for comparison (wall-clock) |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['frame']} | {row['measures_cpu_p50_ms']:.1f} ms | {row['watch_cpu_p50_ms']:.1f} ms "
        f"| {row['bare_p50_ms']:.0f} ms |"
        for row in result["rows"]
    ]
    return "\n".join(lines) + "\n"


def results() -> tuple[dict[str, Any], dict[str, Any]]:
    """What was measured: rates, cost."""
    rates = json.loads((RESULTS / "health_rates.json").read_text(encoding="utf-8"))
    return rates, json.loads((RESULTS / "health_cost.json").read_text(encoding="utf-8"))


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), *results()), encoding="utf-8")
    print(PAGE.relative_to(PAGE.parent.parent))


if __name__ == "__main__":
    main()
