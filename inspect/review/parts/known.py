"""Golden samples of the bundles, shown among other parts: their truth is known.

Such a part has a name like any other: a run that is over, and a trigger that never came in it. The ledger
does not know it, so what is said of it is of the reviewer alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from taktsight.bundle import Bundle
from taktsight.card import GoldenSample
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import FrameRef, PartRow
from taktsight.inspect.review.pictures.ids import GoldenPlace, bundle_number
from taktsight.inspect.review.store.judged import Judged
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.records import Outcome

MAX_SAMPLES = 200
_DIGITS = re.compile(r"(\d+)(?=\D*$)")


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A golden sample as a part."""

    row: PartRow
    truth: str
    """"good", or the label of the highest score."""


class KnownParts:
    """Golden samples of the bundles that are at hand, disguised."""

    def __init__(self, index: PartIndex, bundles: Sequence[Bundle]) -> None:
        self._index = index
        self._samples = [(bundle, sample) for bundle in bundles for sample in bundle.card.golden]
        self._made: tuple[KnownPart, ...] = ()

    def all(self) -> tuple[KnownPart, ...]:
        """Every one; none while no run is over, because there is no name for it."""
        if not self._made and self._samples:
            host = self._last_of_closed_run()
            samples = enumerate(self._samples[:MAX_SAMPLES], start=1) if host else ()
            self._made = tuple(self._part(host, place, *sample) for place, sample in samples if host)
        return self._made

    def part(self, key: PartKey) -> KnownPart | None:
        """The golden sample of this name; None where it is none."""
        return next((known for known in self.all() if known.row.key == key), None)

    def judged(self, key: PartKey) -> Judged | None:
        """What the store needs to know of it, as of a part of the ledger; None where it is none."""
        known = self.part(key)
        if known is None:
            return None
        digests = {view: frame.sha256 for view, frame in known.row.frames.items()}
        return Judged(known.row.outcome.value, known.row.reasons, digests, ())

    def _last_of_closed_run(self) -> PartRow | None:
        """The last part of the first run that is over: it stays the last, and stays the first."""
        for run in reversed(self._index.runs()):
            if not self._index.ledger.run_of(run, "closed"):
                continue
            query = (
                "SELECT seq FROM parts WHERE seq <= (SELECT last FROM runs WHERE name = ?) "
                "ORDER BY seq DESC LIMIT 1"
            )
            with self._index.connections.one() as connection:
                found = connection.execute(query, (run,)).fetchone()
            rows = self._index.parts([found[0]]) if found else ()
            if rows and rows[0].key.run == run:
                return rows[0]
        return None

    def _part(self, host: PartRow, place: int, bundle: Bundle, sample: GoldenSample) -> KnownPart:
        card = bundle.card
        scores = dict(zip(card.labels, sample.scores, strict=True))
        worst = max(scores, key=lambda label: scores[label])
        reasons = () if sample.outcome is Outcome.PASS else (f"{worst}: score {scores[worst]:.2f}",)
        names = sorted(bundle.golden)
        frames = {}
        for view, file in zip(card.views, sample.frames, strict=True):
            image = bundle.golden[file]
            name = self._index.ids.name(GoldenPlace(bundle_number(bundle.digest), names.index(file)))
            height, width = image.shape[:2]
            frames[view] = FrameRef(name, view, file, pixels_digest(image), width, height)
        row = replace(
            host,
            key=PartKey(host.key.run, host.key.trigger + place),
            serial=_next_serial(host.serial, place),
            outcome=sample.outcome,
            reasons=reasons,
            scores=dict.fromkeys(card.views, scores),
            bundle=bundle.digest,
            frames=frames,
            label=worst,
            judged=None,
            judged_reasons=(),
            seq=0,
        )
        return KnownPart(row, GOOD if sample.outcome is Outcome.PASS else worst)


def _next_serial(serial: str | None, place: int) -> str | None:
    """The serial that would come so many parts later, if serials count.

    >>> _next_serial("L05-00098", 3), _next_serial("bolt", 3), _next_serial("part_9.png", 2)
    ('L05-00101', 'bolt', 'part_11.png')
    """
    if serial is None:
        return None
    return _DIGITS.sub(lambda found: f"{int(found[1]) + place:0{len(found[1])}d}", serial[:200], count=1)
