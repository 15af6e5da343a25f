"""The whole machine, line by line, in the order in which a person would look."""

from __future__ import annotations

from collections.abc import Iterator

from taktsight.inspect.machine.board import check_board, read_board
from taktsight.inspect.machine.clocks import check_clocks
from taktsight.inspect.machine.demand import Demand
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.graphics import check_graphics
from taktsight.inspect.machine.memory import check_memory
from taktsight.inspect.machine.packages import check_packages, read_packages
from taktsight.inspect.machine.probe import Probe
from taktsight.inspect.machine.processor import check_governor, check_processor
from taktsight.inspect.machine.rights import check_rights


def examine(probe: Probe, demand: Demand | None = None) -> Iterator[Finding]:
    """What the machine is, and what that means for a station.

    Args:
        probe: reads the machine.
        demand: what the station asks for; None: nothing is asked, only what is broken is said.
    """
    board = read_board(probe)
    if board is None:
        name = probe.text("/sys/class/dmi/id/product_name")
        yield Finding("ok", "board", name or "a PC that does not say its name")
    else:
        yield from check_board(board, demand)
        yield from check_clocks(probe)
    yield check_processor(probe, demand)
    if board is None:
        yield from check_governor(probe)
        yield check_graphics(probe, demand)
    elif board.family == "Thor":
        yield check_graphics(probe, demand)
    yield check_memory(probe, demand, shared=board is not None)
    yield from check_packages(read_packages(probe), demand, venv=board.venv if board else None)
    yield from check_rights(probe)
