"""Honest splits: no part and no lot on both sides, the same answer every time."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Literal

from taktsight.datasets.samples import SPLITS, Sample, Split
from taktsight.errors import DataError

Apart = Literal["part", "lot", "camera"]
SHARES: Mapping[Split, float] = {"train": 0.6, "val": 0.2, "test": 0.2}
VAL_OF_TRAIN = 0.2
"""Share of train that becomes val where a data set names none."""


def split_samples(
    samples: Sequence[Sample],
    shares: Mapping[Split, float] = SHARES,
    *,
    seed: int = 0,
    apart: Sequence[Apart] = ("part", "lot"),
    alike: Sequence[Sequence[int]] = (),
    strata: Sequence[str] | None = None,
) -> list[Sample]:
    """The samples with their split, whole parts and lots together, balanced by stratum.

    Groups (samples that share a part or a lot) are taken in the order of a hash of their name and
    the seed, those with the rarest stratum first; each goes where its label is missing altogether, then
    where label and stratum are most wanted. The order of the samples does not matter. A part that is
    added may move others: a data set that grows keeps its split in its lists.

    Args:
        samples: any samples; a split they already have is replaced.
        shares: wanted share of each split, > 0, summing to 1.
        seed: another seed, another split.
        apart: what never lies in two splits; a sample that names none of them stands alone.
        alike: indices of samples that show the same thing and stay together as well.
        strata: what each sample counts as when shares are balanced; its label where left out.

    Raises:
        DataError: If there are fewer groups than splits.
    """
    _check_shares(shares)
    groups = _groups(samples, apart, alike)
    if len(groups) < len(shares):
        kinds_apart = " or ".join(f"{kind}s" for kind in apart)
        raise DataError(
            f"{len(groups)} groups of {kinds_apart} cannot fill {len(shares)} splits without cutting one; "
            f"add {kinds_apart}"
        )
    labels = [sample.label for sample in samples]
    kinds = labels if strata is None else list(strata)
    wanted, wanted_kinds = Counter(labels), Counter(kinds)
    label_of = {id(group): _rarest(group, labels, wanted) for group in groups}
    groups_of = Counter(label_of.values())
    held: dict[Split, Counter[str]] = {split: Counter() for split in shares}
    held_kinds: dict[Split, Counter[str]] = {split: Counter() for split in shares}
    chosen: dict[int, Split] = {}
    for group in sorted(groups, key=lambda group: _rank(group, samples, kinds, wanted_kinds, seed)):
        label, kind = label_of[id(group)], _rarest(group, kinds, wanted_kinds)
        without = [split for split in shares if not held[split][label]]
        split = max(
            without if groups_of[label] >= len(shares) and without else shares,
            key=lambda name: (
                2 * shares[name]
                - held[name][label] / wanted[label]
                - held_kinds[name][kind] / wanted_kinds[kind]
            ),
        )
        held[split].update(labels[index] for index in group)
        held_kinds[split].update(kinds[index] for index in group)
        chosen.update(dict.fromkeys(group, split))
    return [replace(sample, split=chosen[index]) for index, sample in enumerate(samples)]


def split_by_time(
    samples: Sequence[Sample],
    times: Sequence[str],
    shares: Mapping[Split, float] = SHARES,
    *,
    apart: Sequence[Apart] = ("part", "lot"),
    alike: Sequence[Sequence[int]] = (),
) -> list[Sample]:
    """The oldest samples to train on, the newest to test on: as a line will meet them.

    Args:
        samples: any samples; a split they already have is replaced.
        times: when each was taken; texts that sort as time does, such as ISO 8601.
        shares: of train, val and test, in this order of time.
        apart: what never lies in two splits; a part or lot counts from its first sample.
        alike: indices of samples that stay together as well.
    """
    _check_shares(shares)
    groups = _groups(samples, apart, alike)
    groups.sort(key=lambda group: (min(times[index] for index in group), min(group)))
    chosen: dict[int, Split] = {}
    for group in groups:
        past, split = len(chosen) / len(samples), list(shares)[-1]
        for name, end in zip(shares, accumulate(shares.values()), strict=True):
            if past < end - 1e-9:
                split = name
                break
        chosen.update(dict.fromkeys(group, split))
    return [replace(sample, split=chosen[index]) for index, sample in enumerate(samples)]


def with_val(samples: Sequence[Sample], *, seed: int = 0) -> list[Sample]:
    """The samples with a fifth of train as val, by part and lot, where no sample is val.

    Public sets often name train and test alone; limits chosen on what was learned would be memory. Where
    train has one part or lot there is nothing to divide.
    """
    train = [index for index, sample in enumerate(samples) if sample.split == "train"]
    learned = [samples[index] for index in train]
    if any(sample.split == "val" for sample in samples) or len(_groups(learned, ("part", "lot"), ())) < 2:
        return list(samples)
    divided = list(samples)
    halves = split_samples(learned, {"train": 1 - VAL_OF_TRAIN, "val": VAL_OF_TRAIN}, seed=seed)
    for index, sample in zip(train, halves, strict=True):
        divided[index] = sample
    return divided


def check_splits(
    samples: Sequence[Sample],
    *,
    test_only: bool = False,
    apart: Sequence[Apart] = ("part", "lot"),
    wanted: Sequence[Split] = SPLITS,
) -> None:
    """Each split can do its job and none leaks into another.

    Args:
        samples: with their splits.
        test_only: whether only test needs a defective part: the others need a good one.
        apart: what may not lie in two splits.
        wanted: the splits that are needed.

    Raises:
        DataError: If a sample has no split, what must stay apart lies in two splits, a wanted one
            is empty or has no defective part; with ``test_only`` train or val has no good part.
    """
    homeless = [sample.name for sample in samples if sample.split is None]
    if homeless:
        raise DataError(f"{len(homeless)} samples are in no split, the first is {homeless[0]}")
    for kind in apart:
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
    for split in wanted:
        inside = [sample for sample in samples if sample.split == split]
        if not inside:
            raise DataError(f"the split {split!r} holds no sample")
        if test_only and split != "test":
            if all(sample.is_defective for sample in inside):
                raise DataError(f"the split {split!r} holds no good part: there is nothing to learn from")
        elif not any(sample.is_defective for sample in inside):
            raise DataError(f"the split {split!r} holds no defective part: an escape rate needs some")


def _check_shares(shares: Mapping[Split, float]) -> None:
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) <= 0:
        raise ValueError(f"shares must be positive and sum to 1, got {dict(shares)}")


def _groups(
    samples: Sequence[Sample], apart: Sequence[Apart], alike: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Indices of samples that have something in common, directly or through others."""
    leader = list(range(len(samples)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, sample in enumerate(samples):
        for kind in apart:
            name = str(getattr(sample, kind))
            if name:
                leader[find(index)] = find(first.setdefault((kind, name), index))
    for together in alike:
        for index in together[1:]:
            leader[find(index)] = find(together[0])
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(samples)):
        groups[find(index)].append(index)
    return list(groups.values())


def _rarest(group: list[int], kinds: Sequence[str], wanted: Counter[str]) -> str:
    return min((kinds[index] for index in group), key=lambda kind: (wanted[kind], kind))


def _rank(
    group: list[int], samples: Sequence[Sample], kinds: Sequence[str], wanted: Counter[str], seed: int
) -> tuple[int, str, str]:
    kind = _rarest(group, kinds, wanted)
    name = min(samples[index].lot or samples[index].part for index in group)
    return wanted[kind], kind, hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
