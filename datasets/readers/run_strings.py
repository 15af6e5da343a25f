"""COCO's compressed run lengths."""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.errors import DataError


def run_counts(text: str) -> list[int]:
    """The run lengths in COCO's compressed string.

    A character holds five bits, lowest first, and says with its sixth that more follow; its fifth is the
    sign. From the fourth number on, each is the difference to the last but one.

    Raises:
        DataError: If a character is none of the 64, or the string ends within a number.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise DataError(f"the run lengths hold {character!r} where it cannot stand; export them again")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        value -= (1 << shift) if bits & 16 else 0
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise DataError("the run lengths are cut short; export them again")
    return counts


def run_string(counts: Sequence[int]) -> str:
    """COCO's compressed string of run lengths: what :func:`run_counts` reads.

    >>> run_counts(run_string([3, 1, 40, 2000, 6]))
    [3, 1, 40, 2000, 6]
    """
    text = ""
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + (32 if more else 0))
    return text
