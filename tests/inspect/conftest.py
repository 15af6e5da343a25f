"""A station in a folder of its own, and lines that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import OUTCOMES, Place
from .plc_peer import MakePlc, Plc, compile_plc
from .running_line import RunningLine, StartLine
from .spots import spot_bundle


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A station with ten images and a takt of 20 ms."""
    (tmp_path / "images").mkdir()
    spot_bundle(tmp_path / "spots.takt")
    made = Place(
        tmp_path,
        {
            "name": "press 4",
            "bundle": "spots.takt",
            "cameras": [{"kind": "folder", "folder": "images"}],
            "trigger": {"kind": "timer", "takt_ms": 20},
            "gate": {"kind": "dry_run", "file": "gate.txt"},
            "backend": {"kind": "onnxruntime", "threads": 1},
            # Generous: most tests share two busy cores with others.
            "deadline_ms": 400,
            "records": {"folder": "records"},
        },
    )
    made.draw(OUTCOMES)
    return made


@pytest.fixture
def start_line() -> Iterator[StartLine]:
    """Starts lines, and ends those that a test left behind."""
    lines: list[RunningLine] = []

    def start(station: Path, *arguments: str, **options: str) -> RunningLine:
        lines.append(RunningLine(station, *arguments, **options))
        return lines[-1]

    yield start
    for line in lines:
        if line.process.poll() is None:
            line.kill_all()


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
