"""Tells a running line to go on with the bundle and the recipe that its station file names now.

    taktsight changeover station.yaml

The line reads, verifies and warms up the new ones beside the old, and replays the golden samples. When all
is well it changes between two parts: none is missed, and each is judged by one bundle and one recipe. When
it is not, the line goes on with the old ones and this command says why. What else the station file says
(cameras, trigger, gate, deadline) cannot change while the line works.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

ASK_AGAIN_S = 0.1
GIVE_UP_S = 600.0
"""An engine may have to be built."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The station whose line works."""
    parser.add_argument("station", type=Path, metavar="STATION.yaml")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 once the line judges by the new ones, 1 if it judges by the old ones."""
    print(change_over(arguments.station.absolute()))
    return 0


def change_over(file: Path) -> str:
    """Tells the line of a station file to go on with what that names now; what it said of it.

    Raises:
        LineError: If it goes on as before.
    """
    from taktsight.errors import LineError
    from taktsight.inspect.config import load_station
    from taktsight.inspect.control import ControlClient

    station = load_station(file)
    line = ControlClient(station.records.folder, station.name)
    try:
        answer = line.ask({"changeover": "begin", "station": station.model_dump(mode="json")})
        number, give_up_s = answer["number"], time.monotonic() + GIVE_UP_S
        while answer["state"] == "preparing" and answer["number"] == number:
            if time.monotonic() > give_up_s:
                raise LineError(f"station {station.name!r}: not ready after {GIVE_UP_S:g} s; see its log")
            time.sleep(ASK_AGAIN_S)
            answer = line.ask({"changeover": "state"})
    finally:
        line.close()
    if answer["state"] != "done":
        raise LineError(f"station {station.name!r}: {answer['message']}")
    return str(answer["message"])
