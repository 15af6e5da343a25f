"""The table at the end of a run."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from taktsight.inspect.config import Station
from taktsight.inspect.meters import ALARMS, STAGES, Meters
from taktsight.records import Outcome

OUTCOME_STYLES = {
    Outcome.PASS: "green",
    Outcome.REJECT: "red",
    Outcome.REVIEW: "yellow",
    Outcome.UNINSPECTED: "magenta",
}

TROUBLES = {
    "lost_triggers": "triggers lost",
    "bounces": "bounces",
    "counter_resets": "counters set anew",
    "trigger_outages": "outages of the camera that is the trigger",
    "plc_outages": "outages of the PLC",
    "plc_torn_readings": "torn readings",
    "unacknowledged": "verdicts not acknowledged",
    "late_pulses": "pulses too late",
}
"""Meters of trigger and gate that stand at 0 on a good day."""


WIDTH = 84
"""Of the table, columns."""


def milliseconds(time_ns: int) -> str:
    """A time as a person reads it."""
    if time_ns < 10_000:
        return "< 0.01 ms"
    return f"{time_ns / 1e6:.4g} ms" if time_ns < 1e10 else f"{time_ns / 1e9:.1f} s"


def print_summary(meters: Meters, station: Station, run: str) -> None:
    """What the line did, in one table."""
    console = Console(highlight=False)
    if not console.is_terminal:  # a log has no width
        console.width = WIDTH
    table = Table(title=f"{station.name} · run {run}", title_justify="left", show_header=False)
    table.width = min(WIDTH, console.width)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(meters, station):
        table.add_row(name, value)
    console.print(table)


def _rows(meters: Meters, station: Station) -> list[tuple[str, str]]:
    triggers = meters["triggers"]
    outcomes = [
        f"[{OUTCOME_STYLES[outcome]}]{outcome.value} {meters[outcome.value]:,}[/]" for outcome in Outcome
    ]
    times = [
        f"p{percent:g} {milliseconds(meters.cycle_percentile_ns(percent))}" for percent in (50, 99, 99.9)
    ]
    times.append(f"max {milliseconds(meters.cycle_max_ns())}")
    restarts = f"vision {meters['vision_restarts']}, recorder {meters['recorder_restarts']}"
    images = [f"{meters[f'images_{what}']:,} {what}" for what in ("stored", "shed", "removed")]
    on_disk = f"{meters['acknowledged']:,} of {meters['entries']:,} entries on the disk"
    rows = [
        ("parts", f"{triggers:,}{_takt(meters)}"),
        ("verdicts", "  ".join(outcomes)),
        ("cycle time", "  ".join(times)),
        ("stages", _stages(meters) or "no part was looked at"),
        (
            "deadline",
            f"{milliseconds(meters['deadline_ns'])}: {meters['deadline_misses']:,} missed at the gate",
        ),
        ("late results", f"{meters['late_results']:,}, recorded, never sent"),
        ("trigger lateness", f"max {milliseconds(meters['trigger_lateness_max_ns'])}"),
        ("restarts", restarts),
        (
            "ledger",
            f"{on_disk}: {station.records.folder}",
        ),
        ("images", ", ".join(images)),
    ]
    if station.code is not None:
        read = f"{meters['codes_read']:,} read, {meters['codes_unread']:,} not"
        rows.insert(2, ("codes", read))
    frames = [
        f"{meters[name]:,} {said}"
        for name, said in (
            ("frame_faults", "faults"),
            ("out_of_band", "out of band"),
            ("health_alarms", "alarms"),
            ("lost_frames", "lost"),
        )
        if meters[name]
    ]
    if frames:
        rows.append(("frames", f"[bold red]{', '.join(frames)}[/]"))
    if station.records.mode == "strict":
        text = f"{meters['withdrawn']:,} verdicts became UNINSPECTED, the ledger did not have them in time"
        rows.insert(5, ("strict", text))
    troubles = _troubles(meters)
    if troubles:
        rows.insert(-3, ("trigger and gate", troubles))
    if alarms := _alarms(meters):
        rows.append(("alarms", f"[bold red]{alarms}[/]"))
    if meters["first_answer_ns"]:
        first_ns = meters["first_answer_ns"] - meters["started_ns"]
        rows.insert(1, ("first verdict", f"{milliseconds(first_ns)} after the start"))
    return rows


def _takt(meters: Meters) -> str:
    return f" at a takt of {milliseconds(meters['takt_ns'])}" if meters["takt_ns"] else ""


def _troubles(meters: Meters) -> str:
    """What went wrong between the line and its hardware; "" where nothing did."""
    return ", ".join(f"{meters[name]:,} {said}" for name, said in TROUBLES.items() if meters[name])


def _stages(meters: Meters) -> str:
    """Where the cycle time goes: median and p99 of each stage, a line each."""
    shown = []
    for stage in STAGES:
        histogram = meters.histograms[stage]
        if histogram.max_ns:
            half, most = (milliseconds(histogram.percentile_ns(percent)) for percent in (50, 99))
            shown.append(f"{stage:8} {half}, p99 {most}")
    return "\n".join(shown)


def _alarms(meters: Meters) -> str:
    times = {name: meters[f"alarm_{name}_times"] for name in ALARMS}
    return ", ".join(f"{name.replace('_', ' ')} {count:,}×" for name, count in times.items() if count)
