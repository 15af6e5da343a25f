"""What the labelled parts are, to the byte: who was trained on them, and which of them changed since.

A fingerprint covers every image, mask and reference of a part, its label and its drawings. It does not
cover where the data set lies, when it was written or in which order it was read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.samples import SPLITS, Sample, Split
from taktsight.errors import DataError

COLUMNS = ("split", "part", "sha256")
Prints = dict[str, tuple[Split, str]]
"""Name of a part (its first image below the root) → its split and its digest."""


@dataclass(frozen=True, slots=True)
class Change:
    """Parts of one split that are not what they were."""

    split: Split
    what: str
    """``changed``, ``missing`` or ``new``."""
    names: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.names) - 3} more" if len(self.names) > 3 else ""
        return f"{len(self.names)} {self.what} in {self.split}: {', '.join(self.names[:3])}{more}"


def fingerprints(samples: Sequence[Sample], root: Path) -> Prints:
    """Every part with its split and its digest.

    Args:
        samples: with their splits.
        root: the data set.

    Raises:
        DataError: If a file cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        digests = list(pool.map(_digest, samples))
    return {
        _name(sample, root): (sample.split or "train", digest)
        for sample, digest in zip(samples, digests, strict=True)
    }


def digests_of(prints: Prints) -> dict[Split, str]:
    """Split → SHA-256 over the names and digests of its parts, sorted."""
    return {
        split: _over(f"{name}\t{digest}" for name, (home, digest) in prints.items() if home == split)
        for split in SPLITS
    }


def split_digest(prints: Prints) -> str:
    """SHA-256 over which part lies in which split, sorted."""
    return _over(f"{name}\t{home}" for name, (home, _) in prints.items())


def changes(before: Prints, after: Prints) -> tuple[Change, ...]:
    """What became of the parts, split by split; a part that moved is missing in one and new in another."""
    found = []
    for split in SPLITS:
        old, new = (
            {name: of for name, of in prints.items() if of[0] == split} for prints in (before, after)
        )
        kinds = {
            "changed": (name for name in old.keys() & new.keys() if old[name] != new[name]),
            "missing": old.keys() - new.keys(),
            "new": new.keys() - old.keys(),
        }
        found += [Change(split, what, tuple(sorted(names))) for what, names in kinds.items()]
    return tuple(change for change in found if change.names)


def as_table(prints: Prints) -> str:
    """CSV with the columns split, part and sha256, sorted."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted((split, name, digest) for name, (split, digest) in prints.items()))
    return table.getvalue()


def read_table(file: Path) -> Prints:
    """What :func:`as_table` wrote.

    Raises:
        DataError: If the file is absent or is something else.
    """
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
        return {row["part"]: (_split(row), row["sha256"]) for row in rows}
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except (KeyError, ValueError, csv.Error) as error:
        raise DataError(f"{file}: is not the list of parts that a training wrote; train again") from error


def _split(row: Mapping[str, str]) -> Split:
    return SPLITS[SPLITS.index(row["split"])]  # an unknown one is a ValueError


def _name(sample: Sample, root: Path) -> str:
    return Path(os.path.relpath(sample.images[0], root)).as_posix()


def _digest(sample: Sample) -> str:
    seen = f"\0{sample.views}{sample.view_labels}" if sample.view_labels else ""
    digest = hashlib.sha256(f"{sample.label}\0{sample.regions or ''}{seen}".encode())
    for kind in (sample.images, sample.masks, sample.references):
        digest.update(b"\0" + str(len(kind)).encode())
        for file in kind:
            digest.update(b"none" if file is None else _content(file))
    return digest.hexdigest()


def _content(file: Path) -> bytes:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error


def _over(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
