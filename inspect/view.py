"""The live view: a process that reads the meters four times a second and draws them."""

from __future__ import annotations

import mmap
import os
import select
import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from taktsight.inspect.meters import ALARMS, STATES, Meters
from taktsight.inspect.realtime import die_with_line
from taktsight.inspect.summary import OUTCOME_STYLES, milliseconds
from taktsight.records import Outcome

REFRESH_S = 0.25
GATE_FAULTS = ("plc_outages", "unacknowledged", "late_pulses")


def draw(meters: Meters, title: str) -> Panel:
    """The picture of this moment."""
    triggers = meters["triggers"]
    counts = Table.grid(padding=(0, 2), expand=False)
    for outcome in Outcome:
        count = meters[outcome.value]
        share = count / triggers if triggers else 0.0
        style = OUTCOME_STYLES[outcome] if count else "dim"
        counts.add_row(
            Text(outcome.value, style),
            Text(f"{count:>9,}", style),
            Text(f"{share:7.2%}", style),
            _bar(share, style),
        )
    times = Table.grid(padding=(0, 2))
    times.add_row("cycle time", *(f"{name} {value}" for name, value in _cycle(meters)))
    times.add_row(
        "deadline", milliseconds(meters["deadline_ns"]), _count("misses", meters["deadline_misses"])
    )
    health = Text("  ").join(
        (
            _count("restarts", meters["vision_restarts"] + meters["recorder_restarts"]),
            _count("late results", meters["late_results"]),
            _count("lost triggers", meters["lost_triggers"]),
            _count("gate faults", sum(meters[name] for name in GATE_FAULTS)),
            _count("images shed", meters["images_shed"]),
            _count("unrecorded", max(0, meters["entries"] - meters["acknowledged"]), alarm=100),
        )
    )
    frames = Text("  ").join(
        (
            _count("frame faults", meters["frame_faults"]),
            _count("out of band", meters["out_of_band"]),
            _count("health alarms", meters["health_alarms"]),
            _count("lost frames", meters["lost_frames"]),
        )
    )
    state = STATES[meters["state"]]
    takt = f"  takt {milliseconds(meters['takt_ns'])}" if meters["takt_ns"] else ""
    heading = f"[bold]{title}[/]  {state}  part {triggers:,}{takt}"
    border = "green" if state == "armed" else "yellow"
    if any(meters[f"alarm_{name}_since_ns"] for name in ALARMS):
        border = "red"
    if meters["trigger_lost"]:
        heading, border = f"{heading}  [bold red]HELD: the camera that is the trigger is lost[/]", "red"
    if meters["quality_held"]:
        heading, border = f"{heading}  [bold red]HELD: taktsight drift show[/]", "red"
    if meters["golden_held"]:
        heading, border = f"{heading}  [bold red]HELD: show the golden parts[/]", "red"
    return Panel(
        Group(counts, "", times, frames, health, *_alarms(meters, time.monotonic_ns())),
        title=heading,
        title_align="left",
        border_style=border,
        width=84,
    )


def _alarms(meters: Meters, now_ns: int) -> list[Text]:
    """Those that are on, and for how long."""
    on = {name: meters[f"alarm_{name}_since_ns"] for name in ALARMS}
    return [
        Text(f"ALARM {name.replace('_', ' ')}, for {(now_ns - since) / 1e9:,.0f} s", "bold red")
        for name, since in on.items()
        if since
    ]


def _cycle(meters: Meters) -> list[tuple[str, str]]:
    named = [(f"p{percent:g}", meters.cycle_percentile_ns(percent)) for percent in (50, 99, 99.9)]
    return [(name, milliseconds(value)) for name, value in (*named, ("max", meters.cycle_max_ns()))]


def _count(name: str, count: int, alarm: int = 1) -> Text:
    return Text(f"{name} {count:,}", "bold red" if count >= alarm else "dim")


def _bar(share: float, style: str) -> Text:
    return Text("━" * round(share * 30), style)


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its process id, descriptors of meters and log, the station's name."""
    line_process, meters_descriptor, log = map(int, arguments[:3])
    die_with_line(line_process)
    meters = Meters(meters_descriptor, access=mmap.ACCESS_READ)
    console = Console(force_terminal=True)  # who starts a view wants to see it
    with Live(draw(meters, arguments[3]), console=console, auto_refresh=False) as live:
        unfinished = bytearray()
        while _pass_log_lines(console, log, unfinished):
            live.update(draw(meters, arguments[3]), refresh=True)
        live.update(Text(""), refresh=True)
    return 0


def _pass_log_lines(console: Console, log: int, unfinished: bytearray) -> bool:
    """Prints what the line logs, above the picture, for one refresh; False once the line has ended."""
    until_s = time.monotonic() + REFRESH_S
    while (wait_s := until_s - time.monotonic()) > 0:
        readable, _, _ = select.select([0, log], [], [], wait_s)
        if log in readable:
            unfinished += os.read(log, 1 << 16)
            lines, _, rest = unfinished.rpartition(b"\n")
            if lines:
                console.print(Text(lines.decode(errors="replace")), soft_wrap=True)
            unfinished[:] = rest
        elif readable:
            return False  # the line has ended, and everything it logged was printed
    return True
