"""Escape, overkill and review load by label, size, lot, station and camera. The unit is the part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taktsight.errors import DataError
from taktsight.quality.design_effect import LotRate, lot_rate
from taktsight.quality.parts import PASS, REVIEW, Bools, Parts, one_row_each
from taktsight.quality.rates import Rate, escape_rate, overkill_rate, review_load

FIRST_MM = 0.1
"""Where the series of size bins starts; each bin ends at twice its start, below the first one too."""
HAIR = 1e-9
"""A diameter that is a bin's start but for rounding lies in that bin."""


@dataclass(frozen=True, slots=True)
class GroupRates:
    """What happened to the parts of one group."""

    by: str
    """all, label, size, lot, station or camera."""
    name: str
    escape: Rate
    """Of its defective parts, those that passed."""
    overkill: Rate | None
    """Of its good parts, those that did not; None where a group has defective parts alone."""
    review: Rate
    """Of all its parts, those that a person decides on."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The rates of a file of judged parts."""

    groups: tuple[GroupRates, ...]
    """All parts first."""
    escape_by_lot: LotRate | None
    """Escapes with an interval that knows the lots; None where lots are not known."""
    overkill_by_lot: LotRate | None


def overview(parts: Parts, confidence: float = 0.95) -> Overview:
    """Every rate that the columns allow.

    Args:
        parts: with verdicts.
        confidence: two-sided coverage of every interval, 0–1.

    Raises:
        DataError: If the parts have no verdicts.
    """
    if parts.outcome is None:
        raise DataError("column outcome: is missing, and there is nothing to count without verdicts")
    each = one_row_each(parts)
    groups = [
        _rates("all", "", each, confidence),
        *_by_label(each, confidence),
        *_by_size(each, confidence),
        *(rates for name in ("lot", "station") for rates in _by(name, each, confidence)),
        *_by("camera", parts, confidence),  # what each camera's own verdict would have done
    ]
    bad, passed, lot = each.is_defective, _passed(each), each.group("lot")
    if lot is None:
        return Overview(tuple(groups), None, None)
    return Overview(
        tuple(groups),
        lot_rate(passed[bad], lot.codes[bad], confidence),
        lot_rate(~passed[~bad], lot.codes[~bad], confidence),
    )


def size_bin(diameter_mm: float) -> int:
    """Which bin of the series a diameter lies in; bin 0 starts at 0.1 mm."""
    return math.floor(math.log2(diameter_mm / FIRST_MM) + HAIR)


def _passed(parts: Parts) -> Bools:
    return np.asarray(parts.outcome == PASS)


def _rates(by: str, name: str, parts: Parts, confidence: float, *, has_good: bool = True) -> GroupRates:
    passed = _passed(parts)
    return GroupRates(
        by,
        name,
        escape_rate(parts.is_defective, passed, confidence),
        overkill_rate(parts.is_defective, passed, confidence) if has_good else None,
        review_load(np.asarray(parts.outcome == REVIEW), confidence),
    )


def _by(name: str, parts: Parts, confidence: float) -> Iterator[GroupRates]:
    group = parts.group(name)
    if group is None:
        return
    for text, code in sorted((text, code) for code, text in enumerate(group.names)):
        yield _rates(name, text, parts.at(group.codes == code), confidence)


def _by_label(parts: Parts, confidence: float) -> Iterator[GroupRates]:
    for label in parts.true_labels:
        yield _rates("label", label, parts.at(parts.has(label)), confidence, has_good=False)


def _by_size(parts: Parts, confidence: float) -> Iterator[GroupRates]:
    if parts.size_mm is None:
        return
    known = parts.is_defective & np.isfinite(parts.size_mm)
    sized = parts.at(known)
    assert sized.size_mm is not None  # it was not
    bins = np.array([size_bin(size) for size in sized.size_mm.tolist()], np.int64)
    for number in np.unique(bins).tolist():
        low = FIRST_MM * 2.0**number
        name = f"{low:g}–{2 * low:g} mm"
        yield _rates("size", name, sized.at(bins == number), confidence, has_good=False)
