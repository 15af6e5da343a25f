"""What was measured before an interruption stays, and no epoch is measured twice."""

from __future__ import annotations

import csv
from pathlib import Path

from taktsight.errors import DataError
from taktsight.whole_files import whole_file


def keep_metrics(run: Path, epochs: int) -> None:
    """Moves ``metrics.csv`` to ``metrics-1.csv`` or the next number: the logger begins a new one.

    What was measured of an epoch that is trained again is left out.

    Args:
        run: the run folder.
        epochs: how many are complete.

    Raises:
        DataError: If the file is something else than the metrics of a training.
    """
    metrics = run / "metrics.csv"
    if not metrics.is_file():
        return
    try:
        head, *lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        place = next(csv.reader([head])).index("epoch")
        whole = [line for line in lines if line.endswith("\n")]  # a kill may cut the last one short
        kept = [line for line in whole if int(next(csv.reader([line]))[place]) < epochs]
    except (ValueError, IndexError, StopIteration, csv.Error) as error:
        raise DataError(f"{metrics}: is not what a training wrote; move it away") from error
    with whole_file(run / f"metrics-{len(list(run.glob('metrics-*.csv'))) + 1}.csv") as file:
        file.write("".join([head, *kept]).encode())
    metrics.unlink()
