"""Tells a running line to go on with the bundle and the recipe that its station file names now.

    taktsight changeover station.yaml

The line reads, verifies and warms up the new ones beside the old and replays the golden samples. When all
is well it changes between two parts: none is missed, and each is judged by one bundle and one recipe. When
it is not, the line goes on with the old ones and this command says why. What else the station file says
(cameras, trigger, gate, deadline) cannot change while the line runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The station whose line runs."""
    parser.add_argument("station", type=Path, metavar="STATION.yaml")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 once the line looks with the new ones."""
    from taktsight.inspect.config import load_station
    from taktsight.inspect.control import tell_line

    station = load_station(arguments.station.absolute())
    print(tell_line(station.records.folder, {"changeover": station.model_dump(mode="json")}))
    return 0
