"""A clean product has no fault; every fault that is planted in it is named, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import pytest

from taktsight.datasets.checks import MEANINGS, Kind
from taktsight.datasets.readers.faults import FaultKind

from .check_shop import Shop, make_shop
from .planted_faults import PLANTED, copied


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("product") / "set")


@pytest.fixture
def shop(clean: Shop, tmp_path: Path) -> Shop:
    return Shop(Path(shutil.copytree(clean.root, tmp_path / "set")))


def test_clean_product_has_no_fault(clean: Shop) -> None:
    checked = clean.check()
    assert checked.faults == ()
    assert set(checked.counts) <= {"few to certify", "absent label", "rare label"}
    assert (len(checked.looks.images), len(checked.looks.masks)) == (60, 30)


@pytest.mark.parametrize(("kinds", "plant"), PLANTED, ids=[kinds[0] for kinds, _ in PLANTED])
def test_planted_fault_is_the_only_one_found(
    shop: Shop, kinds: tuple[Kind, ...], plant: Callable[[Shop], Path | None]
) -> None:
    spoilt = plant(shop)
    faults = shop.check().faults
    assert sorted(fault.kind for fault in faults) == sorted(kinds)
    assert all(fault.paths[:1] == ((spoilt,) if spoilt else ()) for fault in faults), [
        str(fault) for fault in faults
    ]


def test_near_copy_in_one_split_is_a_warning(shop: Shop) -> None:
    copied(".jpg", cv2.IMWRITE_JPEG_QUALITY, 80)(shop)
    checked = shop.check()
    assert checked.faults == ()
    assert checked.counts["near copy"] == 1


def test_exposures_of_one_part_may_be_alike(shop: Shop) -> None:
    part = shop.rows("good")[0]["part"]
    copied(".jpg", cv2.IMWRITE_JPEG_QUALITY, 80, part=part)(shop)
    assert "near copy" not in shop.check().counts


def test_every_kind_has_its_meaning() -> None:
    named = set(get_args(FaultKind)) | {kind for part in get_args(Kind) for kind in get_args(part)}
    assert named == set(MEANINGS)
