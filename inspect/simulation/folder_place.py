"""A station on images of a folder: for faults that take a whole line, its disk or its clock along."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.stand import Asked


@dataclass
class FolderPlace:
    """The simulated station with a folder in the place of its camera and a timer in that of its PLC."""

    folder: Path
    asked: Asked

    @property
    def records(self) -> Path:
        """Where the ledger is."""
        return self.folder / "records"

    def endless(self, takt_ms: float, **values: Any) -> Path:
        """A station file that repeats its images until it is stopped."""
        asked = self.asked
        content = {
            "name": "simulation",
            "bundle": str(asked.bundle.absolute()),
            **({"recipe": str(asked.recipe.absolute())} if asked.recipe else {}),
            "cameras": [
                {
                    "kind": "folder",
                    "name": asked.camera_name,
                    "folder": str((asked.folder / "parts").absolute()),
                    "repeat": True,
                }
            ],
            "trigger": {"kind": "timer", "takt_ms": takt_ms},
            "gate": {"kind": "dry_run", "file": "gate.txt"},
            "backend": {"kind": "onnxruntime", "device": "cpu", "threads": asked.threads},
            "deadline_ms": asked.deadline_ms,
        }
        file = self.folder / "station.yaml"
        file.write_text(yaml.safe_dump(content | values), encoding="utf-8")
        return file

    def gate(self) -> list[tuple[int, str]]:
        """What the gate was told: trigger and outcome."""
        file = self.folder / "gate.txt"
        lines = file.read_text(encoding="ascii").split("\n")[:-1] if file.exists() else []
        return [(int(trigger), outcome) for trigger, outcome, _ in map(str.split, lines)]

    def rows(self) -> list[Row]:
        """The ledger's rows, after its chain was found whole."""
        ledger = Ledger.open(self.records)
        try:
            ledger.verify()
            return list(ledger.rows())
        finally:
            ledger.close()
