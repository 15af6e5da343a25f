"""Which parts a study shows: those that are named, or a random choice of parts whose picture was kept."""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.errors import ReviewError
from taktsight.inspect.review.figures.decided import Decided, Spoken
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import Filters, PartRow
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.inspect.review.studies.values import HELD_UP
from taktsight.quality.audit_draw import draw
from taktsight.records import Outcome

_MEANS_GOOD = frozenset({"ok", "o.k.", "io", "i.o.", "pass", "gut", "yes", "1", "true"})
LOOKED_THROUGH = 5000
"""Settled parts of each kind that are asked for their picture."""
LOOKED_AT = 500
"""The newest parts of each outcome that a choice without reviews is made of."""


def settled_parts(index: PartIndex, decided: Decided, parts: int, seed: int) -> dict[PartKey, str]:
    """Parts that reviewers settled: as many good as defective ones, where there are as many.

    Raises:
        ReviewError: If fewer than two are settled and have a picture.
    """
    settled = {part.key: part for part in decided.parts() if part.truth and part.seq}
    shown: dict[PartKey, str] = {}
    for kind in (GOOD, HELD_UP):
        named = {str(key): "" for key, part in settled.items() if _kind(part) == kind}
        shown |= dict.fromkeys(_with_pictures(index, settled, named, parts, seed), kind)
    return {key: settled[key].truth or "" for key in _enough(_chosen(shown, parts, seed))}


def _with_pictures(
    index: PartIndex, settled: dict[PartKey, Spoken], named: dict[str, str], parts: int, seed: int
) -> list[PartKey]:
    """The first ones of a random order whose picture was kept; so many at most."""
    order = draw(named, min(len(named), LOOKED_THROUGH), seed) if named else ()
    seqs = [settled[PartKey.parse(one.part)].seq for one in order]
    found: list[PartKey] = []
    for start in range(0, len(seqs), 100):
        found += [row.key for row in index.parts(seqs[start : start + 100]) if is_shown(row)]
        if len(found) >= parts:
            break
    return found[:parts]


def any_parts(index: PartIndex, parts: int, seed: int) -> dict[PartKey, str]:
    """Parts of which nobody says what they are: as many of each outcome, where there are as many.

    Raises:
        ReviewError: If fewer than two have a picture.
    """
    found: dict[PartKey, str] = {}
    for outcome in (Outcome.PASS, Outcome.REVIEW, Outcome.REJECT):
        rows = index.search(filters=Filters(outcomes=frozenset({outcome})), most=LOOKED_AT)
        found |= {row.key: outcome.value for row in rows if is_shown(row)}
    return dict.fromkeys(_enough(_chosen(found, parts, seed)), "")


def named_parts(index: PartIndex, text: str) -> dict[PartKey, str]:
    """Parts of lines ``RUN:TRIGGER`` or a serial, each with what it is after a blank, or with nothing.

    Raises:
        ReviewError: Naming the line of a part that there is not, or that has no picture.
    """
    parts: dict[PartKey, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, _, reference = line.strip().partition(" ")
        found = [row for row in index.search(name, most=2) if name in (str(row.key), row.serial)]
        if len(found) != 1:
            how = (
                "several parts have this serial: name it RUN:TRIGGER" if found else "there is no such part"
            )
            raise ReviewError(f"line {number}: {name[:80]!r}: {how}")
        if not is_shown(found[0]):
            raise ReviewError(f"line {number}: no picture of part {name[:80]!r} was kept")
        if found[0].key in parts:
            raise ReviewError(f"line {number}: part {name[:80]!r} stands there twice")
        if reference.strip().lower() in _MEANS_GOOD:
            raise ReviewError(f"line {number}: say {GOOD!r} of a good part, not {reference.strip()!r}")
        parts[found[0].key] = reference.strip()
    return parts


def is_shown(row: PartRow) -> bool:
    """Whether it has a picture to look at."""
    return any(frame.is_kept for frame in row.frames.values())


def _kind(part: Spoken) -> str:
    return GOOD if part.truth == GOOD else HELD_UP


def _chosen(kinds: dict[PartKey, str], parts: int, seed: int) -> list[PartKey]:
    """At random and as many of each kind; in the order of their names, which tells nothing."""
    if not kinds:
        return []
    named = {str(key): kind for key, kind in kinds.items()}
    wanted = max(parts, len(set(kinds.values())))
    return sorted(PartKey.parse(one.part) for one in draw(named, wanted, seed, "equal"))


def _enough(parts: Sequence[PartKey]) -> Sequence[PartKey]:
    if len(parts) < 2:
        raise ReviewError(
            "fewer than two parts are settled and have a picture: review some first, or choose parts of "
            "which nobody knows what they are"
        )
    return parts
