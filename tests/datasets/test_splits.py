"""Honest splits: no part and no lot on both sides, and the same answer every time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from taktsight.datasets.samples import GOOD, Sample, Split
from taktsight.datasets.splits import SHARES, check_splits, split_samples, with_val
from taktsight.errors import DataError

LABELS = (GOOD,) * 6 + ("pit", "scratch", "stain")


def sample(
    number: int, label: str = GOOD, *, part: str = "", lot: str = "", split: Split | None = None
) -> Sample:
    return Sample(
        (Path(f"{label}/{number}.png"),), label, part=part or f"part-{number}", lot=lot, split=split
    )


def production(seed: int, parts: int = 200) -> list[Sample]:
    """Parts with one to three exposures each, most of them in lots of up to eight parts."""
    draw = Random(seed)
    samples: list[Sample] = []
    lot = 0
    for part in range(parts):
        lot += draw.random() < 0.3
        label = draw.choice(LABELS)
        for _ in range(draw.randint(1, 3)):
            lot_name = f"lot-{lot}" if draw.random() < 0.8 else ""
            samples.append(sample(len(samples), label, part=f"part-{part}", lot=lot_name))
    draw.shuffle(samples)
    return samples


def homes(samples: Sequence[Sample], kind: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in samples:
        if getattr(one, kind):
            found[getattr(one, kind)].add(str(one.split))
    return found


def whole() -> list[Sample]:
    """A split that can do its job: a good and a defective part in each."""
    order: tuple[Split, ...] = ("train", "val", "test")
    return [
        sample(2 * i + bad, "pit" if bad else GOOD, split=name)
        for i, name in enumerate(order)
        for bad in (0, 1)
    ]


@pytest.mark.parametrize("seed", range(25))
def test_no_part_and_no_lot_is_cut(seed: int) -> None:
    samples = split_samples(production(seed), seed=seed)
    for kind in ("part", "lot"):
        assert all(len(splits) == 1 for splits in homes(samples, kind).values())
    check_splits(samples)


def test_parts_that_share_a_lot_through_others_stay_together() -> None:
    chain = [
        sample(0, part="a", lot="x"),
        sample(1, part="b", lot="x"),
        sample(2, part="b", lot="y"),
        sample(3, part="c", lot="y"),
    ]
    others = [sample(number, "pit") for number in range(10, 20)]
    samples = split_samples(chain + others)
    assert len({one.split for one in samples[:4]}) == 1


def test_part_and_lot_of_the_same_name_are_two_things() -> None:
    samples = [sample(number, part=f"{number}", lot=f"{number + 1}") for number in range(30)]
    assert {one.split for one in split_samples(samples)} == {"train", "val", "test"}


@pytest.mark.parametrize("seed", range(10))
def test_same_parts_are_split_the_same_way_in_any_order(seed: int) -> None:
    samples = production(seed)
    first = {one.images: one.split for one in split_samples(samples)}
    again = {one.images: one.split for one in split_samples(samples)}
    Random(99).shuffle(samples)
    shuffled = {one.images: one.split for one in split_samples(samples)}
    assert first == again == shuffled


def test_samples_keep_their_order_and_everything_but_the_split() -> None:
    samples = production(3)
    assert [replace(one, split=None) for one in split_samples(samples)] == samples


def test_split_that_a_sample_had_before_is_replaced() -> None:
    samples = production(4)
    misplaced = [replace(one, split="train") for one in samples]
    assert split_samples(misplaced) == split_samples(samples)


def test_another_seed_is_another_split() -> None:
    samples = production(5)
    assert split_samples(samples, seed=0) != split_samples(samples, seed=1)


@pytest.mark.parametrize("seed", range(10))
def test_every_label_is_shared_out_as_asked(seed: int) -> None:
    draw = Random(seed)
    samples = [sample(number, draw.choice(LABELS), part=f"part-{number // 2}") for number in range(400)]
    counts = Counter((one.label, one.split) for one in split_samples(samples, seed=seed))
    totals = Counter(one.label for one in samples)
    for label, total in totals.items():
        for split, share in SHARES.items():
            # A part of two exposures with two labels is balanced by the rarer one only.
            assert counts[label, split] / total == pytest.approx(share, abs=0.1)


def test_label_on_three_parts_is_in_every_split() -> None:
    parts = [Sample((Path(f"{n}.png"),), "rare" if n < 9 else GOOD, part=str(n // 3)) for n in range(300)]
    strata = [f"{sample.label}, {n % 2}" for n, sample in enumerate(parts)]
    for seed in range(10):
        for asked in (None, strata):
            placed = split_samples(parts, seed=seed, strata=asked)
            assert {sample.split for sample in placed if sample.label == "rare"} == {"train", "val", "test"}


def test_shares_may_be_others() -> None:
    samples = split_samples([sample(number) for number in range(100)], {"train": 0.9, "test": 0.1})
    assert Counter(one.split for one in samples) == {"train": 90, "test": 10}


@pytest.mark.parametrize(
    "shares", [{"train": 0.5, "test": 0.6}, {"train": 1.0, "test": 0.0}, {"train": 1.5, "test": -0.5}]
)
def test_shares_that_are_none_are_refused(shares: dict[Split, float]) -> None:
    with pytest.raises(ValueError, match="shares must be positive and sum to 1"):
        split_samples([sample(1), sample(2), sample(3)], shares)


def test_fewer_lots_than_splits_cannot_be_split() -> None:
    with pytest.raises(DataError, match="2 groups of parts or lots cannot fill 3 splits"):
        split_samples([sample(number, lot=f"lot-{number % 2}") for number in range(20)])


def test_split_that_can_do_its_job_is_accepted() -> None:
    check_splits(whole())


def test_sample_in_no_split_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 samples are in no split, the first is 77\.png"):
        check_splits([*whole(), sample(77)])


def test_part_in_two_splits_is_refused() -> None:
    leak = [sample(90, part="A7", split="train"), sample(91, part="A7", split="test")]
    with pytest.raises(
        DataError, match=r"part A7 lies in test, train: the figures would be memory \(1 such\)"
    ):
        check_splits([*whole(), *leak])


def test_lot_in_two_splits_is_refused() -> None:
    leak = [sample(90, lot="A7", split="val"), sample(91, lot="A7", split="test")]
    with pytest.raises(DataError, match=r"lot A7 lies in test, val: the figures would be memory"):
        check_splits([*whole(), *leak])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_empty_split_is_refused(split: Split) -> None:
    with pytest.raises(DataError, match=f"the split '{split}' holds no sample"):
        check_splits([one for one in whole() if one.split != split])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_split_without_a_defective_part_is_refused(split: Split) -> None:
    with pytest.raises(DataError, match=f"the split '{split}' holds no defective part"):
        check_splits([one for one in whole() if one.split != split or not one.is_defective])


def test_where_no_part_is_val_a_fifth_of_train_is_and_test_stays() -> None:
    samples = [
        sample(n, "pit" if n % 4 == 0 else GOOD, split="train" if n < 40 else "test") for n in range(60)
    ]
    divided = with_val(samples)
    assert Counter(each.split for each in divided) == {"train": 32, "val": 8, "test": 20}
    assert divided[40:] == samples[40:]
    check_splits(divided)


def test_parts_that_are_val_already_stay_the_only_ones() -> None:
    splits: tuple[Split, ...] = ("train", "val", "test")
    samples = [sample(n, split=splits[n % 3]) for n in range(9)]
    assert with_val(samples) == samples


def test_an_anomaly_model_needs_defective_parts_to_be_measured_on_only() -> None:
    samples = [sample(0, split="train"), sample(1, split="val"), sample(2, "pit", split="test")]
    check_splits(samples, test_only=True)
    with pytest.raises(DataError, match="'train' holds no defective part"):
        check_splits(samples)
    with pytest.raises(DataError, match="'test' holds no defective part"):
        check_splits([*samples[:2], sample(3, split="test")], test_only=True)


def test_a_split_without_a_good_part_teaches_an_anomaly_model_nothing() -> None:
    samples = [sample(0, split="train"), sample(1, "pit", split="val"), sample(2, "pit", split="test")]
    with pytest.raises(DataError, match="'val' holds no good part"):
        check_splits(samples, test_only=True)
