"""A station in a folder of its own, and lines that end with the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .gige_rig import StartGige, gige_processes
from .place import Place, make_place
from .plc_peer import MakePlc, Plc, compile_plc
from .running_line import RunningLine, StartLine


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A station with ten images and a takt of 20 ms."""
    return make_place(tmp_path)


@pytest.fixture
def start_line() -> Iterator[StartLine]:
    """Starts lines, and ends those that a test left behind."""
    lines: list[RunningLine] = []

    def start(station: Path, *arguments: str, **options: Any) -> RunningLine:
        lines.append(RunningLine(station, *arguments, **options))
        return lines[-1]

    yield start
    for line in lines:
        if line.process.poll() is None:
            line.kill_all()


@pytest.fixture
def start_gige() -> Iterator[StartGige]:
    """Starts simulated GigE Vision cameras; skipped by name without libaravis."""
    with gige_processes() as start:
        yield start


@pytest.fixture(scope="session")
def plc_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PLC of the tests, compiled."""
    return compile_plc(tmp_path_factory.mktemp("plc"))


@pytest.fixture
def make_plc(plc_program: Path) -> Iterator[MakePlc]:
    """Starts PLCs, and ends them with the test."""
    made: list[Plc] = []

    def make(**values: int) -> Plc:
        made.append(Plc(plc_program, **values))
        return made[-1]

    yield make
    for plc in made:
        plc.kill()


@pytest.fixture
def port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number
