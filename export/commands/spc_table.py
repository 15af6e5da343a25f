"""A control chart on the terminal: points, limits and rules that were hit."""

from __future__ import annotations

from taktsight.export.commands.quality_output import plain_table, wide_console
from taktsight.export.commands.spc_series import Series
from taktsight.quality.control_chart import ControlChart
from taktsight.quality.run_rules import SENTENCES

SHOWN = 40
"""Points of a table; of more, only those where a rule was hit, and the last ones."""


def show_chart(chart: ControlChart, series: Series) -> None:
    """The points with their limits, the rules that were hit, and what is to be known of the limits."""
    console = wide_console()
    where = "limits from these points (phase I)" if chart.phase == 1 else "frozen limits (phase II)"
    console.print(f"{chart.limits.chart} chart of {len(chart.points)} points, {where}", markup=False)
    out = set(chart.out)
    firsts = {hit.points[0] for hit in chart.hits}
    chosen = [
        index
        for index in range(len(chart.points))
        if len(chart.points) <= SHOWN or index + 1 in firsts or index >= len(chart.points) - 10
    ]
    two = chart.points[0].low is not None
    table = plain_table(
        "point", "label", "value", *(["low"] if two else []), "n", "LCL", "centre", "UCL", ""
    )
    for index in chosen[-3 * SHOWN :]:
        point = chart.points[index]
        mark = "[bold red]out[/]" if index + 1 in out else ("[dim]left out[/]" if point.excluded else "")
        numbers = [point.value, *([point.low] if two else []), point.n, point.lcl, point.centre, point.ucl]
        table.add_row(str(index + 1), point.label, *map(_number, numbers), mark)
    console.print(table)
    for hit in chart.hits:
        points = ", ".join(map(str, hit.points))
        if len(hit.points) > 15:
            points = f"{hit.points[0]} to {hit.points[-1]}"
        is_new = hit.points[-1] > series.new_from
        said = f"{hit.rule}: {SENTENCES[hit.rule]}, {hit.side}: point {points}"
        console.print(
            said if is_new else f"{said}, as before", style="red" if is_new else "dim", markup=False
        )
    if not chart.hits:
        console.print(f"no rule hit ({', '.join(chart.rules)})", style="green", markup=False)
    if chart.arl0 is not None:
        console.print(f"ARL₀ {chart.arl0:,.0f}: points to a false alarm of the limits alone", markup=False)
    console.print(chart.convention, style="dim", markup=False)
    for warning in (*series.notes, *chart.warnings):
        console.print(f"note: {warning}", style="yellow", markup=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
