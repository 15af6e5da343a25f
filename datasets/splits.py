"""Honest splits: no part and no lot on both sides, the same answer every time."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from taktsight.datasets.samples import Sample, Split
from taktsight.errors import DataError

SHARES: Mapping[Split, float] = {"train": 0.6, "val": 0.2, "test": 0.2}


def split_samples(
    samples: Sequence[Sample], shares: Mapping[Split, float] = SHARES, *, seed: int = 0
) -> list[Sample]:
    """The samples with their split, whole parts and lots together, balanced by label.

    Groups (samples that share a part or a lot) are taken in the order of a hash of their name and
    the seed, those with the rarest label first; each goes where its label is most wanted. The order
    of the samples does not matter. A part that is added may move others: a data set that grows keeps
    its split in its index.

    Args:
        samples: any samples; a split they already have is replaced.
        shares: wanted share of each split, > 0, summing to 1.
        seed: another seed, another split.

    Raises:
        DataError: If there are fewer groups than splits.
    """
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) <= 0:
        raise ValueError(f"shares must be positive and sum to 1, got {dict(shares)}")
    groups = _groups(samples)
    if len(groups) < len(shares):
        raise DataError(
            f"{len(groups)} groups of parts or lots cannot fill {len(shares)} splits without cutting one; "
            "add parts or lots"
        )
    wanted = Counter(sample.label for sample in samples)
    placed: dict[Split, Counter[str]] = {split: Counter() for split in shares}
    chosen: dict[int, Split] = {}
    for group in sorted(groups, key=lambda group: _rank(group, samples, wanted, seed)):
        label = _rarest(group, samples, wanted)
        split = max(shares, key=lambda name: shares[name] - placed[name][label] / wanted[label])
        placed[split].update(samples[index].label for index in group)
        chosen.update(dict.fromkeys(group, split))
    return [replace(sample, split=chosen[index]) for index, sample in enumerate(samples)]


def check_splits(samples: Sequence[Sample]) -> None:
    """Each split can do its job and none leaks into another.

    Raises:
        DataError: If a sample has no split, a part or lot lies in two splits, or train, val or
            test is empty or has no defective part.
    """
    homeless = [sample.name for sample in samples if sample.split is None]
    if homeless:
        raise DataError(f"{len(homeless)} samples are in no split, the first is {homeless[0]}")
    for kind in ("part", "lot"):
        homes: dict[str, set[str]] = defaultdict(set)
        for sample in samples:
            if getattr(sample, kind):
                homes[getattr(sample, kind)].add(str(sample.split))
        cut = sorted(name for name, splits in homes.items() if len(splits) > 1)
        if cut:
            where = ", ".join(sorted(homes[cut[0]]))
            raise DataError(
                f"{kind} {cut[0]} lies in {where}: the figures would be memory ({len(cut)} such)"
            )
    for split in ("train", "val", "test"):
        inside = [sample for sample in samples if sample.split == split]
        if not inside:
            raise DataError(f"the split {split!r} holds no sample")
        if not any(sample.is_defective for sample in inside):
            raise DataError(f"the split {split!r} holds no defective part: an escape rate needs some")


def _groups(samples: Sequence[Sample]) -> list[list[int]]:
    """Indices of samples that share a part or a lot, directly or through others."""
    leader = list(range(len(samples)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, sample in enumerate(samples):
        for key in (("part", sample.part), ("lot", sample.lot)):
            if key[1]:
                leader[find(index)] = find(first.setdefault(key, index))
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(samples)):
        groups[find(index)].append(index)
    return list(groups.values())


def _rarest(group: list[int], samples: Sequence[Sample], wanted: Counter[str]) -> str:
    return min((samples[index].label for index in group), key=lambda label: (wanted[label], label))


def _rank(
    group: list[int], samples: Sequence[Sample], wanted: Counter[str], seed: int
) -> tuple[int, str, str]:
    label = _rarest(group, samples, wanted)
    name = min(samples[index].lot or samples[index].part for index in group)
    return wanted[label], label, hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
