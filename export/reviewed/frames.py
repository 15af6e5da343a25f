"""Frames of reviewed parts: only the pixels that were judged, and that people looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import DataError
from taktsight.image_files import decode_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.recorded import RecordedPart
from taktsight.inspect.review.store.values import Decision


@dataclass(frozen=True, slots=True)
class ReviewedFrame:
    """One view of a reviewed part."""

    view: str
    file: Path
    sha256: str
    """Of its pixels, as the ledger has it."""
    height: int
    width: int


def image_name(part: RecordedPart, view: str) -> Path:
    """What a version calls the frame, below its images; nothing in it tells verdict or label."""
    return Path(part.run, f"{part.trigger:09d}_{view}.png")


def frames_of(part: RecordedPart, decision: Decision, before: Path | None) -> list[ReviewedFrame] | None:
    """The frames in the order of their views; None where one is kept nowhere.

    Args:
        part: as the ledger has it.
        decision: what was said of it, and of which pixels.
        before: the images of the version before, which keeps what the records no longer do.

    Raises:
        DataError: If pixels are not those that the ledger and the decision name.
    """
    if not part.digests:
        return None
    _check_same_pixels(part, decision.frames)
    frames = []
    for view, sha256 in sorted(part.digests.items()):
        file = _kept(part, view, before)
        if file is None:
            return None
        frames.append(_checked(part, view, file, sha256))
    return frames


def _kept(part: RecordedPart, view: str, before: Path | None) -> Path | None:
    recorded = part.files.get(view)
    if recorded is not None and recorded.is_file():
        return recorded
    carried = None if before is None else before / image_name(part, view)
    return carried if carried is not None and carried.is_file() else None


def _check_same_pixels(part: RecordedPart, seen: Mapping[str, str]) -> None:
    """The decision is about the frames that the ledger has."""
    for view, sha256 in seen.items():
        if part.digests.get(view) != sha256:
            raise DataError(
                f"part {part.run}:{part.trigger}, view {view}: the decision is about pixels {sha256:.12}…, "
                f"the ledger's are {part.digests.get(view, 'none'):.12}…"
            )


def _checked(part: RecordedPart, view: str, file: Path, sha256: str) -> ReviewedFrame:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    image = decode_image(content, str(file))
    found = pixels_digest(image)
    if found != sha256:
        raise DataError(
            f"part {part.run}:{part.trigger}, view {view}: {file} holds pixels {found:.12}…, the ledger's "
            f"are {sha256:.12}…: it is not the frame that was judged"
        )
    return ReviewedFrame(view, file, sha256, image.shape[0], image.shape[1])
