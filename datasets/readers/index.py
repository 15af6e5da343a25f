"""A table that says of each image what its folder does not: part, lot, camera, view, template, split."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from taktsight.datasets.readers.join_views import join_views
from taktsight.datasets.samples import SPLITS, Sample
from taktsight.errors import ConfigError, DataError

LeaveOut = Mapping[str, str | Sequence[str]]
"""Column of the index → the value, or values, of the rows that are not looked at."""


def apply_index(
    samples: list[Sample],
    index: Path,
    *,
    image: str | None = None,
    part: str | None = None,
    lot: str | None = None,
    camera: str | None = None,
    time: str | None = None,
    view: str | None = None,
    reference: str | None = None,
    split: str | None = None,
    leave_out: LeaveOut | None = None,
) -> list[Sample]:
    """The samples with part, lot, camera, time, golden template and split from a CSV file.

    With views, the images of one part become one sample.

    Args:
        samples: as read from the folders.
        index: CSV; the columns below hold what it says. Values of split: train, val, test.
        image: column of the image's path, relative to the file; ``image`` where left out.
        part: column of the physical part, or None to leave it as it is.
        lot: column of the lot, or None.
        camera: column of the camera, or None.
        time: column of when it was taken, or None; empty where that does not matter.
        view: column of the view, or None where each image is a sample of its own; wants ``part`` too.
        reference: column of the golden template's path, relative to the file, or None.
        split: column of the split, or None.
        leave_out: column → value, or values, of the rows that are not looked at.

    Raises:
        ConfigError: If the file or a column is absent, the file is not a table in UTF-8, or there are
            views and no parts.
        DataError: If an image has no row or two, a row has no image or fewer fields than columns, a
            part has no name or not every view once, or a split has another name.
    """
    if view and not part:
        raise ConfigError(f"{index}: views belong to parts: name the column of the part too")
    columns = {"part": part, "lot": lot, "camera": camera, "time": time, "view": view}
    columns |= {"reference": reference, "split": split}
    named = {key: column for key, column in columns.items() if column}
    leave_out = leave_out or {}
    rows = _read_rows(index, image or "image", [*named.values(), *leave_out])
    rows = [row for row in rows if not _is_left_out(row, leave_out)]
    paths = [(index.parent / row[image or "image"]).resolve() for row in rows]
    by_path = dict(zip(paths, rows, strict=True))
    if len(by_path) < len(rows):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise DataError(f"{index}: has more than one row for {twice}")
    known = {sample.images[0].resolve() for sample in samples}
    strangers = [str(path) for path in by_path if path not in known]
    if strangers:
        raise DataError(f"{index}: {len(strangers)} rows name no image, the first is {strangers[0]}")
    indexed: list[Sample] = []
    views: list[str] = []
    for sample in samples:
        row = by_path.get(sample.images[0].resolve())
        if row is None:
            raise DataError(f"{index}: has no row for {sample.images[0]}")
        values = {key: row[column] for key, column in named.items()}
        if values.get("part") == "":  # without a name it could lie in two splits unseen
            raise DataError(f"{index}: {sample.name} has no {columns['part']}")
        if "split" in values and values["split"] not in SPLITS:
            raise DataError(f"{index}: {sample.name} is in {values['split']!r}, not in {', '.join(SPLITS)}")
        template = values.pop("reference", "")
        views.append(values.pop("view", ""))
        references = (index.parent / template,) if template else sample.references
        said = replace(sample, references=references, **values)  # type: ignore[arg-type]  # split was checked
        indexed.append(said)
    if not view:
        return indexed
    return join_views(indexed, views, tuple(dict.fromkeys(row[view] for row in rows)))


def left_out(index: Path, leave_out: LeaveOut, image: str | None = None) -> frozenset[Path]:
    """The images, every link resolved, whose row has one of the values.

    Args:
        index: the CSV file.
        leave_out: column → value, or values.
        image: column of the image's path; ``image`` where left out.

    Raises:
        ConfigError: If a column is absent, or no row has a value: it may be misspelt.
    """
    rows = _read_rows(index, image or "image", [*leave_out])
    for column, values in leave_out.items():
        held = sorted({row[column] for row in rows})
        for value in set(_each(values)) - set(held):
            said = ", ".join(map(repr, held[:8])) + ", …" * (len(held) > 8)
            raise ConfigError(f"{index}: no row has {value!r} in the column {column} (there are {said})")
    out = [row[image or "image"] for row in rows if _is_left_out(row, leave_out)]
    return frozenset((index.parent / path).resolve() for path in out)


def _is_left_out(row: Mapping[str, str], leave_out: LeaveOut) -> bool:
    return any(row[column] in _each(values) for column, values in leave_out.items())


def _each(values: str | Sequence[str]) -> Sequence[str]:
    return (values,) if isinstance(values, str) else values


def column_of(samples: list[Sample], index: Path, column: str, image: str | None = None) -> list[str]:
    """One more column of the index, in the order of the samples.

    Args:
        samples: as read from the folders.
        index: the CSV file.
        column: its name.
        image: column of the image's path; ``image`` where left out.

    Raises:
        ConfigError: If the file or the column is absent.
        DataError: If an image has no row or nothing in that column.
    """
    rows = _read_rows(index, image or "image", [column])
    values = {(index.parent / row[image or "image"]).resolve(): row[column] for row in rows}
    found = [values.get(sample.images[0].resolve(), "") for sample in samples]
    empty = [sample for sample, value in zip(samples, found, strict=True) if not value]
    if empty:
        raise DataError(f"{index}: {len(empty)} images have no {column}, such as {empty[0].name}")
    return found


def _read_rows(index: Path, image: str, others: list[str]) -> list[dict[str, str]]:
    columns = [image, *others]
    try:
        # Spreadsheets begin UTF-8 with a mark that would be part of the first column's name.
        with index.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                present = ", ".join(reader.fieldnames or ())
                raise ConfigError(f"{index}: has no column {', '.join(missing)} (it has {present})")
            twice = [column for column in columns if list(reader.fieldnames or ()).count(column) > 1]
            if twice:
                raise ConfigError(f"{index}: has the column {', '.join(twice)} twice; keep one")
            rows = list(reader)
    except FileNotFoundError:
        raise ConfigError(f"{index}: there is no such index") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{index}: cannot be read as a table in UTF-8: {error}") from error
    for number, row in enumerate(rows, start=1):
        if any(row[column] is None for column in columns):
            raise DataError(f"{index}: row {number} ({row[image]}) has fewer fields than there are columns")
        if "\0" in row[image]:
            raise ConfigError(f"{index}: row {number} holds a zero byte; save the table again as text")
    return rows
