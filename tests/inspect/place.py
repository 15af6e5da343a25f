"""A folder with everything a station needs, and what its gate and its ledger say afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from taktsight.image_files import encode_png
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.records import Outcome

from .spots import GOOD, SPOT, draw_part, spot_bundle

OUTCOMES = ([Outcome.PASS] * 3 + [Outcome.REJECT, Outcome.REVIEW]) * 2
"""Of the ten images that every place starts with."""
EXPECTED = [outcome.value for outcome in OUTCOMES]
BRIGHTNESS = {Outcome.PASS: GOOD, Outcome.REVIEW: 180, Outcome.REJECT: SPOT}


def make_place(folder: Path) -> Place:
    """A station with ten images and a takt of 20 ms."""
    (folder / "images").mkdir()
    spot_bundle(folder / "spots.takt")
    made = Place(
        folder,
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


@dataclass
class Place:
    """A folder with everything a station needs."""

    folder: Path
    station: dict[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> Path:
        return self.folder / "records"

    def write(self, **values: Any) -> Path:
        """Writes the station file with some top-level keys replaced."""
        file = self.folder / "station.yaml"
        file.write_text(yaml.safe_dump(self.station | values), encoding="utf-8")
        return file

    def draw(self, outcomes: Sequence[Outcome]) -> None:
        """One image per outcome, in order."""
        for number, outcome in enumerate(outcomes, start=1):
            content = encode_png(draw_part(BRIGHTNESS[outcome]))
            (self.folder / "images" / f"part_{number}.png").write_bytes(content)

    def gate(self) -> list[tuple[int, str]]:
        """What the gate was told: trigger and outcome."""
        file = self.folder / "gate.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(trigger), outcome) for trigger, outcome, _ in map(str.split, lines)]

    def gate_times_ns(self) -> list[int]:
        """When the gate was told, monotonic."""
        return [int(line.split()[2]) for line in (self.folder / "gate.txt").read_text().splitlines()]

    def rows(self, *kinds: str) -> list[Row]:
        """The ledger's rows of these kinds, after its chain was found whole."""
        ledger = Ledger.open(self.records)
        try:
            ledger.verify()
            return [row for row in ledger.rows() if not kinds or row["kind"] in kinds]
        finally:
            ledger.close()

    def faults(self) -> list[str]:
        """First reasons of the ledger's faults. Alarms are left out: a busy machine raises some."""
        reasons = [str(json.loads(row["reasons"])[0]) for row in self.rows("fault")]
        return [reason for reason in reasons if not reason.startswith("alarm ")]

    def images(self) -> list[Row]:
        """The ledger's table of images, removed ones too."""
        ledger = Ledger.open(self.records)
        try:
            return list(ledger.image_rows(kept=False))
        finally:
            ledger.close()

    def run_rows(self, run: str) -> list[Row]:
        """The rows of one run, of a ledger whose chain was found whole."""
        return [row for row in self.rows() if row["run"] == run]

    def endless(self, takt_ms: float = 20, **values: Any) -> Path:
        """A station file that repeats its images until it is stopped."""
        return self.write(
            cameras=[{"kind": "folder", "folder": "images", "repeat": True}],
            trigger={"kind": "timer", "takt_ms": takt_ms},
            **values,
        )
