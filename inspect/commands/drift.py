"""Whether later parts are as those of a frozen reference; if not: since which part, and why.

    taktsight drift learn records/                       # phase I: freezes records/drift/reference.json
    taktsight drift learn records/ --parts 2000 --arl0 50000
    taktsight drift show records/                        # what is watched, and how soon it finds a shift
    taktsight drift watch records/                       # every part since, once
    taktsight drift watch records/ --follow              # and those that come
    taktsight drift clear records/ 0123456789ab --by NAME --why 'lamp exchanged, 200 parts measured again'

An alarm is written beside the records and suspends what was certified, until somebody clears it. So
are the rule hits of control charts that a line watches, which suspend nothing.
Exit status of watch and show: 1 while an alarm stands.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taktsight.errors import ConfigError, DataError
from taktsight.inspect.drift_following import DriftFollower
from taktsight.inspect.drift_rows import PartReader, kept_frames
from taktsight.quality.drift_learning import learn
from taktsight.quality.drift_records import FOLDER, clear, suspensions, write_alarm
from taktsight.quality.drift_reference import DriftReference, read_reference, write_reference
from taktsight.quality.drift_watch import SAID, Alarm, Watch
from taktsight.quality.spc_records import clear_hit, standing_hits

ARL0_PARTS = 200_000
"""At a part a second, one false alarm in two days."""
LOOK_S = 1.0
"""How often a followed ledger is looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which records."""
    parser.add_argument("action", choices=("learn", "watch", "show", "clear"))
    parser.add_argument("records", type=Path, metavar="RECORDS", help="the folder that holds ledger.sqlite")
    parser.add_argument("name", nargs="?", metavar="ALARM", help="to clear")
    parser.add_argument(
        "--reference", type=Path, metavar="FILE.json", help="the frozen one (RECORDS/drift/reference.json)"
    )
    parser.add_argument(
        "--run", action="append", metavar="RUN", help="of the ledger, to learn from (every one)"
    )
    parser.add_argument("--parts", type=int, metavar="N", help="learn from the first N parts only")
    parser.add_argument(
        "--arl0",
        type=float,
        default=ARL0_PARTS,
        metavar="PARTS",
        help=f"parts from one false alarm of all detectors together to the next ({ARL0_PARTS:,})",
    )
    parser.add_argument("--follow", action="store_true", help="go on as parts come, until Ctrl-C")
    parser.add_argument("--dry-run", action="store_true", help="watch: say alarms and write none down")
    parser.add_argument("--json", type=Path, metavar="FILE", help="watch: every alarm, for programs")
    parser.add_argument("--by", metavar="NAME", help="clear: who looked into it")
    parser.add_argument("--why", metavar="TEXT", help="clear: what was found and done")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 1 while an alarm stands."""
    console = Console(highlight=False, soft_wrap=True)
    if arguments.action == "clear":
        return _clear(console, arguments)
    path = arguments.reference or arguments.records / FOLDER / "reference.json"
    if arguments.action == "learn":
        return _learn(console, arguments, path)
    if arguments.action == "show":
        if arguments.reference is None and not path.exists():
            console.print("no reference of drift was learned here", markup=False)
        else:
            _print_reference(console, read_reference(path))
        return _print_open(console, arguments.records)
    reference = read_reference(path)
    return _watch(console, arguments, reference)


def _learn(console: Console, arguments: argparse.Namespace, path: Path) -> int:
    reader = PartReader(arguments.records)
    try:
        parts, labels, station = [], reader.labels, reader.station
        for part in reader.parts():
            if arguments.run is None or any(part.name.run.startswith(run) for run in arguments.run):
                parts.append(part)
                labels, station = reader.labels, reader.station  # of their run, not of a later one
            if len(parts) == arguments.parts:
                break
        if not parts:
            raise DataError(f"{arguments.records}: the ledger has no part of such a run")
        names = frozenset(part.name for part in parts)
        reference = learn(
            parts,
            labels,
            station=station,
            utc=_now(),
            arl0_parts=arguments.arl0,
            frames=kept_frames(arguments.records, reader, names),
        )
    finally:
        reader.close()
    write_reference(path, reference)
    _print_reference(console, reference)
    console.print(f"frozen: {path}, digest {reference.digest:.12}", markup=False)
    return 0


def _print_reference(console: Console, reference: DriftReference) -> None:
    first, last = reference.first, reference.last
    console.print(
        f"{reference.parts:,} parts of station {reference.station}, from part {first.trigger} of run "
        f"{first.run} to part {last.trigger} of run {last.run}; one false alarm in "
        f"{reference.arl0_parts:,.0f} parts, shared by {reference.detectors} detectors",
        markup=False,
    )
    table = Table("watched", "reference", "values", "found after: 0.5 σ", "1 σ", box=None)
    for each in reference.columns:
        block = "" if each.block == 1 else f" of {each.block} parts"
        table.add_row(
            escape(str(each.channel)),
            f"{each.median:.3g} ({each.low:.3g} … {each.high:.3g})",
            f"{len(each.values):,}{block}",
            f"{each.delay_half:,.0f} parts",
            f"{each.delay_one:,.0f} parts",
        )
    for event in reference.events:
        table.add_row(
            SAID[event.name],
            f"{event.events} of {event.parts:,}",
            "",
            "3 ×:",
            f"{event.delay_triple:,.0f} parts",
        )
    console.print(table)
    if reference.windows is not None:
        console.print(
            f"distributions: KS of each label, MMD of each camera, {reference.windows.parts} parts at a "
            f"time, alarm at p ≤ {reference.windows.level:.2g}"
        )
    for frames in reference.frames:
        console.print(
            f"dirt and looks of camera {frames.view}: {len(frames.cells)} frames, alarm at p ≤ "
            f"{frames.level:.2g}",
            markup=False,
        )
    for sentence in reference.left_out:
        console.print(f"not watched: {sentence}", markup=False)
    for sentence in reference.doubts:
        console.print(f"[yellow]{escape(sentence)}[/]")


def _watch(console: Console, arguments: argparse.Namespace, reference: DriftReference) -> int:
    if arguments.json is not None and arguments.follow:
        raise ConfigError("watch: --json is written at the end, and --follow has none")
    reader = PartReader(arguments.records)
    follower = DriftFollower(arguments.records, reference, reader)
    found = _Found(None if arguments.dry_run else arguments.records, reference)
    try:
        while True:
            for part in reader.parts():
                for alarm in follower.see(part):
                    found.add(console, alarm)
            for alarm in follower.see_frames():
                found.add(console, alarm)
            if not arguments.follow:
                break
            time.sleep(LOOK_S)
    finally:
        reader.close()
    watch = follower.watch
    again = f", {found.again} of them again" if found.again else ""
    console.print(f"{watch.parts:,} parts since the reference, {len(found.alarms)} alarms{again}")
    if watch.strangers:
        console.print(
            f"[yellow]{watch.strangers:,} parts were judged by another bundle or recipe and not compared: "
            "learn a reference of those[/]"
        )
    if not found.alarms and watch.levels:
        name, level = max(watch.levels.items(), key=lambda pair: pair[1])
        console.print(f"nearest to an alarm: {name}, at {level:.0%} of its threshold", markup=False)
    if arguments.json is not None:
        _write_json(arguments.json, reference, watch, found.alarms)
    stands = 0 if arguments.dry_run else _print_open(console, arguments.records)
    return int(bool(found.alarms) or bool(stands))


class _Found:
    """Alarms: each is said once, and again where somebody has cleared it meanwhile."""

    def __init__(self, records: Path | None, reference: DriftReference) -> None:
        self._records = records
        self._reference = reference
        self._said: set[tuple[str, str]] = set()
        self.alarms: list[Alarm] = []
        self.again = 0

    def add(self, console: Console, alarm: Alarm) -> None:
        """Says and records it, unless that was done."""
        key = (alarm.detector, alarm.what)
        record = write_alarm(self._records, self._reference, alarm) if self._records else None
        self.alarms.append(alarm)
        if record is None and (key in self._said or self._records is not None):
            self.again += 1
            return
        self._said.add(key)
        name = f" [dim]alarm {record.name}[/]" if record else ""
        console.print(f"[bold red]part {alarm.at}[/] [bold]{alarm.cause}[/]: {escape(alarm.said)}{name}")
        if alarm.look_into:
            console.print(f"  {alarm.look_into}", markup=False)


def _print_open(console: Console, records: Path) -> int:
    found = suspensions(records)
    for each in found:
        console.print(f"[magenta]suspended[/] {each.name}: {escape(each.reason)}")
    hits = standing_hits(records)
    for name, said in hits:
        console.print(f"[magenta]stands[/] {name}: {escape(said)}")
    return int(bool(found) or bool(hits))


def _write_json(path: Path, reference: DriftReference, watch: Watch, alarms: list[Alarm]) -> None:
    said: dict[str, Any] = {
        "reference": reference.digest,
        "parts": watch.parts,
        "not_compared": watch.strangers,
        "arl0_parts": reference.arl0_parts,
        "alarms": [asdict(alarm) for alarm in alarms],
        "levels": watch.levels,
    }
    try:
        path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _clear(console: Console, arguments: argparse.Namespace) -> int:
    if not (arguments.name and arguments.by and arguments.why):
        raise ConfigError("clear: ALARM, --by and --why are wanted: somebody stands for it")
    said = {"by": arguments.by, "why": arguments.why, "utc": _now()}
    record = clear_hit(arguments.records, arguments.name, **said) or clear(
        arguments.records, arguments.name, **said
    )
    console.print(f"cleared: {record.said}", markup=False)
    return _print_open(console, arguments.records)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
