"""Probability of detection by defect size: which size is surely found (MIL-HDBK-1823A).

    taktsight pod targets.csv --size size_mm --hit found
    taktsight pod targets.csv --size size_mm --signal score --decision 0.4 --lowest 0 --highest 1
    taktsight pod targets.csv --size size_mm --hit found --group label --json pod.json --plot pod.svg

A row is a target: its size by drawing, microscope or mask, and whether it was found (1 or 0), or the
signal it gave. Size 0 is a place without a defect: what is called there is a false call. All sizes are in
one unit.

a90/95 is the size that is found with a probability of 0.9, at a confidence of 95 %. docs/pod.md says how
the bounds are meant. Exit status: 0 done, also where warnings say what makes the curve doubtful.
"""

from __future__ import annotations

import argparse
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from taktsight.quality.pod import Origin, Pod
    from taktsight.quality.tables import Floats, Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("table", type=Path, metavar="TARGETS.csv")
    parser.add_argument("--size", default="size", metavar="COLUMN", help="sizes, 0 for no defect (size)")
    answer = parser.add_mutually_exclusive_group(required=True)
    answer.add_argument("--hit", metavar="COLUMN", help="1 where the target was found, 0 where missed")
    answer.add_argument("--signal", metavar="COLUMN", help="what the target gave, such as a score")
    parser.add_argument("--decision", type=float, help="with --signal: above it a defect is called")
    parser.add_argument("--lowest", type=float, help="signals at or below it are not told apart")
    parser.add_argument("--highest", type=float, help="signals at or above it are not told apart")
    parser.add_argument("--link", choices=("logit", "probit", "cloglog"), default="logit")
    scales = ("linear", "log")
    parser.add_argument(
        "--size-scale", choices=scales, help="fit on sizes or their logarithms (hits linear, signals log)"
    )
    parser.add_argument("--signal-scale", choices=scales, default="linear")
    parser.add_argument("--confidence", type=float, default=0.95, help="of the bounds (0.95)")
    parser.add_argument("--group", metavar="COLUMN", help="what targets belong to: pooling them is tested")
    parser.add_argument("--id", metavar="COLUMN", help="names of targets, once each (id or ID if there)")
    parser.add_argument("--unit", help="of the sizes, where their column does not say it")
    parser.add_argument(
        "--synthetic", action="store_true", help="the defects are made ones: figures and picture say so"
    )
    add_output(parser, "the curve with its bound and the targets")


def main(arguments: argparse.Namespace) -> int:
    """0 when the curve stands."""
    check_output(arguments)
    if (arguments.decision is None) == (arguments.signal is not None):
        raise ConfigError("--decision goes with --signal: above which signal is a defect called?")
    from taktsight.quality.tables import read_table

    table = read_table(arguments.table)
    sizes = _sizes(arguments, table)
    answers = table.numbers(arguments.signal) if arguments.signal else _hits(table, arguments.hit)
    pod = _curve(arguments, table, sizes, answers)
    _show(pod)

    def draw() -> Figure:
        from taktsight.training.evaluation.pod_chart import pod_chart

        return pod_chart(pod, sizes, answers)

    data = {"file": table.name, "sha256": table.sha256, "size": arguments.size}
    write_output(arguments, {"data": data, **pod.model_dump(mode="json")}, draw)
    return 0


def _hits(table: Table, column: str) -> Floats:
    import numpy as np

    return np.asarray(table.flags(column), dtype=np.float64)


def _sizes(arguments: argparse.Namespace, table: Table) -> Floats:
    """The sizes, once names and units were checked."""
    name = arguments.id or next((column for column in ("id", "ID") if table.has(column)), None)
    if name is not None:
        table.unique(name)
    sizes = table.numbers(arguments.size)
    for index, size in enumerate(sizes):
        if size < 0:
            raise table.fault(index, arguments.size, f"{size:g} lies below 0; a size is wanted, or 0")
    return sizes


def _unit(arguments: argparse.Namespace, table: Table) -> str:
    said = table.unit_of(arguments.size)
    if said and arguments.unit and said != arguments.unit:
        raise ConfigError(f"--unit {arguments.unit}: column {arguments.size!r} says {said}")
    return arguments.unit or said or ""


def _curve(arguments: argparse.Namespace, table: Table, sizes: Floats, answers: Floats) -> Pod:
    from taktsight.quality.pod_hits import pod_hit_miss
    from taktsight.quality.pod_signals import pod_signal

    groups = table.filled(arguments.group) if arguments.group else None
    unit = _unit(arguments, table)
    origin: Origin = "synthetic" if arguments.synthetic else "real"
    if arguments.hit:
        return pod_hit_miss(
            sizes,
            answers > 0,
            link=arguments.link,
            size_scale=arguments.size_scale or "linear",
            confidence=arguments.confidence,
            groups=groups,
            unit=unit,
            origin=origin,
        )
    return pod_signal(
        sizes,
        answers,
        decision=arguments.decision,
        size_scale=arguments.size_scale or "log",
        signal_scale=arguments.signal_scale,
        lowest=arguments.lowest,
        highest=arguments.highest,
        confidence=arguments.confidence,
        groups=groups,
        unit=unit,
        origin=origin,
    )


def _show(pod: Pod) -> None:
    console = wide_console()
    title = "synthetic challenge set" if pod.origin == "synthetic" else "targets"
    model = pod.link if pod.kind == "hit/miss" else "signal, censored regression"
    console.print(f"{pod.n} {title}, {pod.hits} found; {model} on {pod.size_scale} size", markup=False)
    table = plain_table("", f"size {pod.unit}".strip())
    level = f"{pod.confidence * 100:g}"
    table.add_row("a50", _said(pod.a50))
    table.add_row("a90", _said(pod.a90))
    table.add_row(f"[bold]a90/{level}[/]", f"[bold]{_said(pod.a90_95)}[/]")
    if pod.kind == "hit/miss":
        table.add_row(f"a90/{level} one-sided, likelihood", _said(pod.a90_95_one_sided))
        table.add_row(f"a90/{level} one-sided, Wald", _said(pod.a90_95_wald))
    console.print(table)
    if pod.false_calls is not None:
        calls = pod.false_calls
        modelled = "" if calls.modelled is None else f"; of normal noise {calls.modelled:.2%}"
        console.print(
            f"false calls  {calls.calls} of {calls.places} = {calls.rate:.2%}, at most {calls.high:.2%} "
            f"({level} %){modelled}",
            markup=False,
        )
    for group in pod.groups:
        console.print(
            f"group        {group.name}: {group.hits} of {group.n} found, a50 {_said(group.a50)}, "
            f"a90 {_said(group.a90)}",
            markup=False,
        )
    console.print(pod.convention, markup=False, style="dim")
    for warning in pod.warnings:
        console.print(f"warning: {warning}", markup=False, style="yellow")


def _said(size: float | None) -> str:
    return "none" if size is None else f"{size:.4g}"
