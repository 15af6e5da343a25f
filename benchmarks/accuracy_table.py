"""docs/accuracy.md from results/accuracy.json: what was reached, and what is to be reached.

python benchmarks/accuracy_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from taktsight.benchmarks.measured import RESULTS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
REACH = {
    ("magnetic-tile", "segmentation", "part_auroc"): "≥ 0.96",
    ("magnetic-tile", "segmentation", "pixel_f1"): "≥ 0.68",
    ("magnetic-tile", "segmentation", "escape_rate"): "≤ 0.15 at overkill ≤ 0.05",
    ("magnetic-tile", "anomaly", "part_auroc"): "≥ 0.93",
    ("xsdd", "classification", "macro_f1"): "≥ 0.97",
    ("kolektorsdd", "segmentation", "escape_rate"): "0 with at most 1 false alarm",
    ("kolektorsdd", "anomaly", "part_auroc"): "≥ 0.98",
    ("deeppcb", "comparison", "region_f1"): "≥ 0.95",
    ("deeppcb", "comparison", "region_f1_seen_boards"): "≥ 0.93",
    ("deeppcb", "comparison", "region_f1_unseen_boards"): "≥ 0.93",
    ("bsdata", "segmentation", "part_auroc"): "≥ 0.97",
    ("bsdata", "segmentation", "alarm_delay_looks"): "≤ 2",
    ("bsdata", "segmentation", "alarms_before_onset"): "0",
    ("aws-aliens", "anomaly", "part_auroc"): "≥ 0.99",
}
"""Set, task, figure → what is wanted of it."""
HEAD = """# Accuracy on public sets

Test splits by physical part, shipped configurations, two cores without a GPU. In brackets: 95 % interval
over physical parts; none where nothing overlaps. Of escapes and overkills the limits were chosen on val.
Made by `python benchmarks/accuracy_table.py` from `benchmarks/results/accuracy.json`;
`python benchmarks/accuracy.py SET` measures a set again, `make bench-accuracy` all of them.

| set | task | figure | reached | wanted | n | trained, s | date |
|---|---|---|---|---|---|---|---|
"""
MISSING = "| {} | {} | {} | not measured yet | {} | | | |\n"


def page(rows: list[dict[str, Any]]) -> str:
    """The page, sorted by set and task; what is wanted and was not measured stands at its end."""
    measured = {(row["set"], row["task"], row["figure"]) for row in rows}
    lines = [_line(row) for row in sorted(rows, key=lambda row: (row["set"], row["task"]))]
    lines += [MISSING.format(*key, wanted) for key, wanted in sorted(REACH.items()) if key not in measured]
    return HEAD + "".join(lines)


def _line(row: dict[str, Any]) -> str:
    wanted = REACH.get((row["set"], row["task"], row["figure"]), "")
    interval = "" if row["low"] is None else f" [{row['low']:.3f}, {row['high']:.3f}]"
    return (
        f"| {row['set']} | {row['task']} | {row['figure']} | {row['value']:.3f}{interval} | {wanted} "
        f"| {row['n']} | {row['seconds']} | {row['date']} |\n"
    )


def main() -> None:
    """Writes the page."""
    rows = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    PAGE.write_text(page(rows), encoding="utf-8")
    print(PAGE.relative_to(PAGE.parent.parent))


if __name__ == "__main__":
    main()
