"""The pictures of a look, as they were kept: the browser is told neither name nor verdict of the part."""

from __future__ import annotations

from pathlib import Path

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.pictures.picture_files import MAX_FILE_BYTES, path_of, size_of
from taktsight.inspect.review.store.values import PartKey


def views_of(index: PartIndex, key: PartKey) -> tuple[str, ...]:
    """Views of the part whose picture is still there, by name."""
    row = index.part(key)
    return () if row is None else tuple(sorted(view for view, frame in row.frames.items() if frame.is_kept))


def picture_of(records: Path, index: PartIndex, key: PartKey, view: int) -> bytes | None:
    """The PNG of a view, counted from 0; None where there is none."""
    row = index.part(key)
    kept = () if row is None else tuple(sorted(name for name, frame in row.frames.items() if frame.is_kept))
    if row is None or not 0 <= view < len(kept):
        return None
    file = row.frames[kept[view]].file
    path = path_of(records, file)
    if path is None or size_of(records, file) is None:
        return None
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= MAX_FILE_BYTES else None
