"""Recorded parts through the bundle that judged them: the same scores to the last bit, or what differs."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from taktsight.errors import ConfigError, LedgerError
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.cameras.settings import FolderSettings
from taktsight.inspect.config import Engine, Records, Station
from taktsight.inspect.engine_facts import engine_facts, read_facts
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.inspect.fit import Setup, read_setup
from taktsight.inspect.gates.settings import DryRunSettings
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.recorded import LAST, RecordedPart, RecordedRun, read_run
from taktsight.inspect.rejudge import SecondLook, look_again
from taktsight.inspect.triggers.settings import TimerSettings

MAX_PRINTED = 20
"""Parts that differ are listed up to so many; the count says all."""


def main(arguments: argparse.Namespace) -> int:
    """Exit status 1 where anything differs, or nothing could be compared."""
    console = Console(highlight=False, soft_wrap=True)
    counts: Counter[str] = Counter()
    for run, triggers in _asked(arguments.part, arguments.run).items():
        counts += _replay(
            read_run(arguments.records, run, triggers), arguments, console, triggers is not None
        )
    compared = counts["same"] + counts["different"]
    console.print(
        f"{counts['same']:,} of {compared:,} parts: the same frames, scores and verdicts, to the last bit"
    )
    return 0 if compared and not counts["different"] else 1


def _asked(parts: Sequence[str], runs: Sequence[str]) -> dict[str, list[int] | None]:
    """Runs, and the parts of each that are wanted; None for all that are kept."""
    asked: dict[str, list[int] | None] = {}
    for text in parts:
        run, colon, trigger = text.rpartition(":")
        if not trigger.isdecimal() or (colon and not run):
            raise ConfigError(f"--part {text}: RUN:TRIGGER is wanted, or TRIGGER alone for the last run")
        of_run = asked.setdefault(run or LAST, [])
        if of_run is not None:
            of_run.append(int(trigger))
    return asked | dict.fromkeys(runs)


def _replay(
    run: RecordedRun, arguments: argparse.Namespace, console: Console, is_part_named: bool
) -> Counter[str]:
    engine = _engine(run, arguments)
    setup = _setup(run, arguments, engine)
    bundle = setup.bundle
    backend = open_backend(engine, bundle.models)
    inspector = Inspector(backend, bundle.card, setup.recipe, bundle.digest, setup.references)
    console.print(f"run {run.name}: {len(run.parts):,} parts with kept frames")
    for sentence in _circumstances(run.facts, read_facts(engine_facts(engine))):
        console.print(f"  [yellow]{escape(sentence)}[/]")
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for part in run.parts:
        why = _why_not(part, setup)
        if why and not is_part_named:
            left_out[why] += 1
            continue
        look = SecondLook(part, (why,), None) if why else look_again(part, inspector)
        counts["different" if look.differences else "same"] += 1
        if is_part_named or (look.differences and counts["different"] <= MAX_PRINTED):
            _print(console, look)
    for why, count in left_out.items():
        console.print(f"  [yellow]{count:,} parts are left out: {escape(why)}[/]")
    return counts


def _why_not(part: RecordedPart, setup: Setup) -> str:
    """Why a part cannot come out the same; empty where it must."""
    if not part.scores:
        return "nobody judged it, the ledger has no scores of it"
    if part.bundle != setup.bundle.digest:
        return f"another bundle judged it ({part.bundle:.12}, this one is {setup.bundle.digest:.12})"
    if part.recipe != setup.recipe.digest:
        return (
            f"it was judged by another recipe ({part.recipe:.12}, this one is {setup.recipe.digest:.12}); "
            "name the one of that time with --recipe"
        )
    return ""


def _engine(run: RecordedRun, arguments: argparse.Namespace) -> Engine:
    """The engine that judged, with as many threads."""
    threads = arguments.threads or run.facts.get("threads")
    return engine_named(
        arguments.engine or run.facts.get("engine", REFERENCE),
        threads=None if threads is None else int(threads),
    )


def _setup(run: RecordedRun, arguments: argparse.Namespace, engine: Engine) -> Setup:
    """Bundle and recipe as the line had them; an expired bundle is as good as on the day it judged."""
    cameras = sorted({camera for part in run.parts for camera in part.files})
    if not cameras:
        raise LedgerError(f"run {run.name}: of none of its parts a frame is kept")
    station = Station(
        name=f"replay of run {run.name}",
        bundle=arguments.bundle,
        rollback_to="any",
        recipe=arguments.recipe,
        cameras=tuple(
            FolderSettings(kind="folder", name=camera, folder=arguments.records) for camera in cameras
        ),
        trigger=TimerSettings(kind="timer", takt_ms=1000),
        gate=DryRunSettings(kind="dry_run"),
        backend=engine,
        deadline_ms=1000,
        records=Records(folder=arguments.records),
    )
    return read_setup(station, run.started)


def _circumstances(recorded: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """What computes otherwise than it did: scores may differ for it."""
    for fact, now in here.items():
        was = recorded.get(fact, "not recorded")
        if was != now:
            yield f"{fact}: {now}; it was {was}"


def _print(console: Console, look: SecondLook) -> None:
    part = look.part
    name = f"part {part.trigger}" + (f" ({part.serial})" if part.serial else "")
    if not look.differences and look.inspection is not None:
        said = "; ".join((look.inspection.verdict.outcome.value, *look.inspection.verdict.reasons))
        console.print(f"  {escape(name)}: [green]the same[/], {escape(said)}")
        for prediction in look.inspection.predictions:
            scores = ", ".join(
                f"{label} {score:.9g}"
                for label, score in zip(prediction.labels, prediction.scores, strict=True)
            )
            console.print(f"    view {escape(prediction.view)}: {escape(scores)}")
    for sentence in look.differences:
        console.print(f"  {escape(name)}: [bold red]{escape(sentence)}[/]")
