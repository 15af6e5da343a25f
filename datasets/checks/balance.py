"""How many parts of each label lie in each split: enough to learn, enough to claim, none twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.checks.findings import Finding, Kind
from taktsight.datasets.samples import GOOD, SPLITS, Sample, Split, defect_labels
from taktsight.quality.rates import clopper_pearson

LEAST_TO_LEARN = 5
"""Training parts of a label below which a network remembers them one by one."""
PARTS_FOR_5_PERCENT, PARTS_FOR_1_PERCENT = 59, 299
"""Test parts without one escape that show an escape rate below 5 % or 1 %: ln 0.05 ÷ ln(1 − rate)."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """One label, ``GOOD`` among them."""

    label: str
    parts: Mapping[Split, int]
    """Physical parts in each split."""
    best_claim: float | None
    """Upper 95 % bound of the escape rate if none of its test parts escaped; None for good parts and
    without a test part."""


def count_labels(samples: Sequence[Sample]) -> tuple[LabelCount, ...]:
    """Parts of every label in every split; good last."""
    held: dict[tuple[str, Split | None], set[str]] = defaultdict(set)
    for sample in samples:
        for label in sample.labels or (GOOD,):
            held[label, sample.split].add(sample.part or str(sample.images[0]))
    counts = []
    for label in (*defect_labels(samples), GOOD):
        parts = {split: len(held[label, split]) for split in SPLITS}
        counts.append(LabelCount(label, parts, None if label == GOOD else best_claim(parts["test"])))
    return tuple(counts)


def best_claim(parts: int) -> float | None:
    """The smallest escape rate that so many defective parts could show, one-sided at 95 %."""
    return clopper_pearson(0, parts, 0.90).high if parts else None  # 90 % two-sided is 95 % one-sided


def check_balance(samples: Sequence[Sample]) -> list[Finding]:
    """What the split leaves too little of. Without a split there is nothing to say."""
    if not samples or any(sample.split is None for sample in samples):
        return []
    counts = [count for count in count_labels(samples) if count.label != GOOD]
    filled = {split for split in SPLITS if any(count.parts[split] for count in counts)}
    found = _empty_splits({sample.split for sample in samples}, filled)
    found += [finding for count in counts for finding in _too_few(count, filled)]
    return [Finding(kind, (), message) for kind, message in found]


def check_crossings(samples: Sequence[Sample]) -> list[Finding]:
    """Parts and lots that lie in more than one split."""
    findings: list[Finding] = []
    kinds: tuple[tuple[Kind, str], ...] = (("part across splits", "part"), ("lot across splits", "lot"))
    for kind, key in kinds:
        homes: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
        for sample in samples:
            if getattr(sample, key) and sample.split:
                homes[getattr(sample, key)][sample.split].append(sample.images[0])
        for name, places in sorted(homes.items()):
            if len(places) > 1:
                fewest_first = sorted(places.items(), key=lambda place: (len(place[1]), place[0]))
                shown = [paths[0] for _, paths in fewest_first]
                rest = [path for _, paths in fewest_first for path in paths[1:]]
                where = ", ".join(f"{len(paths)} in {split}" for split, paths in fewest_first)
                message = (
                    f"is of {key} {name}, whose images lie in several splits ({where}); keep them in one"
                )
                findings.append(Finding(kind, (*shown, *rest), message))
    return findings


def _empty_splits(used: set[Split | None], filled: set[Split]) -> list[tuple[Kind, str]]:
    """A set whose train holds good parts alone is one to learn from good parts: only test needs defects."""
    found: list[tuple[Kind, str]] = []
    learns_from_good = "train" in used and "train" not in filled and "test" in filled
    for split in SPLITS:
        if split not in used:
            found.append(("untrainable", f"split {split!r} holds no part; give it some"))
        elif split not in filled and not learns_from_good:
            message = f"split {split!r} holds no defective part; an escape rate needs some"
            found.append(("untrainable", message))
        elif split not in filled and split == "val":
            message = "split 'val' holds no defective part: a limit can only stand above its good parts"
            found.append(("absent label", message))
    return found


def _too_few(count: LabelCount, filled: set[Split]) -> list[tuple[Kind, str]]:
    """Of one label; a split without any defective part has its own finding."""
    found: list[tuple[Kind, str]] = []
    label, parts = f"label {count.label!r}", count.parts
    if not parts["train"] and "train" in filled:
        found.append(("untrainable", f"{label} has no part in train; nothing could learn it"))
    elif 0 < parts["train"] < LEAST_TO_LEARN:
        found.append(
            (
                "rare label",
                f"{label} has {_parts(parts['train'])} in train; wanted are {LEAST_TO_LEARN} or more",
            )
        )
    found += [
        ("absent label", f"{label} has no part in {split}")
        for split in SPLITS[1:]
        if not parts[split] and split in filled
    ]
    if count.best_claim is not None and parts["test"] < PARTS_FOR_1_PERCENT:
        goal = PARTS_FOR_5_PERCENT if parts["test"] < PARTS_FOR_5_PERCENT else PARTS_FOR_1_PERCENT
        claim = f"its escape rate is below {100 * count.best_claim:.1f} % at 95 % confidence"
        message = (
            f"{label} has {_parts(parts['test'])} in test: if none escapes, {claim}; "
            f"{goal - parts['test']} more show {5 if goal == PARTS_FOR_5_PERCENT else 1} %"
        )
        found.append(("few to certify", message))
    return found


def _parts(count: int) -> str:
    return "1 part" if count == 1 else f"{count} parts"
