"""The same image twice, or almost: within a split, across splits, and with different labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from taktsight.datasets.checks.drawings import covered, overlap
from taktsight.datasets.checks.findings import Finding, Kind
from taktsight.datasets.checks.likeness import Pairs, near_pairs
from taktsight.datasets.checks.look import Looks
from taktsight.datasets.samples import Sample

SAME_MARKING = 0.7
"""Least intersection over union of two markings of one image: two careful people reach it."""

Owners = dict[Path, Sample]


def check_copies(samples: Sequence[Sample], looks: Looks) -> list[Finding]:
    """Copies, near copies, and copies that say different things."""
    owners = {image: sample for sample in reversed(samples) for image in sample.images}
    groups: dict[str, list[Path]] = defaultdict(list)
    for image in [image for sample in samples for image in sample.images]:
        seen = looks.seen(image)
        if seen and not seen.is_blank and image not in groups[seen.pixels]:
            groups[seen.pixels].append(image)
    findings: list[Finding] = []
    for group in groups.values():
        if len(group) > 1:
            findings.append(_copy(group, owners, looks))
            findings += _disagreements(group, owners, looks)
    return findings + _near_copies([group[0] for group in groups.values() if group], owners, looks)


def near_copies(samples: Sequence[Sample], looks: Looks) -> list[list[int]]:
    """Indices of samples that show the same exposure, or almost: what must not lie in two splits.

    An image that cannot be read resembles none; ``taktsight data check`` names it.

    Returns:
        Groups of two or more, each sample almost like another of its group.
    """
    seen = [
        (index, found)
        for index, sample in enumerate(samples)
        for image in sample.images
        if (found := looks.seen(image)) and not found.is_blank
    ]
    pairs = near_pairs([found.fingerprint for _, found in seen], [found.small for _, found in seen])
    if not len(pairs.first):
        return []
    groups: dict[int, set[int]] = defaultdict(set)
    for (index, _), chain in zip(seen, _chains(len(seen), pairs).tolist(), strict=True):
        groups[chain].add(index)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _copy(group: list[Path], owners: Owners, looks: Looks) -> Finding:
    digests = {looks.images[path].digest for path in group}
    what = "the same file" if len(digests) == 1 else "the same pixels in another file"
    ordered = _one_per_split_first(group, owners)
    kind: Kind = "copy across splits" if _crosses(ordered[0], ordered[1], owners) else "copy"
    return Finding(kind, tuple(ordered), f"{_compared(ordered, what + ' as', owners)}; keep one")


def _disagreements(group: list[Path], owners: Owners, looks: Looks) -> Iterator[Finding]:
    first = group[0]
    for other in group[1:]:
        one, two = owners[first], owners[other]
        if one.labels != two.labels:
            message = (
                f"is labelled {_labels(one)} and its copy {other.name} {_labels(two)}; "
                "decide which is right and delete the other"
            )
            yield Finding("copies disagree", (first, other), message)
            continue
        marked, marked_again = covered(one, first, looks), covered(two, other, looks)
        if marked is None or marked_again is None or marked.shape != marked_again.shape:
            continue
        share = overlap(marked, marked_again)
        if share < SAME_MARKING:
            message = (
                f"and its copy {other.name} are marked differently: overlap {share:.2f} "
                f"(intersection over union, at least {SAME_MARKING} is wanted); keep the better marking"
            )
            yield Finding("copies disagree", (first, other), message)


def _near_copies(images: list[Path], owners: Owners, looks: Looks) -> list[Finding]:
    """One finding per chain of near copies; exposures of one part are expected to be alike."""
    seen = [(image, found) for image in images if (found := looks.seen(image))]
    pairs = near_pairs([found.fingerprint for _, found in seen], [found.small for _, found in seen])
    names = [image for image, _ in seen]
    parts = np.array([owners[image].part or str(image) for image in names])
    pairs = _chosen(pairs, parts[pairs.first] != parts[pairs.second])
    if not len(pairs.first):
        return []
    chain = _chains(len(names), pairs)
    splits = np.array([str(owners[image].split) for image in names])
    crosses = splits[pairs.first] != splits[pairs.second]
    # The most telling pair of each chain first: across splits before within, then the most alike.
    order = np.lexsort((-pairs.likeness, ~crosses))
    leading: dict[int, int] = {}
    for pair in order.tolist():
        leading.setdefault(int(chain[pairs.first[pair]]), pair)
    members: dict[int, list[Path]] = defaultdict(list)
    for image, name in zip(names, chain.tolist(), strict=True):
        members[name].append(image)
    return [
        _near_copy(
            names[pairs.first[pair]],
            names[pairs.second[pair]],
            members[name],
            owners,
            likeness=float(pairs.likeness[pair]),
        )
        for name, pair in leading.items()
    ]


def _near_copy(first: Path, second: Path, chain: list[Path], owners: Owners, *, likeness: float) -> Finding:
    others = [path for path in chain if path not in (first, second)]
    kind: Kind = "near copy across splits" if _crosses(first, second, owners) else "near copy"
    message = f"{_compared([first, second], 'almost', owners)} (likeness {likeness:.3f})"
    if owners[first].labels != owners[second].labels:
        message += f", labelled {_labels(owners[first])} and {_labels(owners[second])}"
    if others:
        message += f", in a chain of {len(chain)} images each almost like another"
    return Finding(kind, (first, second, *others), f"{message}; give them one part name, or keep one")


def _chains(size: int, pairs: Pairs) -> NDArray[np.int32]:
    """(size,) the number of the chain that each image belongs to."""
    links = np.ones(len(pairs.first), np.int8)
    graph = coo_array((links, (pairs.first, pairs.second)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def _chosen(pairs: Pairs, which: NDArray[np.bool_]) -> Pairs:
    return Pairs(pairs.first[which], pairs.second[which], pairs.likeness[which])


def _crosses(one: Path, other: Path, owners: Owners) -> bool:
    return owners[one].split != owners[other].split


def _one_per_split_first(group: list[Path], owners: Owners) -> list[Path]:
    """Two images of different splits in front, where there are such."""
    stranger = next((path for path in group[1:] if _crosses(group[0], path, owners)), group[1])
    return [group[0], stranger, *(path for path in group[1:] if path != stranger)]


def _compared(paths: Sequence[Path], how: str, owners: Owners) -> str:
    """What the first is to the others, and where they lie."""
    one, two = owners[paths[0]].split, owners[paths[1]].split
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    other = f"{paths[1].parent.name}/{paths[1].name}"
    if one != two:
        return f"lies in {one} and is {how} {other} in {two}{more}"
    return f"is {how} {other}{more}{f', both in {one}' if one and not more else ''}"


def _labels(sample: Sample) -> str:
    return ", ".join(sample.labels) or "good"
