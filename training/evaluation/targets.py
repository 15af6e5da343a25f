"""The true defects of the test parts as targets for ``taktsight pod``: how large, found or missed.

A found defect is one that the size figures of the report call found: a region of any label lies on it and
its part did not pass. A good part is a target of size 0: what is called there is a false call. The signal
of a target is the highest map value on it, of a good part its score.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from taktsight.recipe import Limit
from taktsight.records import Outcome, Verdict
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.whole_files import whole_file

FILE = "targets.csv"


def write_targets(
    folder: Path,
    parts: Sequence[JudgedPart],
    verdicts: Sequence[Verdict],
    limits: Sequence[Limit],
    mm_per_px: float | None,
) -> Path | None:
    """Writes the table and returns its path; None where no part's true defects are known.

    Args:
        folder: of the evaluation.
        parts: of test.
        verdicts: one per part.
        limits: one per label, in the order of the maps.
        mm_per_px: scale of the frames; without it sizes are in pixels.
    """
    edges = np.array([limit.map_score for limit in limits])
    scale = mm_per_px or 1.0
    rows: list[tuple[str, str, str, int, str]] = []
    for part, verdict in zip(parts, verdicts, strict=True):
        held_up = verdict.outcome is not Outcome.PASS
        if not part.is_defective:
            rows.append((part.name, "", "0", int(held_up), f"{part.score:.6g}"))
        for defect in part.true_defects or ():
            hit = held_up and bool((defect.peaks >= edges).any())
            size = f"{defect.diameter_px * scale:.6g}"
            rows.append((part.name, defect.label, size, int(hit), f"{defect.peaks.max():.6g}"))
    if not any(row[1] for row in rows):
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("part", "label", "size_mm" if mm_per_px else "size_px", "hit", "signal"))
    writer.writerows(rows)
    with whole_file(folder / FILE) as file:
        file.write(text.getvalue().encode())
    return folder / FILE
