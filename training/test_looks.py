"""How often a test split was looked at: who chooses among ten models by their test figures has fitted them.

Kept beside the runs, one line for each evaluation: date, run, digest of the weights, digest of the
test split. The same weights looked at again tell nothing new and count once.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

from taktsight.datasets.samples import Sample
from taktsight.errors import DataError

FILE = "test-looks.csv"
COLUMNS = ("date", "run", "weights", "test")


def count_look(runs: Path, *, date: str, run: str, weights: str, test: Sequence[Sample], root: Path) -> int:
    """Notes an evaluation and returns how many models these test parts have judged, this one included.

    Args:
        runs: the folder that the runs lie in.
        date: day of the evaluation, ISO 8601.
        run: name of the run.
        weights: digest of the weights.
        test: the test split.
        root: the data set.

    Raises:
        DataError: If the record was damaged, or cannot be written.
    """
    file, digest = runs / FILE, _digest(test, root)
    try:
        is_new = not file.exists()
        rows = [] if is_new else list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
        seen = {row["weights"] for row in rows if row["test"] == digest}
        with file.open("a", encoding="utf-8", newline="") as record:
            writer = csv.writer(record, lineterminator="\n")
            writer.writerows([COLUMNS] * is_new)
            writer.writerow((date, run, weights, digest))
    except OSError as error:
        raise DataError(f"{file}: the look at the test split cannot be noted: {error.strerror}") from error
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: is not the record of looks at test splits; move it away") from error
    return len(seen | {weights})


def _digest(test: Sequence[Sample], root: Path) -> str:
    lines = sorted(f"{sample.images[0].relative_to(root).as_posix()}\t{sample.label}\n" for sample in test)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
