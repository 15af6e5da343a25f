"""The labelled parts of a report with their verdicts: a table, an evaluation, or images judged now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from taktsight.bundle import Bundle
from taktsight.errors import ConfigError, DataError
from taktsight.export.acceptance.sources import Sources
from taktsight.quality.certificate import Evidence
from taktsight.quality.parts import (
    GOOD,
    OUTCOMES,
    PASS,
    REJECT,
    REVIEW,
    Codes,
    Floats,
    Names,
    Parts,
    numbered,
    one_row_each,
)
from taktsight.quality.parts_file import file_digest, read_parts
from taktsight.quality.tables import read_table
from taktsight.recipe import Limit
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.report import FIGURES_FILE, Evaluation, read_evaluation
from taktsight.training.evaluation.targets import FILE as TARGETS_FILE

Limits = Mapping[str, Limit]


@dataclass(frozen=True, slots=True)
class Measured:
    """Parts with verdicts."""

    looks: Parts
    """A row for each camera of a part."""
    parts: Parts
    """A row for each part."""
    source: str
    """Marker of where they come from."""
    sha256: str
    verdicts_from: str
    """What gave the verdicts, in words."""
    first: str = ""
    """The day of the first part; "" where nothing says it."""
    last: str = ""
    warnings: tuple[str, ...] = ()
    targets: Path | None = None
    """A table of true defects that lies beside them."""

    @property
    def is_scored(self) -> bool:
        """Whether every part has scores."""
        return bool(self.parts.labels)


def read_table_of_parts(
    path: Path, bundle: Bundle, limits: Limits, sources: Sources, ignored: Sequence[str] = ()
) -> Measured:
    """Parts of a CSV. Its column ``outcome`` says the verdicts; without one the limits give them.

    Raises:
        ConfigError: If limits tolerate an area, which a table of scores does not have.
        DataError: If a cell is wrong, or the table has neither verdicts nor the bundle's scores.
    """
    parts = read_parts(path, ignored=ignored)
    marker = sources.add("the labelled parts", path.name, file_digest(path), rows=len(parts))
    if parts.labels and set(parts.labels) != set(bundle.card.labels):
        raise DataError(
            f"{path}: scores {', '.join(parts.labels)}, and the bundle's labels are "
            f"{', '.join(bundle.card.labels)}"
        )
    if not parts.labels and parts.outcome is None:
        raise DataError(
            f"{path}: has neither a column outcome nor score:LABEL for each label of the bundle: nothing "
            "says what became of the parts"
        )
    warnings: tuple[str, ...] = ()
    said = "the column outcome of the table"
    if parts.outcome is None:
        parts, said = (
            replace(parts, outcome=by_limits(parts, limits)),
            "the scores and the limits of this report",
        )
    elif parts.labels and not any(limit.max_area_mm2 for limit in limits.values()):
        differ = int((by_limits(parts, limits) != parts.outcome).sum())
        if differ:
            warnings = (
                f"{differ:,} rows have another verdict in the column outcome than their scores and these "
                "limits give",
            )
    first, last = _days(path)
    return Measured(parts, one_row_each(parts), marker, file_digest(path), said, first, last, warnings)


def read_evaluated_parts(folder: Path, bundle: Bundle, limits: Limits, sources: Sources) -> Measured:
    """The test parts of an evaluation; its own verdicts where its limits are those of the report.

    Raises:
        ConfigError: If there is no evaluation.
        DataError: If it cannot be read, or is of another network.
    """
    path = folder if folder.name == FIGURES_FILE else folder / FIGURES_FILE
    if not path.is_file() and (folder / "evaluation" / FIGURES_FILE).is_file():
        path = folder / "evaluation" / FIGURES_FILE
    if not path.is_file():
        raise ConfigError(
            f"{folder}: holds no {FIGURES_FILE}; for labelled images say how they lie with --layout"
        )
    evaluation = read_evaluation(path)
    _check_network(path, evaluation, bundle)
    parts = _parts_of(evaluation.figures)
    marker = sources.add("the labelled parts", path.name, file_digest(path), rows=len(parts))
    own = {limit.label: limit for limit in evaluation.figures.limits}
    said, warnings = "the evaluation", ()
    if any(_cut(own[label]) != _cut(limit) for label, limit in limits.items()):
        parts = replace(parts, outcome=by_limits(parts, limits))
        said = "the scores of the evaluation and the limits of this report"
    day = evaluation.subject.date
    targets = path.parent / TARGETS_FILE
    return Measured(
        parts,
        parts,
        marker,
        file_digest(path),
        said,
        "",
        day,
        warnings,
        targets if targets.is_file() else None,
    )


def judged_images(parts: Parts, evidence: Evidence, limits: Limits, sources: Sources) -> Measured:
    """Images that the bundle judged just now; what a limit tolerates scores 0 already."""
    marker = sources.add(
        "the labelled parts",
        evidence.name,
        evidence.sha256,
        digest_of="content and labels of the images",
        rows=evidence.rows,
    )
    parts = replace(parts, outcome=by_limits(parts, limits, are_tolerated=True))
    said = "the bundle, which judged the images for this report, and the limits of this report"
    return Measured(parts, one_row_each(parts), marker, evidence.sha256, said)


def by_limits(parts: Parts, limits: Limits, *, are_tolerated: bool = False) -> Codes:
    """(N,) the verdicts that limits give to scores.

    Args:
        parts: with scores.
        limits: by label.
        are_tolerated: whether scores know already what an area tolerates.

    Raises:
        ConfigError: If a limit tolerates an area and the scores know nothing of it.
    """
    areas = [label for label, limit in limits.items() if limit.max_area_mm2]
    if areas and not are_tolerated:
        raise ConfigError(
            f"the limit of {areas[0]} tolerates an area, and a table of scores has no areas: give a column "
            "outcome, or the images and their layout"
        )
    review, reject = (
        np.array([getattr(limits[label], name) for label in parts.labels])
        for name in ("review_score", "reject_score")
    )
    held, rejected = (parts.scores >= review).any(axis=1), (parts.scores >= reject).any(axis=1)
    return np.where(rejected, REJECT, np.where(held, REVIEW, PASS)).astype(np.int64)


def _cut(limit: Limit) -> tuple[float, float, float]:
    return limit.review_score, limit.reject_score, limit.max_area_mm2


def _check_network(path: Path, evaluation: Evaluation, bundle: Bundle) -> None:
    evaluated, shipped = evaluation.subject.digests.get("weights"), bundle.card.origin.weights
    if evaluated and shipped and evaluated != shipped:
        raise DataError(
            f"{path}: is of weights {evaluated:.12}, the bundle was made of {shipped:.12}: name the "
            "evaluation of the run that was exported"
        )
    if set(evaluation.figures.labels) != set(bundle.card.labels):
        raise DataError(f"{path}: has labels {', '.join(evaluation.figures.labels)}, the bundle others")


def _parts_of(figures: Figures) -> Parts:
    rows = figures.parts
    lots = [row.lot for row in rows]
    groups: dict[str, Names] = {"lot": numbered(lots)} if all(lots) else {}
    return Parts(
        numbered([row.part or row.name for row in rows]),
        numbered([row.label or GOOD for row in rows]),
        figures.labels,
        np.array([row.scores for row in rows], np.float64),
        groups,
        None,
        np.array([OUTCOMES.index(row.outcome.value) for row in rows], np.int64),
    )


def with_sizes(parts: Parts, targets: Path | None) -> Parts:
    """Evaluated parts with the largest of their true defects in mm, where a table beside them says it."""
    if targets is None or parts.size_mm is not None:
        return parts
    table = read_table(targets)
    if not (table.has("size_mm") and table.has("part")):
        return parts
    largest: dict[str, float] = {}
    for name, size in zip(table.text("part"), table.numbers("size_mm").tolist(), strict=True):
        stem = Path(name).stem
        for key in {name, stem}:
            largest[key] = max(size, largest.get(key, 0.0))
    sizes: Floats = np.array([largest.get(name, 0.0) for name in parts.part.names])[parts.part.codes]
    sizes[sizes == 0] = np.nan
    if not np.isfinite(sizes).any():  # the names of targets and parts do not match
        return parts
    return replace(parts, size_mm=sizes)


def _days(path: Path) -> tuple[str, str]:
    """The first and the last day in the column ``time``; empty where there is none."""
    with path.open(encoding="utf-8-sig") as file:
        if "time" not in file.readline().strip().split(","):
            return "", ""
    table = read_table(path)
    days = []
    for index, cell in enumerate(table.filled("time")):
        try:
            days.append(datetime.fromisoformat(cell.replace("Z", "+00:00")).date().isoformat())
        except ValueError:
            raise table.fault(index, "time", f"{cell!r} is no ISO date and time") from None
    return min(days), max(days)
