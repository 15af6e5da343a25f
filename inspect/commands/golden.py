"""Show known-good and known-bad parts to the camera of a running line, as its station asks; else it holds.

    taktsight golden line1.yaml                  # step by step: what to lay there, and what was said of it
    taktsight golden line1.yaml --status         # exit status 1 while the line holds
    taktsight golden line1.yaml --demand "lens cleaned"
    taktsight golden line1.yaml --unattended     # no questions: a rig shows the parts, as the file has them

The line must run. A part whose serial stands in the station is known when it comes; any other is the next
one that is triggered after it was announced. No golden part passes the gate. Results stand in the ledger.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from taktsight.errors import ConfigError, LineError
from taktsight.inspect.config import Station, load_station
from taktsight.inspect.control import ControlClient
from taktsight.inspect.golden_settings import GoldenCheck, GoldenPart

POLL_S = 0.05
MAX_TRIES = 3
"""Of a part that came to no verdict."""
STYLES = {"right": "green", "wrong": "bold red", "not judged": "yellow", "past": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The station, and how its operator is guided."""
    parser.add_argument("station", type=Path, metavar="STATION.yaml")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--status", action="store_true", help="whether the line holds, and when it will")
    how.add_argument("--demand", metavar="WHY", help="the line holds from now on until a check is passed")
    how.add_argument("--unattended", action="store_true", help="ask nothing")
    parser.add_argument(
        "--wait-s", type=float, default=60, help="for a part to come and its verdict, seconds (60)"
    )


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 when the check was passed, or the line does not hold."""
    console = Console(highlight=False, soft_wrap=True)
    station = load_station(arguments.station)
    if station.golden is None:
        raise ConfigError(
            f"{arguments.station}: names no golden parts; put them under 'golden:', see docs/golden.md"
        )
    client = ControlClient(station.records.folder, station.name)
    try:
        if arguments.demand is not None:
            client.ask({"golden": "demand", "of": arguments.demand})
        if arguments.demand is not None or arguments.status:
            return _say_state(console, station, client.ask({"golden": "state"}))
        return Guide(console, client, station.golden, arguments).run()
    except KeyboardInterrupt:
        client.ask({"golden": "withdraw"})
        raise
    finally:
        client.close()


def _say_state(console: Console, station: Station, state: dict[str, Any]) -> int:
    due_in_s = state["due_in_s"]
    if state["held"]:
        console.print(f"[bold red]{escape(station.name)}: {escape(state['held'])}[/]")
        console.print(f"still to show: {', '.join(state['missing'])}", markup=False)
    elif due_in_s is None:
        console.print(f"{station.name}: passed, not due again before the next start", markup=False)
    else:
        console.print(f"{station.name}: passed, due again in {due_in_s / 60:.0f} min", markup=False)
    return int(bool(state["held"]))


class Guide:
    """One check, part after part."""

    def __init__(
        self, console: Console, client: ControlClient, check: GoldenCheck, arguments: argparse.Namespace
    ) -> None:
        self._console = console
        self._client = client
        self._check = check
        self._wait_s = arguments.wait_s
        self._asks = not arguments.unattended
        self._known = {seen["number"] for seen in self._state()["seen"]}

    def run(self) -> int:
        """0 if the check was passed."""
        state = self._state()
        if state["held"]:
            self._console.print(state["held"], markup=False)
        passed, parts = state["passed"], {part.name: part for part in self._check.parts}
        for name in state["missing"]:
            if not self._show(parts[name]):
                self._console.print("[bold red]the check was not passed: the line holds[/]")
                return 1
        state = self._state()
        if state["passed"] == passed:
            raise LineError("the check is not complete: a part was shown too long ago, begin again")
        due_in_s = state["due_in_s"]
        again = "" if due_in_s is None else f"; due again in {due_in_s / 3600:.3g} h"
        self._console.print(f"[green]the check was passed{again}[/]")
        return 0

    def _show(self, part: GoldenPart) -> bool:
        """Whether the line judged it right, at the first try that came to a verdict."""
        for _ in range(MAX_TRIES):
            if self._asks:
                wanted = part.must_be.value
                self._console.print(f"Lay [bold]{escape(str(part))}[/] there. It must be {wanted}.")
                self._console.input("Then press Enter. ")
            seen = self._await(part)
            style, said = STYLES[seen["judged"]], "; ".join(seen["reasons"])
            sentence = f"[{style}]{escape(seen['sentence'])}[/]"
            self._console.print(f"part {seen['trigger']}: {sentence}  {escape(said)}")
            if seen["judged"] in ("right", "wrong"):
                return bool(seen["judged"] == "right")
        return False

    def _await(self, part: GoldenPart) -> dict[str, Any]:
        """What the line says of the part, once it has come.

        Raises:
            LineError: If it does not come in time.
        """
        if part.serial is None:
            self._client.ask({"golden": "show", "of": part.name})
        until_s = time.monotonic() + self._wait_s
        while time.monotonic() < until_s:
            for seen in self._state()["seen"]:
                if seen["name"] == part.name and seen["number"] not in self._known:
                    self._known.add(seen["number"])
                    return dict(seen)
            time.sleep(POLL_S)
        self._client.ask({"golden": "withdraw"})
        raise LineError(f"golden part {part.name} did not come within {self._wait_s:g} s: is it triggered?")

    def _state(self) -> dict[str, Any]:
        return self._client.ask({"golden": "state"})
