"""Measurement system analysis: whether people and the machine judge the same parts alike, and rightly.

    taktsight study plan parts.csv --appraisers anna,ben --trials 3 --out study      # blind, random order
    taktsight study agreement study --good ok --records records --machine line1      # verdicts
    taktsight study gage study --answer value --tolerance 0.2                        # measured values
    taktsight study repeat records                                                   # the station, again

plan       writes a sheet of codes for each appraiser to fill in, and the key that says which part a code is
agreement  kappa, effectiveness, misses and false alarms of each, with intervals, by the usual limits (AIAG)
gage       Gage R&R by average-and-range and by ANOVA, %GRR and ndc
repeat     parts that a line saw more than once: how often its verdict changed, and how far its scores lie

docs/studies.md shows one. Exit status: 0 acceptable or marginal, 1 unacceptable, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

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

    from taktsight.quality.agreement import Agreement, Share
    from taktsight.quality.gage import Gage
    from taktsight.quality.kappas import Kappa

GRADES = {"acceptable": "green", "marginal": "yellow", "unacceptable": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the four things to do."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="plan|agreement|gage|repeat")
    plan = actions.add_parser("plan", help="sheets to fill in, blind and in random order")
    plan.add_argument("parts", type=Path, metavar="PARTS.csv", help="columns part, and reference if known")
    plan.add_argument("--appraisers", required=True, metavar="A,B", help="names, with commas")
    plan.add_argument("--trials", type=int, default=2, help="looks of each at each part (2)")
    plan.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    plan.add_argument("--seed", type=int, help="of the order; without it nobody knows it beforehand")
    plan.add_argument("--gage", action="store_true", help="values are measured, no verdicts given")
    _add_agreement(actions.add_parser("agreement", help="verdicts of people and machine"))
    gage = actions.add_parser("gage", help="measured values")
    gage.add_argument("study", type=Path, metavar="STUDY", help="a folder of 'plan', or a long table")
    gage.add_argument("--answer", default="value", metavar="COLUMN", help="of the values (value)")
    gage.add_argument("--tolerance", type=float, help="width that the drawing allows")
    gage.add_argument("--unit", default="", help="of the values")
    add_output(gage, "the values of each part by appraiser")
    repeat = actions.add_parser("repeat", help="parts that a line saw more than once")
    repeat.add_argument("records", type=Path, metavar="RECORDS", help="the folder that holds the ledger")
    repeat.add_argument("--run", help="its name or 'last' (all)")
    repeat.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, as JSON")


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=Path, metavar="STUDY", help="a folder of 'plan', or a long table")
    parser.add_argument("--answer", default="verdict", metavar="COLUMN", help="of the verdicts (verdict)")
    parser.add_argument(
        "--good", default="good,PASS", metavar="A,B", help="verdicts that let a part pass (good,PASS)"
    )
    parser.add_argument("--by-label", action="store_true", help="tell verdicts that hold a part up apart")
    parser.add_argument("--confidence", type=float, default=0.95, help="of the intervals (0.95)")
    parser.add_argument("--records", type=Path, metavar="FOLDER", help="the machine's verdicts, by serial")
    parser.add_argument("--machine", default="machine", metavar="NAME", help="what it is called (machine)")
    parser.add_argument("--run", help="of the ledger: its name or 'last' (all)")
    add_output(parser, "the agreement table")


def main(arguments: argparse.Namespace) -> int:
    """Does what was asked for."""
    if arguments.action == "plan":
        return _plan(arguments)
    if arguments.action == "repeat":
        return _repeat(arguments)
    check_output(arguments)
    return _agreement(arguments) if arguments.action == "agreement" else _gage(arguments)


def _plan(arguments: argparse.Namespace) -> int:
    from taktsight.export.commands.study_sheets import write_plan
    from taktsight.quality.study_plan import study_plan
    from taktsight.quality.tables import read_table

    table = read_table(arguments.parts)
    parts = table.unique("part")
    references = table.text("reference") if table.has("reference") else [""] * len(parts)
    seed = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    appraisers = [name.strip() for name in arguments.appraisers.split(",") if name.strip()]
    plan = study_plan(
        dict(zip(parts, references, strict=True)),
        appraisers,
        trials=arguments.trials,
        seed=seed,
        gage=arguments.gage,
    )
    answer = "value" if arguments.gage else "verdict"
    files = write_plan(arguments.out, plan, answer)
    for file in files:
        print(f"wrote {file}")
    print(f"{len(plan.looks)} looks, seed {seed}; the key stays with whoever hands out the parts")
    for warning in plan.warnings:
        print(f"note: {warning}")
    action = "gage" if arguments.gage else "agreement"
    print(f"next: fill in the column {answer!r}, then taktsight study {action} {arguments.out}")
    return 0


def _agreement(arguments: argparse.Namespace) -> int:
    from taktsight.export.commands.study_sheets import read_looks, with_machine
    from taktsight.quality.agreement import agreement
    from taktsight.quality.agreement_looks import looks_of

    if not 0 < arguments.confidence < 1:
        raise ConfigError(f"--confidence {arguments.confidence}: between 0 and 1 is wanted")
    rows = read_looks(arguments.study, arguments.answer)
    if arguments.records is not None:
        rows = with_machine(rows, arguments.records, arguments.machine, arguments.run)
    looks = looks_of(
        rows.parts,
        rows.appraisers,
        rows.answers,
        good=[name.strip() for name in arguments.good.split(",")],
        trials=rows.trials,
        references=rows.references,
        by_label=arguments.by_label,
    )
    found = agreement(looks, arguments.confidence)
    _show_agreement(found)

    def draw() -> Figure:
        from taktsight.training.evaluation.agreement_chart import agreement_chart

        return agreement_chart(found)

    data = {"file": rows.source, "sha256": list(rows.sha256)}
    write_output(arguments, {"data": data, **found.model_dump(mode="json")}, draw)
    return int(found.verdict == "unacceptable")


def _show_agreement(found: Agreement) -> None:
    console = wide_console()
    console.print(
        f"{found.parts} parts, {found.trials} trials: {', '.join(found.categories)}", markup=False
    )
    table = plain_table(
        "appraiser", "repeats itself", "effective", "misses", "false alarms", "kappa to ref.", ""
    )
    for one in found.appraisers:
        grade = "" if one.verdict is None else f"[{GRADES[one.verdict]}]{one.verdict}[/]"
        shares = map(_share, (one.repeatable, one.effective, one.missed, one.false_alarms))
        table.add_row(one.name, *shares, _kappa(one.to_reference), grade)
    console.print(table)
    if found.pairs:
        pairs = plain_table("pair", "kappa", "agree", "")
        for pair in found.pairs:
            pairs.add_row(
                f"{pair.first} – {pair.second}",
                _kappa(pair.kappa),
                f"{pair.kappa.observed:.1%}",
                pair.verdict,
            )
        console.print(pairs)
    console.print(f"all agree on {_share(found.all_agree)} of the parts", markup=False)
    if found.all_right is not None:
        console.print(f"all are right on {_share(found.all_right)}", markup=False)
    if found.fleiss is not None:
        console.print(f"Fleiss's kappa over all looks {_kappa(found.fleiss)}", markup=False)
    _show_end(console, found.convention, found.warnings)


def _gage(arguments: argparse.Namespace) -> int:
    import numpy as np

    from taktsight.export.commands.study_sheets import read_looks
    from taktsight.quality.gage import gage, gage_table
    from taktsight.quality.tables import table_of

    rows = read_looks(arguments.study, arguments.answer)
    text = table_of([arguments.answer], [[cell] for cell in rows.answers], rows.source)
    values, appraisers, parts = gage_table(
        rows.parts, rows.appraisers, np.asarray(text.numbers(arguments.answer))
    )
    found = gage(values, tolerance=arguments.tolerance, unit=arguments.unit)
    _show_gage(found)

    def draw() -> Figure:
        from taktsight.training.evaluation.gage_chart import gage_chart

        return gage_chart(values, appraisers, parts, found)

    data = {"file": rows.source, "sha256": list(rows.sha256)}
    write_output(arguments, {"data": data, **found.model_dump(mode="json")}, draw)
    return int(any(study.verdict == "unacceptable" for study in found.studies))


def _show_gage(found: Gage) -> None:
    console = wide_console()
    unit = f" {found.unit}" if found.unit else ""
    console.print(
        f"{found.parts} parts, {found.appraisers} appraisers, {found.trials} trials", markup=False
    )
    for study in found.studies:
        table = plain_table(study.method, f"σ{unit}", "of study", "of variance", "of tolerance")
        for spread in study.spreads:
            tolerance = "" if spread.of_tolerance is None else f"{spread.of_tolerance:.1%}"
            table.add_row(
                spread.source,
                f"{spread.sigma:.5g}",
                f"{spread.of_study:.1%}",
                f"{spread.contribution:.1%}",
                tolerance,
            )
        console.print(table)
        pooling = ""
        if study.interaction_p is not None:
            done = "pooled" if study.pooled else "kept"
            pooling = f", interaction p = {study.interaction_p:.3f}, {done}"
        console.print(f"[{GRADES[study.verdict]}]{study.verdict}[/], ndc {study.ndc}{pooling}")
    _show_end(console, found.convention, found.warnings)


def _repeat(arguments: argparse.Namespace) -> int:
    from taktsight.export.commands.recorded_verdicts import recorded_verdicts
    from taktsight.quality.repeats import repeats

    verdicts = recorded_verdicts(arguments.records, arguments.run)
    found = repeats(
        [
            (
                verdict.serial,
                verdict.outcome.value,
                {view: list(scores) for view, scores in verdict.scores.items()},
            )
            for verdict in verdicts
            if verdict.serial is not None
        ]
    )
    console = wide_console()
    console.print(
        f"{found.parts} parts came {found.looks} times; the same verdict each time on {_share(found.same)}",
        markup=False,
    )
    table = plain_table("part", "looks", "outcomes", "score scatter")
    for part in found.changed[:40]:
        scatter = "" if part.score_sigma is None else f"{part.score_sigma:.4f}"
        table.add_row(part.part, str(part.looks), ", ".join(part.outcomes), scatter)
    if found.changed:
        console.print(table)
    if found.score_sigma is not None:
        console.print(f"scores scatter by σ = {found.score_sigma:.5f} within a part", markup=False)
    figures = {"data": {"file": str(arguments.records)}, **found.model_dump(mode="json")}
    arguments.plot = None
    write_output(arguments, figures, _no_picture)
    return int(bool(found.changed))


def _no_picture() -> Figure:
    raise ConfigError("there is no picture of repeats")


def _share(share: Share | None) -> str:
    if share is None or share.value is None:
        return ""
    return f"{share.value:.1%} [{_end(share.low)}, {_end(share.high)}]"


def _end(value: float) -> str:
    """A bound in per cent, short."""
    return f"{100 * value:.1f}" if value < 0.1 else f"{100 * value:.0f}"


def _kappa(kappa: Kappa | None) -> str:
    if kappa is None or kappa.value is None:
        return "undefined" if kappa is not None else ""
    interval = "" if kappa.low is None else f" [{kappa.low:.2f}, {kappa.high:.2f}]"
    return f"{kappa.value:.3f}{interval}"


def _show_end(console: Console, convention: str, warnings: Sequence[str]) -> None:
    console.print(convention, style="dim", markup=False)
    for warning in warnings:
        console.print(f"note: {warning}", style="yellow", markup=False)
