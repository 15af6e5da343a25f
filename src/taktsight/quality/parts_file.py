"""Labelled parts from a CSV: whatever is wrong is one sentence with the row and the column.

part       what the part is called; with ``camera`` one row for each camera, else one row
truth      ``good``, or its defect labels joined by ``|``
score:X    what the network says of label X, 0–1; one column for each label
lot  station  camera  split  size_mm  outcome   where they are known
time  image  serial  stratum   are not looked at
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.parts import GOOD, OUTCOMES, Codes, Floats, Names, Parts, labels_in

SCORE = "score:"
GROUPS = ("lot", "station", "camera")
NOT_READ = ("time", "image", "serial", "stratum")
KNOWN = ("part", "truth", *GROUPS, "split", "size_mm", "outcome", *NOT_READ)
UNITS = ("size_px", "size_um", "size_µm", "size_cm", "size_in", "size")
"""Columns that are sizes in another unit than the one that is read."""
_CHUNK = 2_000
"""Rows at a time: so few stay in the processor's cache, and a million are read in half the time."""
_SIZE_MM = "size_mm"


class _Numbers(dict[str, int]):
    """Text → its number, in the order in which texts first come."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


class PartsFile:
    """A CSV of parts that is being read; use :func:`read_parts`."""

    def __init__(self, path: Path, ignored: Sequence[str]) -> None:
        self.path = path
        self._ignored = ignored
        self._texts: dict[str, _Numbers] = {}
        self._codes: dict[str, list[int]] = {}
        self._numbers: dict[str, list[Floats]] = {}

    def read(self, file: Iterator[str]) -> None:
        """Every row into columns."""
        reader = csv.reader(file, strict=True)
        header = [name.strip() for name in next(reader, [])]
        self._check_header(header)
        read = [(place, name) for place, name in enumerate(header) if self._is_read(name)]
        for _, name in read:
            if name == _SIZE_MM or name.startswith(SCORE):
                self._numbers[name] = []
            else:
                self._texts[name], self._codes[name] = _Numbers(), []
        start = 2  # the header is row 1, as a spreadsheet counts
        while rows := list(islice(reader, _CHUNK)):
            self._check_widths(rows, len(header), start)
            columns = list(zip(*rows, strict=True))
            for place, name in read:
                self._take(name, columns[place], start)
            start += len(rows)

    def names(self, column: str) -> Names | None:
        """A column of texts; None where the file has none of that name."""
        if column not in self._codes:
            return None
        return Names(tuple(self._texts[column]), np.array(self._codes[column], np.int64))

    def numbers(self, column: str) -> Floats | None:
        """A column of numbers."""
        return np.concatenate(self._numbers[column]) if self._numbers.get(column) else None

    @property
    def score_labels(self) -> tuple[str, ...]:
        """What the score columns are about, in the file's order."""
        return tuple(name.removeprefix(SCORE) for name in self._numbers if name.startswith(SCORE))

    def wrong(self, row: int, column: str, said: str) -> DataError:
        """What to raise about one cell."""
        return DataError(f"{self.path}: row {row}, column {column}: {said}")

    def _is_read(self, name: str) -> bool:
        return name not in NOT_READ and name not in self._ignored

    def _check_header(self, header: Sequence[str]) -> None:
        if not header:
            raise DataError(f"{self.path}: is empty; a row of column names and a row per part are wanted")
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise DataError(f"{self.path}: row 1: the column {twice[0]!r} stands twice")
        for unit in UNITS:
            if unit in header and unit not in self._ignored:
                raise self.wrong(1, unit, "sizes are read in mm alone; give them as size_mm")
        missing = [name for name in ("part", "truth") if name not in header]
        if missing:
            raise DataError(f"{self.path}: row 1: has no column {', '.join(missing)}")
        for name in header:
            if name not in KNOWN and not name.startswith(SCORE) and name not in self._ignored:
                raise self.wrong(1, name, self._unknown(name))

    def _unknown(self, name: str) -> str:
        close = get_close_matches(name, KNOWN, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KNOWN)} and score:LABEL."
        return f"there is no such column; {meant} Leave it out with --ignore-column {name}"

    def _check_widths(self, rows: Sequence[Sequence[str]], width: int, start: int) -> None:
        if {len(row) for row in rows} == {width}:
            return
        row = next(place for place, row in enumerate(rows) if len(row) != width)
        raise DataError(f"{self.path}: row {start + row}: has {len(rows[row])} cells, row 1 has {width}")

    def _take(self, name: str, cells: Sequence[str], start: int) -> None:
        if name in self._codes:
            self._codes[name].extend(map(self._texts[name].__getitem__, cells))
        elif name == _SIZE_MM:
            self._numbers[name].append(self._sizes(cells, start))
        else:
            self._numbers[name].append(self._scores(name, cells, start))

    def _scores(self, name: str, cells: Sequence[str], start: int) -> Floats:
        scores = self._floats(name, cells, start, float)
        wrong = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
        if wrong.size:
            raise self.wrong(
                start + int(wrong[0]), name, f"{cells[wrong[0]]} is no score, 0 to 1 is wanted"
            )
        return scores

    def _sizes(self, cells: Sequence[str], start: int) -> Floats:
        sizes = self._floats(_SIZE_MM, cells, start, lambda cell: float(cell) if cell else np.nan)
        for place in np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0))).tolist():
            if cells[place]:
                said = f"{cells[place]} is no size in mm"
                raise self.wrong(start + place, _SIZE_MM, said)
        return sizes

    def _floats(self, name: str, cells: Sequence[str], start: int, read: Callable[[str], float]) -> Floats:
        try:
            return np.fromiter(map(read, cells), np.float64, len(cells))
        except ValueError:
            for place, cell in enumerate(cells):
                if not _is_number(cell, read):
                    raise self.wrong(start + place, name, f"{cell!r} is no number") from None
            raise


def _is_number(cell: str, read: Callable[[str], float]) -> bool:
    try:
        read(cell)
    except ValueError:
        return False
    return True


def read_parts(path: Path, *, ignored: Sequence[str] = ()) -> Parts:
    """The parts of a CSV.

    Args:
        path: the file; see this module's first lines for its columns.
        ignored: columns that are not looked at.

    Raises:
        DataError: Naming row and column of the first thing that is wrong: a cell that is no number, a score
            outside 0–1 or NaN, a part that stands twice, no part at all, a split the network learned from.
    """
    table = PartsFile(path, ignored)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table.read(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    part, truth = table.names("part"), table.names("truth")
    if part is None or truth is None or not part.codes.size:
        raise DataError(f"{path}: has no row below its column names, so no part")
    groups = {name: found for name in GROUPS if (found := table.names(name)) is not None}
    _check_names(table, part, groups.get("camera"))
    for name in ("lot", "station"):
        _check_one_place(table, part, name, groups)
    truth = _checked_truth(table, truth)
    _check_splits(table)
    labels = table.score_labels
    columns = [table.numbers(f"{SCORE}{label}") for label in labels]
    scores = np.column_stack([column for column in columns if column is not None]) if labels else None
    return Parts(
        part,
        truth,
        labels,
        np.zeros((part.codes.size, 0)) if scores is None else scores,
        groups,
        table.numbers(_SIZE_MM),
        _outcomes(table),
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hex: what ``sha256sum`` says.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _check_names(table: PartsFile, part: Names, camera: Names | None) -> None:
    for names, column in ((part, "part"), (camera, "camera")):
        if names is not None and "" in names.names:
            row = _first(names, "")
            raise table.wrong(row, column, "is empty; every row names its part, and its camera if any does")
    cameras = 1 if camera is None else len(camera.names)
    looks = part.codes * cameras + (0 if camera is None else camera.codes)
    order = np.argsort(looks, kind="stable")
    again = order[1:][looks[order][1:] == looks[order][:-1]]
    if again.size:
        row = int(again.min())
        first = int(np.flatnonzero(looks == looks[row])[0])
        name = part.names[part.codes[row]]
        said = f"{name!r} stands in row {first + 2} already; a part has one row, or one for each camera"
        raise table.wrong(row + 2, "part", said)


def _check_one_place(table: PartsFile, part: Names, column: str, groups: dict[str, Names]) -> None:
    """The rows of a part's cameras name one lot, and one station."""
    if "camera" not in groups or column not in groups:
        return
    codes = groups[column].codes
    first = np.full(len(part.names), -1, np.int64)
    first[part.codes[::-1]] = codes[::-1]
    other = np.flatnonzero(first[part.codes] != codes)
    if other.size:
        row = int(other[0])
        name, there = part.names[part.codes[row]], groups[column].names[first[part.codes[row]]]
        raise table.wrong(row + 2, column, f"{name!r} is of {column} {there!r} in an earlier row")


def _checked_truth(table: PartsFile, truth: Names) -> Names:
    """The same with each label once and in order, so that ``a|b`` and ``b|a`` are one truth."""
    meant: dict[str, int] = {}
    places = []
    for name in truth.names:
        labels = [label.strip() for label in name.split("|")]
        if not all(labels) or (GOOD in labels and len(labels) > 1):
            said = f"{name!r} is no truth; {GOOD!r} is wanted, or defect labels joined by |"
            raise table.wrong(_first(truth, name), "truth", said)
        places.append(meant.setdefault("|".join(sorted({*labels})), len(meant)))
    return Names(tuple(meant), np.array(places, np.int64)[truth.codes])


def _check_splits(table: PartsFile) -> None:
    split = table.names("split")
    for learned in ("train", "val"):
        if split is not None and learned in split.names:
            said = (
                f"{learned!r}: the network learned from train and was chosen on val, so such parts prove "
                "nothing of it; leave them out"
            )
            raise table.wrong(_first(split, learned), "split", said)


def _outcomes(table: PartsFile) -> Codes | None:
    outcome = table.names("outcome")
    if outcome is None:
        return None
    for name in outcome.names:
        if name not in OUTCOMES:
            said = f"{name!r} is no verdict; {', '.join(OUTCOMES)} are"
            raise table.wrong(_first(outcome, name), "outcome", said)
    return np.array([OUTCOMES.index(name) for name in outcome.names], np.int64)[outcome.codes]


def _first(names: Names, text: str) -> int:
    """The first row with this text, as a spreadsheet counts."""
    return int(np.flatnonzero(names.codes == names.names.index(text))[0]) + 2


def unscored(parts: Parts) -> tuple[str, ...]:
    """True labels that no score is about."""
    return tuple(label for label in parts.true_labels if label not in parts.labels)


def truths_of(parts: Parts) -> dict[str, int]:
    """How many rows are truly what."""
    counts = np.bincount(parts.truth.codes, minlength=len(parts.truth.names))
    pairs = zip(parts.truth.names, counts.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: (labels_in(pair[0]), pair[0])))
