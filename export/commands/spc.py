"""Control charts: whether a line still does what it did, and where it left that (phases I and II).

    taktsight spc p shifts.csv --column defective --inspected parts --freeze p.json          # phase I
    taktsight spc p today.csv --column defective --inspected parts --limits p.json           # phase II
    taktsight spc g --records records                                              # rejects of a ledger
    taktsight spc bernoulli --records records --share 0.002 --worse-share 0.006 --arl0 50000
    taktsight spc pareto --records records --plot pareto.svg

charts     p, np        share and number of defective parts            u, c       defects per unit
           laney-p, -u  the same of subgroups of thousands             g, t       parts, time between events
           i            single values                                  ewma, cusum  of values
           bernoulli    every single part                              pareto     labels by count

A point is out strictly beyond its limit. Exit status: 0 nothing found, 1 a rule was hit, 2 wrong arguments.
docs/spc.md says which chart is for what.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError
from taktsight.export.commands.quality_output import (
    add_output,
    check_output,
    plain_table,
    wide_console,
    write_output,
)
from taktsight.records import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from taktsight.export.commands.spc_series import Series
    from taktsight.quality.control_chart import ControlChart
    from taktsight.quality.spc_limits import FrozenLimits, Limits
    from taktsight.quality.tables import Bools

CHARTS = ("p", "np", "u", "c", "laney-p", "laney-u", "g", "t", "i", "ewma", "cusum", "bernoulli", "pareto")
DEFAULT_ARL0, WEIGHT = 370.4, 0.2
OF_PHASE_1 = (
    *("freeze", "exclude", "why", "target", "sigma", "width", "growing"),
    *("allowance", "interval", "share", "worse_share", "arl0"),
)
"""Arguments that make limits: with frozen ones they would be passed over."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("chart", choices=CHARTS, metavar="CHART", help="see above")
    parser.add_argument("table", type=Path, nargs="?", metavar="TABLE.csv")
    _add_data(parser.add_argument_group("what is charted"))
    _add_limits(parser.add_argument_group("limits"))
    add_output(parser, "the chart with limits and hits, or the Pareto")


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--column", metavar="COLUMN", help="of events, gaps, values, 1 and 0, or labels")
    group.add_argument(
        "--inspected", default="inspected", metavar="COLUMN", help="parts or units (inspected)"
    )
    group.add_argument(
        "--n", type=int, metavar="N", help="parts or units of every point, instead of a column"
    )
    group.add_argument("--defective", metavar="COLUMN", help="g: 1 and 0 of each part, instead of gaps")
    group.add_argument("--label", metavar="COLUMN", help="names of the points, once each")
    group.add_argument("--time", metavar="COLUMN", help="must rise; t: of the events (time)")
    group.add_argument("--weight-by", metavar="COLUMN", help="pareto: counts or costs of each row")
    group.add_argument("--records", type=Path, metavar="FOLDER", help="verdicts of a ledger, not a table")
    group.add_argument("--run", help="of the ledger; its name or 'last' (all)")
    outcomes = [outcome.value for outcome in Outcome]
    group.add_argument(
        "--count", nargs="+", choices=outcomes, help="outcomes that count (REJECT, or as in phase I)"
    )
    group.add_argument(
        "--per", type=int, metavar="N", help="parts of a ledger in a point (50, or as in phase I)"
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--freeze", type=Path, metavar="FILE", help="phase I: write the limits here")
    group.add_argument("--limits", type=Path, metavar="FILE", help="phase II: take them from here")
    group.add_argument(
        "--history", type=Path, metavar="FILE.csv", help="phase II: goes on where the tables before ended"
    )
    group.add_argument("--exclude", default="", metavar="3,17", help="points left out of the limits")
    group.add_argument("--why", default="", help="the cause why, or why points that are out stay in")
    group.add_argument("--rules", choices=("nelson", "western-electric", "limits"), help="(nelson)")
    group.add_argument("--method", choices=("auto", "normal", "exact"), default="auto")
    group.add_argument("--target", type=float, help="i, ewma, cusum: the mean that is wanted")
    group.add_argument("--sigma", type=float, help="i, ewma, cusum: of a value, where it is known")
    group.add_argument("--weight", type=float, default=WEIGHT, help="ewma: λ of the newest value (0.2)")
    group.add_argument("--width", type=float, help="ewma: L; without it by --arl0")
    group.add_argument("--growing", action="store_true", help="ewma: narrower limits at first")
    group.add_argument("--allowance", type=float, help="cusum: k, in the unit of values (0.5 σ)")
    group.add_argument(
        "--interval", type=float, help="cusum: h, in the unit of values; without it by --arl0"
    )
    group.add_argument("--share", type=float, help="bernoulli: p0 (the share of the table)")
    group.add_argument("--worse-share", type=float, help="bernoulli: p1 that should be found (2 p0)")
    group.add_argument("--arl0", type=float, help="points (bernoulli: parts) to a false alarm (370.4)")


def main(arguments: argparse.Namespace) -> int:
    """0 where no rule was hit."""
    check_output(arguments)
    if arguments.chart == "pareto":
        return _pareto(arguments)
    if (arguments.per is not None and arguments.per < 1) or (arguments.n is not None and arguments.n < 1):
        raise ConfigError("--per and --n are numbers of parts: 1 at least")
    from taktsight.export.commands.spc_history import write_history
    from taktsight.export.commands.spc_series import series_of
    from taktsight.export.commands.spc_table import show_chart
    from taktsight.quality.chart_points import draw_points
    from taktsight.quality.control_chart import chart_of

    frozen = _frozen(arguments)
    series = series_of(arguments, frozen.ledger if frozen else None)
    excluded = _excluded(arguments, len(series.labels))
    limits = frozen.limits if frozen else _estimated(arguments, series, excluded)
    rules = arguments.rules or (frozen.rules if frozen else "nelson")
    drawn = draw_points(limits, series.values, series.n)
    chart = chart_of(drawn, phase=2 if frozen else 1, rules=rules, labels=series.labels, excluded=excluded)
    show_chart(chart, series)
    if arguments.freeze is not None:
        _freeze(arguments, chart, series, excluded)

    def draw() -> Figure:
        from taktsight.training.evaluation.control_drawing import control_drawing

        return control_drawing(chart)

    data = {"file": series.source, "sha256": series.sha256, "notes": list(series.notes)}
    figures = {"data": data, **chart.model_dump(mode="json")}
    write_output(arguments, figures, draw)
    if series.table is not None:
        write_history(arguments.history, series.table)
    return int(any(hit.points[-1] > series.new_from for hit in chart.hits))


def _frozen(arguments: argparse.Namespace) -> FrozenLimits | None:
    if arguments.history is not None and (arguments.limits is None or arguments.table is None):
        raise ConfigError(
            "--history goes on with tables of phase II: name a table, and --limits; a ledger is its own "
            "history"
        )
    if arguments.limits is None:
        return None
    from taktsight.quality.spc_limits import read_limits

    given = [f"--{name.replace('_', '-')}" for name in OF_PHASE_1 if getattr(arguments, name)]
    given += ["--method"] * (arguments.method != "auto") + ["--weight"] * (arguments.weight != WEIGHT)
    if given:
        raise ConfigError(f"--limits are those of phase I, and stay: {', '.join(given)} belong there")
    frozen = read_limits(arguments.limits)
    if frozen.limits.chart != arguments.chart:
        raise ConfigError(
            f"{arguments.limits}: holds limits of a {frozen.limits.chart} chart, not of {arguments.chart}"
        )
    return frozen


def _excluded(arguments: argparse.Namespace, count: int) -> Bools | None:
    if not arguments.exclude:
        return None
    import numpy as np

    marked = np.zeros(count, bool)
    for text in arguments.exclude.split(","):
        if not text.strip().isdigit() or not 1 <= int(text) <= count:
            raise ConfigError(f"--exclude {text.strip()!r}: a point from 1 to {count} is wanted")
        marked[int(text) - 1] = True
    return marked


def _estimated(arguments: argparse.Namespace, series: Series, excluded: Bools | None) -> Limits:
    from taktsight.quality.attribute_charts import count_limits, laney_limits, share_limits
    from taktsight.quality.gap_charts import gap_limits

    chart, values, n = arguments.chart, series.values, series.n
    if chart in ("p", "np"):
        return share_limits(chart, values, n, excluded=excluded, method=arguments.method)
    if chart in ("u", "c"):
        return count_limits(chart, values, n, excluded=excluded, method=arguments.method)
    if chart in ("laney-p", "laney-u"):
        return laney_limits(chart, values, n, excluded=excluded)
    if chart in ("g", "t"):
        return gap_limits(chart, values, excluded=excluded)
    if chart == "bernoulli":
        return _bernoulli(arguments, series)
    return _of_values(arguments, series, excluded)


def _of_values(arguments: argparse.Namespace, series: Series, excluded: Bools | None) -> Limits:
    from taktsight.quality.value_charts import cusum_limits, ewma_limits, value_limits

    base = value_limits(series.values, mean=arguments.target, sigma=arguments.sigma, excluded=excluded)
    arl0 = DEFAULT_ARL0 if arguments.arl0 is None else arguments.arl0
    if arguments.chart == "ewma":
        start = "growing" if arguments.growing else "steady"
        return ewma_limits(
            base,
            weight=arguments.weight,
            width=arguments.width,
            start="growing" if start == "growing" else "steady",
            arl0=arl0,
        )
    if arguments.chart == "cusum":
        return cusum_limits(base, allowance=arguments.allowance, interval=arguments.interval, arl0=arl0)
    return base


def _bernoulli(arguments: argparse.Namespace, series: Series) -> Limits:
    from taktsight.quality.bernoulli_cusum import design

    if arguments.arl0 is None:
        raise ConfigError("bernoulli: --arl0 is wanted, in parts: how many between two false alarms?")
    share = float(series.values.mean()) if arguments.share is None else arguments.share
    if not share > 0:
        raise ConfigError("bernoulli: no part is defective, so --share p0 is wanted")
    worse = 2 * share if arguments.worse_share is None else arguments.worse_share
    return design(share, worse, arguments.arl0)


def _freeze(
    arguments: argparse.Namespace, chart: ControlChart, series: Series, excluded: Bools | None
) -> None:
    from taktsight.quality.spc_limits import FrozenLimits, write_limits

    left_out = () if excluded is None else tuple(index + 1 for index, out in enumerate(excluded) if out)
    still_out = [point for point in chart.out if point not in left_out]
    if (still_out or left_out) and not arguments.why.strip():
        named = ", ".join(map(str, still_out or left_out))
        state = "is out" if still_out else "is left out"
        raise ConfigError(
            f"--freeze: point {named} {state} and nothing says why: find "
            "the cause and leave it out (--exclude, --why), or say with --why that none was found"
        )
    write_limits(
        arguments.freeze,
        FrozenLimits(
            limits=chart.limits,
            rules=arguments.rules or "nelson",
            points=len(series.labels) - len(left_out),
            excluded=left_out,
            stayed=tuple(still_out),
            why=arguments.why,
            data_sha256=series.sha256,
            ledger=series.ledger,
            frozen_utc=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        ),
    )
    if still_out:
        print(f"note: point {', '.join(map(str, still_out))} lies beyond these limits and stayed in")
    print(f"limits frozen in {arguments.freeze}; next: taktsight spc {chart.limits.chart} … --limits FILE")


def _pareto(arguments: argparse.Namespace) -> int:
    from taktsight.export.commands.pareto_counts import label_counts
    from taktsight.quality.pareto import pareto

    counts, data = label_counts(arguments)
    rows = pareto(counts)
    table = plain_table("label", "count", "share", "95 %", "cumulative")
    for row in rows:
        interval = "" if row.low is None else f"{row.low:.1%} … {row.high:.1%}"
        table.add_row(row.label, f"{row.count:g}", f"{row.share:.1%}", interval, f"{row.cumulative:.1%}")
    wide_console().print(table)

    def draw() -> Figure:
        from taktsight.training.evaluation.pareto_chart import pareto_chart

        return pareto_chart(rows)

    write_output(arguments, {"data": data, "rows": [row.model_dump(mode="json") for row in rows]}, draw)
    return 0
