"""Rows of the ledger, joined to one part each: verdict, what was judged before or too late, kept frames."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from taktsight.inspect.review.parts.connections import Connections
from taktsight.inspect.review.parts.follow import looked_at, lot_of, named_scores
from taktsight.inspect.review.parts.ledger_reader import LedgerReader, Row, as_json, parsed
from taktsight.inspect.review.parts.rows import FrameRef, PartRow
from taktsight.inspect.review.pictures.ids import FramePlace, ImageIds, camera_number
from taktsight.inspect.review.pictures.picture_files import MAX_IMAGES, size_of
from taktsight.inspect.review.store.values import PartKey
from taktsight.records import Outcome

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


class PartRows:
    """Reads parts; any thread may ask."""

    def __init__(
        self,
        records: Path,
        ledger: LedgerReader,
        ids: ImageIds,
        connections: Connections,
        lot: re.Pattern[str] | None,
        deadline_ms: float | None,
    ) -> None:
        """``connections``: to the index."""
        self._records = records
        self._ledger = ledger
        self._ids = ids
        self._connections = connections
        self._lot = lot
        self._deadline_ms = deadline_ms

    def of(self, seqs: Sequence[int]) -> tuple[PartRow, ...]:
        """Parts by the numbers of their verdicts' rows, in this order."""
        rows = self._ledger.by_seq(seqs)
        others = self._others([seq for seq in seqs if seq in rows])
        keys = {seq: PartKey(row["run"], row["trigger"]) for seq, row in rows.items()}
        images = self._ledger.images_of(keys.values())
        stations, labels = self._stations(rows.values()), self._labels(rows.values())
        return tuple(
            self._part(rows[seq], others.get(seq), images[keys[seq]], stations, labels)
            for seq in seqs
            if seq in rows and rows[seq]["kind"] == "verdict"
        )

    def _part(
        self,
        row: Row,
        other: Row | None,
        images: Sequence[Row],
        stations: Mapping[str, str],
        labels: Mapping[str, Sequence[str]],
    ) -> PartRow:
        scored = other if other is not None and not parsed(row, "scores") else row
        named = labels.get(scored["bundle"], ())
        judged = _OUTCOMES.get(other["outcome"]) if other is not None else None
        outcome = _OUTCOMES.get(row["outcome"], Outcome.UNINSPECTED)
        differs = judged is not None and judged is not outcome
        return PartRow(
            key=PartKey(row["run"], row["trigger"]),
            serial=row["serial"] or (other or row)["serial"],
            utc=row["utc"],
            outcome=outcome,
            reasons=tuple(map(str, parsed(row, "reasons"))),
            cycle_ms=None if row["cycle_ns"] is None else row["cycle_ns"] / 1e6,
            deadline_ms=self._deadline_ms,
            scores={view: named_scores(scores, named) for view, scores in parsed(scored, "scores").items()},
            health=parsed(row, "health") or parsed(scored, "health"),
            bundle=scored["bundle"],
            recipe=scored["recipe"],
            frames=self._frames(row, other, images),
            station=stations.get(row["run"], ""),
            lot=lot_of(row["serial"], self._lot),
            label=looked_at(scored, named).label or None,
            judged=judged if differs else None,
            judged_reasons=tuple(map(str, parsed(other, "reasons"))) if differs and other else (),
            seq=row["seq"],
        )

    def _frames(self, row: Row, other: Row | None, images: Sequence[Row]) -> dict[str, FrameRef]:
        """View → frame, of all that the ledger lists; whether it is still there is looked up now."""
        digests = parsed(row, "frames") | (parsed(other, "frames") if other is not None else {})
        found = {}
        for image in images[:MAX_IMAGES]:
            view = image["camera"]
            size = None if image["removed"] else size_of(self._records, image["file"])
            width, height = size or (0, 0)
            name = self._ids.name(FramePlace(row["seq"], camera_number(view)))
            digest = str(digests.get(view, ""))
            found[view] = FrameRef(name, view, image["file"], digest, width, height, size is not None)
        return found

    def _others(self, seqs: Sequence[int]) -> dict[int, Row]:
        """Verdict's row → the row of what was judged, of parts that have one."""
        query = (
            "SELECT seq, other FROM parts WHERE other IS NOT NULL "
            "AND seq IN (SELECT value FROM json_each(?))"
        )
        pairs: dict[int, int] = dict(self._pairs(query, seqs))
        rows = self._ledger.by_seq(list(pairs.values()))
        return {seq: rows[other] for seq, other in pairs.items() if other in rows}

    def _stations(self, rows: Iterable[Row]) -> dict[str, str]:
        query = "SELECT name, station FROM runs WHERE name IN (SELECT value FROM json_each(?))"
        return dict(self._pairs(query, sorted({row["run"] for row in rows})))

    def _labels(self, rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
        query = "SELECT digest, labels FROM bundles WHERE digest IN (SELECT value FROM json_each(?))"
        pairs = self._pairs(query, sorted({row["bundle"] for row in rows}))
        return {digest: tuple(json.loads(said)) for digest, said in pairs}

    def _pairs(self, query: str, values: Sequence[object]) -> list[tuple[Any, Any]]:
        with self._connections.one() as connection:
            return [(row[0], row[1]) for row in connection.execute(query, (as_json(values),))]
