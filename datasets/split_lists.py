"""A split as files: one list of images per split, and what it was made with.

train.txt val.txt test.txt   one path a line, relative to the data set, sorted
split.json                   digest of the lists, seed, what was kept apart, counts, leak
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from taktsight.datasets.samples import SPLITS, Sample, Split
from taktsight.errors import ConfigError, DataError

FACTS = "split.json"


def write_lists(folder: Path, root: Path, samples: Sequence[Sample], facts: Mapping[str, object]) -> str:
    """Writes the lists and returns their digest.

    Args:
        folder: new or empty: the test split of a project is made once.
        root: the data set.
        samples: with their splits.
        facts: how the split was made, for ``split.json``.

    Raises:
        ConfigError: If the folder holds something already, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder}: is not empty; a split is made once, and another one has its own folder"
        )
    lists = {
        split: "".join(sorted(f"{_name(root, sample)}\n" for sample in samples if sample.split == split))
        for split in SPLITS
    }
    counts = {
        split: dict(sorted(Counter(sample.label for sample in samples if sample.split == split).items()))
        for split in SPLITS
    }
    digest = _digest(lists)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for split, lines in lists.items():
            (folder / f"{split}.txt").write_text(lines, encoding="utf-8")
        written = {"format": 1, "digest": digest, "counts": counts, **facts}
        (folder / FACTS).write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    return digest


def read_lists(folder: Path) -> dict[str, Split]:
    """The split of each image, by its path below the data set.

    Raises:
        ConfigError: If the folder holds no lists.
        DataError: If a list was changed since it was written.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        lists = {split: (folder / f"{split}.txt").read_text(encoding="utf-8") for split in SPLITS}
        wanted = facts["digest"]
    except OSError as error:
        raise ConfigError(
            f"{error.filename}: cannot be read: {error.strerror}; 'taktsight data split' writes it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder / FACTS}: is not what 'taktsight data split' writes: {error}"
        ) from error
    if _digest(lists) != wanted:
        raise DataError(
            f"{folder}: the lists are not those that were written (digest {wanted:.12}…): figures on them "
            "could not be compared with earlier ones. Restore them, or make another split"
        )
    return {line: split for split in SPLITS for line in lists[split].splitlines()}


def apply_lists(samples: Sequence[Sample], root: Path, folder: Path) -> list[Sample]:
    """The samples with the splits of the lists.

    Raises:
        ConfigError: If the folder holds no lists.
        DataError: If a list was changed since it was written, names no image, or leaves one out.
    """
    home = read_lists(folder)
    names = [_name(root, sample) for sample in samples]
    strangers, homeless = sorted(set(home) - set(names)), [name for name in names if name not in home]
    if strangers:
        raise DataError(
            f"{folder}: lists {len(strangers)} images that are not there, such as {strangers[0]}"
        )
    if homeless:
        raise DataError(
            f"{folder}: {len(homeless)} images are in no list, such as {homeless[0]}; "
            "parts that were added need a split of their own"
        )
    return [replace(sample, split=home[name]) for sample, name in zip(samples, names, strict=True)]


def _name(root: Path, sample: Sample) -> str:
    return sample.images[0].relative_to(root).as_posix()


def _digest(lists: Mapping[Split, str]) -> str:
    return hashlib.sha256("".join(f"[{split}]\n{lists[split]}" for split in SPLITS).encode()).hexdigest()
