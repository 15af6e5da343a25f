"""What a soak looks for: a leak that is there is found, and none where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.benchmarks.endurance.judging import MAX_GROWTH_MB, broken, figures
from taktsight.benchmarks.endurance.planted_leak import leaky_environment
from taktsight.benchmarks.endurance.processes import Held
from taktsight.benchmarks.endurance.watching import MEMBERS, Look, Soak, run_soak

from .place import Place

PARTS, TAKT_MS = 400, 20.0
LEAK_BYTES = round(6 * MAX_GROWTH_MB * 2**20 / PARTS)
NO_TIME = float("inf")
"""Allowed ratio of the quarters' p99: the machine that tests may be busy."""


def soaked(place: Place, **leak: int) -> dict[str, Any]:
    """Figures of a line that runs for some seconds."""
    images = {"keep": ["PASS", "REJECT", "REVIEW", "UNINSPECTED"], "reserve_mb": 0}
    station = place.write(
        cameras=[{"kind": "folder", "folder": "images", "repeat": True}],
        trigger={"kind": "timer", "takt_ms": TAKT_MS, "parts": PARTS},
        records={"folder": "records", "images": images},
    )
    environment = leaky_environment(place.folder / "planted", **leak) if leak else {}
    measured = figures(run_soak(station, place.records, look_s=0.1, environment=environment))
    assert (measured["parts"], measured["unrecorded"], measured["restarts"]) == (PARTS, 0, 0)
    return measured


def subjects(measured: dict[str, Any]) -> set[str]:
    """Of what leaked. A busy machine misses parts, and its archive, at idle priority, is not there yet."""
    said = broken(measured, NO_TIME)
    found = {sentence.partition(" grew")[0].partition(":")[0] for sentence in said}
    return found - {"misses", "memory of archive", "memory of all processes"}


def test_line_without_a_leak_holds(place: Place) -> None:
    assert subjects(soaked(place)) == set()


def test_leaks_that_were_planted_in_the_recorder_are_found_there(place: Place) -> None:
    found = subjects(soaked(place, bytes_per_part=LEAK_BYTES, parts_per_descriptor=PARTS // 20))
    assert found == {"memory of recorder", "descriptors"}


def looks_of(memory_mb: Any, descriptors: Any = None, segments: Any = None) -> tuple[Look, ...]:
    """A hundred looks at four processes; what is given is of the recorder."""
    looks = []
    for number in range(100):
        of_recorder = {
            "private_mb": float(memory_mb[number]),
            "descriptors": 10 if descriptors is None else int(descriptors[number]),
            "segments": frozenset({"0:1"} if segments is None else segments[number]),
        }
        fixed = {"process_id": 1, "private_mb": 50.0, "shared_mb": 1.0, "descriptors": 10}
        plain: dict[str, Any] = fixed | {"segments": frozenset()}
        held = {name: Held(**plain | (of_recorder if name == "recorder" else {})) for name in MEMBERS}
        looks.append(Look(float(number), number, 0, held))
    return tuple(looks)


def judged(looks: tuple[Look, ...], cycle_ms: Any = None, **values: int) -> list[str]:
    counts = {"parts": 400, "misses": 0, "unrecorded": 0, "restarts": 0} | values
    cycles = np.full(400, 9.0) if cycle_ms is None else cycle_ms
    soak = Soak(
        **counts, cycle_ms=cycles, infer_ms=np.full(400, 8.0), images_stored=1, images_shed=0, looks=looks
    )
    return broken(figures(soak))


STEADY = np.full(100, 60.0)
RISING = STEADY + np.linspace(0, 1, 100)


@pytest.mark.parametrize(
    ("looks", "subject"),
    [
        (looks_of(STEADY + 8 * np.linspace(0, 1, 100)), "memory of all processes"),
        (looks_of(STEADY, 10 + np.arange(100) // 50), "descriptors"),
        (looks_of(STEADY, segments=[{"0:1"}] * 60 + [{"0:1", "0:2"}] * 40), "shared memory"),
    ],
)
def test_slow_growth_is_seen(looks: tuple[Look, ...], subject: str) -> None:
    assert judged(looks)[0].startswith(subject)


@pytest.mark.parametrize(
    "looks",
    [
        looks_of(STEADY),
        looks_of(RISING),
        looks_of(STEADY + 30 * (np.arange(100) < 8)),  # the start gives memory back
        looks_of(STEADY - 30 * (np.arange(100) < 8)),  # or takes it
        looks_of(STEADY + 3 * (np.arange(100) > 50)),  # one step of the allocator
        looks_of(STEADY, 10 + np.arange(100) % 2),  # a file that is open for a moment
    ],
)
def test_what_is_no_leak_is_not_taken_for_one(looks: tuple[Look, ...]) -> None:
    assert judged(looks) == []


def test_memory_that_one_process_gives_back_does_not_hide_what_another_takes() -> None:
    looks = looks_of(STEADY + 8 * np.linspace(0, 1, 100))
    given_back = []
    for look in looks:
        vision = look.held["vision"]
        less = Held(1, vision.private_mb - 8 * look.at_s / 99, 1.0, 10, frozenset())
        given_back.append(Look(look.at_s, look.triggers, 0, {**look.held, "vision": less}))
    assert [said.partition(" grew")[0] for said in judged(tuple(given_back))] == ["memory of recorder"]


def test_late_and_lost_parts_and_a_slower_end_are_said() -> None:
    slower = np.concatenate([np.full(300, 9.0), np.full(100, 10.0)])
    said = judged(looks_of(STEADY), slower, misses=1, unrecorded=2, restarts=3)
    assert said == [
        "cycle: p99 of the last quarter is 1.1111 of the first",
        "misses: 1",
        "unrecorded: 2",
        "restarts: 3",
    ]


def test_planted_leak_is_outside_the_product(tmp_path: Path) -> None:
    environment = leaky_environment(tmp_path / "planted", bytes_per_part=1)
    assert environment["PYTHONPATH"].startswith(str(tmp_path / "planted"))
    assert [file.name for file in (tmp_path / "planted").iterdir()] == ["sitecustomize.py"]
