"""Small records as a line leaves them: a ledger of the real kind, kept frames, and the bundle that judged.

The parts are drawn and judged by the real inspector; only cameras, processes and takt are left out. Records
are there within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from taktsight.bundle import Bundle, read_bundle
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.frame_files import file_of, pixels_digest
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import Entry
from taktsight.records import Frame, Image, Inspection, Outcome, Part

from ..spots import GREY, spot_bundle

PASS, REJECT, REVIEW, UNINSPECTED = Outcome.PASS, Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED
OUTCOMES = (PASS, REJECT, PASS, REVIEW, PASS, UNINSPECTED, PASS, REJECT, PASS, REVIEW, PASS, PASS)
"""Of the twelve parts that records have where nothing else is asked for."""
BRIGHTNESS = {PASS: (60, 160), REVIEW: (170, 200), REJECT: (210, 255), UNINSPECTED: (60, 160)}
"""Of the spot: the model scores (brightness - 128) / 127, the limits are 0.3 and 0.6."""
STATION = "press 4"
VIEWS = ("top", "side")
DEADLINE_MS = 80
TAKT_S = 2.0
STARTED = datetime(2026, 1, 5, 6, 0, tzinfo=timezone.utc)
LATE = f"late: 92 ms > {DEADLINE_MS} ms"


@dataclass(frozen=True, slots=True)
class MadePart:
    """A part of the records."""

    run: str
    trigger: int
    serial: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class MadeRecords:
    """A station's records, and what is true of them."""

    folder: Path
    """Holds ledger.sqlite and images/."""
    bundle: Path
    parts: tuple[MadePart, ...]
    views: tuple[str, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """In the order they began."""
        return tuple(dict.fromkeys(part.run for part in self.parts))

    def file(self, part: MadePart, view: str) -> Path:
        """Where a part's frame lies."""
        return self.folder / file_of(part.run, part.trigger, view, part.outcome.value)

    def of(self, outcome: Outcome) -> list[MadePart]:
        """The parts with this outcome."""
        return [part for part in self.parts if part.outcome is outcome]


def make_records(
    place: Path,
    outcomes: Sequence[Outcome] = OUTCOMES,
    *,
    runs: int = 1,
    views: tuple[str, ...] = VIEWS,
    size_px: tuple[int, int] = (96, 128),
    is_strict: bool = False,
    seed: int = 0,
) -> MadeRecords:
    """Records of some runs in ``place/records``, beside their bundle ``place/spots.takt``.

    Args:
        place: a folder; records that are there already get more runs.
        outcomes: of the parts of each run, in order.
        runs: how many.
        views: of each part; the spot is seen from the first one.
        size_px: height and width of a frame.
        is_strict: whether each verdict stands in the ledger before the gate is told, as a ``judged`` row.
        seed: of brightness, place and noise of the spots.
    """
    path = place / "spots.takt"
    if not path.exists():
        spot_bundle(path, views=views)
    bundle, folder = read_bundle(path), place / "records"
    ledger = Ledger.create(folder)
    station = _Station(folder, ledger, bundle, views, size_px, np.random.default_rng(seed))
    begun = len(ledger.runs())
    made = [
        part
        for number in range(begun, begun + runs)
        for part in station.run(STARTED + timedelta(days=number), outcomes, is_strict=is_strict)
    ]
    ledger.close()
    return MadeRecords(folder, path, tuple(made), views)


class _Station:
    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        bundle: Bundle,
        views: tuple[str, ...],
        size_px: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        self._folder, self._ledger, self._bundle = folder, ledger, bundle
        self._views, self._size_px, self._rng = views, size_px, rng
        recipe = bundle.card.own_recipe(*views)
        self._inspector = Inspector(
            OnnxRuntimeBackend(bundle.model, threads=1), bundle.card, recipe, bundle.digest
        )

    def run(self, started: datetime, outcomes: Sequence[Outcome], *, is_strict: bool) -> list[MadePart]:
        name = started.strftime("%Y%m%dT%H%M%S")
        facts = (f"station {STATION}", "labels spot", "engine onnxruntime:f32", "threads 1")
        self._write(name, Entry("armed", reasons=facts), started, number=1)
        made, number = [], 1
        for trigger, outcome in enumerate(outcomes, start=1):
            part = MadePart(name, trigger, f"L{started:%d}-{trigger:05d}", outcome)
            when = started + timedelta(seconds=TAKT_S * trigger)
            number = self._record(part, when, number + 1, is_strict=is_strict)
            made.append(part)
        end = started + timedelta(seconds=TAKT_S * (len(outcomes) + 1))
        self._write(name, Entry("closed", reasons=(f"{len(outcomes)} parts",)), end, number=number + 1)
        return made

    def _record(self, part: MadePart, when: datetime, number: int, *, is_strict: bool) -> int:
        frames = tuple(
            Frame(self._draw(part.outcome if place == 0 else PASS), part.trigger, 0, view)
            for place, view in enumerate(self._views)
        )
        inspection = self._inspector.inspect(Part(part.trigger, frames, part.serial))
        entry = self._entry(part, inspection)
        if is_strict and part.outcome is not UNINSPECTED:
            self._write(part.run, entry, when, number=number, kind="judged")
            number += 1
        digests = {frame.camera: pixels_digest(frame.image) for frame in frames}
        images = [self._keep(part, frame, digests[frame.camera], when) for frame in frames]
        self._write(part.run, entry, when, images, number=number, frames=digests, cycle_ns=41_000_000)
        return number

    def _entry(self, part: MadePart, inspection: Inspection) -> Entry:
        if part.outcome is UNINSPECTED:
            return Entry("verdict", part.trigger, part.serial, part.outcome.value, (LATE,))
        assert inspection.verdict.outcome is part.outcome, inspection.verdict
        return Entry(
            "verdict",
            part.trigger,
            part.serial,
            part.outcome.value,
            inspection.verdict.reasons,
            scores={each.view: tuple(map(float, each.scores)) for each in inspection.predictions},
            health={view: {"mean_level": 90.0, "focus": 12.5} for view in self._views},
        )

    def _write(
        self, run: str, entry: Entry, when: datetime, images: Sequence[Row] = (), **values: object
    ) -> None:
        digests = {"bundle": self._bundle.digest, "recipe": self._inspector.recipe.digest}
        new = replace(entry, **digests | values)  # type: ignore[arg-type]  # fields of an Entry
        self._ledger.append(run, [new], images, when.isoformat(timespec="milliseconds"))

    def _keep(self, part: MadePart, frame: Frame, digest: str, when: datetime) -> Row:
        name = file_of(part.run, part.trigger, frame.camera, part.outcome.value)
        content = encode_png(frame.image)
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return {
            "run": part.run,
            "trigger": part.trigger,
            "camera": frame.camera,
            "file": name,
            "sha256": digest,
            "outcome": part.outcome.value,
            "bytes": len(content),
            "utc": when.isoformat(timespec="milliseconds"),
            "removed": None,
        }

    def _draw(self, outcome: Outcome) -> Image:
        """A noisy part with a spot whose brightness leads to the outcome."""
        height, width = self._size_px
        image = self._rng.integers(GREY - 20, GREY, (height, width, 1)).astype(np.uint8)
        low, high = BRIGHTNESS[outcome]
        top, left = (int(self._rng.integers(4, size - 16)) for size in (height, width))
        image[top : top + 10, left : left + 12] = self._rng.integers(low, high + 1)
        return image
