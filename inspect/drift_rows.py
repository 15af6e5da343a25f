"""What drift is looked for in, as the records of a station have it: parts of the ledger, frames that were
kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from taktsight.errors import DataError
from taktsight.image_files import read_image
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.quality.drift_frames import cells_of
from taktsight.quality.drift_plan import KeptFrames
from taktsight.quality.drift_stream import Floats, PartName, SeenPart
from taktsight.quality.quality_hold import judged_outcome
from taktsight.records import Outcome

CHUNK = 2000
"""Rows at a time."""
MAX_PENDING = 10_000
"""Parts that were judged and whose verdict did not come yet."""


class PartReader:
    """Reads a ledger on from where it stopped."""

    def __init__(self, records: Path) -> None:
        """Raises ``LedgerError`` where there is no ledger."""
        self._ledger = Ledger.open(records)
        self._seq = 0
        self._judged: dict[PartName, Row] = {}
        self.station = ""
        self.labels: tuple[str, ...] = ()
        """Of the bundle that judged the last part that was read."""

    def close(self) -> None:
        """Lets go of the ledger."""
        self._ledger.close()

    @property
    def runs(self) -> frozenset[str]:
        """Names of the runs in it."""
        return frozenset(self._ledger.runs())

    def parts(self) -> Iterator[SeenPart]:
        """Parts that have got their verdict since the last call, in order."""
        while rows := self._ledger.rows_after(self._seq, CHUNK):
            for row in rows:
                self._seq = row["seq"]
                if row["kind"] in ("armed", "changeover"):
                    self._note(json.loads(row["reasons"]))
                elif row["kind"] == "judged":
                    self._judged[PartName(row["run"], row["trigger"])] = row
                    if len(self._judged) > MAX_PENDING:
                        self._judged.pop(next(iter(self._judged)))
                elif row["kind"] == "verdict":
                    yield self._part(row)

    def passed_frames(self) -> Iterator[tuple[str, PartName, str, Path]]:
        """Camera, part, UTC and file of each frame of a passed part that is kept, oldest first."""
        for row in self._ledger.image_rows(kept=True):
            if row["outcome"] == Outcome.PASS.value:
                yield row["camera"], PartName(row["run"], row["trigger"]), row["utc"], Path(row["file"])

    def _note(self, sentences: list[str]) -> None:
        for sentence in sentences:
            word, _, rest = sentence.partition(" ")
            if word == "station":
                self.station = rest
            elif word == "labels":
                self.labels = tuple(rest.split(", "))

    def _part(self, row: Row) -> SeenPart:
        name = PartName(row["run"], row["trigger"])
        judged = self._judged.pop(name, row)
        scored = judged if judged["scores"] != "{}" else row
        measured = judged if judged["health"] else row
        return SeenPart(
            name,
            row["utc"],
            judged_outcome(Outcome(row["outcome"]), json.loads(row["reasons"])),
            scored["bundle"],
            scored["recipe"],
            row["digest"],
            {view: tuple(scores) for view, scores in json.loads(scored["scores"]).items()},
            json.loads(measured["health"] or "{}"),
        )


class Behind:
    """Parts behind one of the ledger, where phase I ended; every part where that one is not there."""

    def __init__(self, last: PartName, runs: frozenset[str]) -> None:
        self._last = last if last.run in runs else None

    def has(self, name: PartName) -> bool:
        """Whether a part comes behind it. To be asked of each part, in order."""
        if self._last is None:
            return True
        if name == self._last:
            self._last = None
        return False


def frame_cells(records: Path, file: Path) -> tuple[Floats, tuple[int, int]] | None:
    """Cells of a kept frame, and its width and height; None where it was removed meanwhile.

    Raises:
        DataError: If it is there and cannot be read, or is too small.
    """
    path = records / file
    if not path.exists():
        return None
    image = read_image(path)
    try:
        return cells_of(image), (image.shape[1], image.shape[0])
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def kept_frames(records: Path, reader: PartReader, names: frozenset[PartName]) -> Mapping[str, KeptFrames]:
    """View → kept frames of passed parts among these; frames of a size that is not the first one's are left
    out.
    """
    found: dict[str, list[tuple[PartName, Floats]]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for camera, name, _, file in reader.passed_frames():
        reduced = frame_cells(records, file) if name in names else None
        if reduced is not None and sizes.setdefault(camera, reduced[1]) == reduced[1]:
            found.setdefault(camera, []).append((name, reduced[0]))
    return {
        camera: KeptFrames(
            sizes[camera], [name for name, _ in frames], np.stack([cells for _, cells in frames])
        )
        for camera, frames in found.items()
    }
