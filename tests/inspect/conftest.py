"""A station in a folder of its own, and lines that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .gige_rig import StartGige, gige_processes
from .place import OUTCOMES, Place
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


@pytest.fixture
def start_gige() -> Iterator[StartGige]:
    """Starts simulated GigE Vision cameras; skipped by name without libaravis."""
    with gige_processes() as start:
        yield start
