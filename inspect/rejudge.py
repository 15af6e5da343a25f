"""Recorded parts judged again: the same frames, bundle and recipe must give the same bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taktsight.errors import BackendError, DataError
from taktsight.image_files import read_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.recorded import RecordedPart
from taktsight.records import Frame, Inspection, Part


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A recorded part and what came out this time."""

    part: RecordedPart
    differences: tuple[str, ...]
    """In sentences; empty where every bit is the same."""
    inspection: Inspection | None
    """None where it could not be judged."""


def look_again(part: RecordedPart, inspector: Inspector) -> SecondLook:
    """Judges a recorded part and compares frames, scores, outcome and reasons, to the last bit."""
    frames, differences = [], []
    for view in inspector.recipe.views:
        path = part.files.get(view.camera)
        if path is None:
            differences.append(f"the frame of camera {view.camera} is not kept")
            continue
        frame, difference = _read_frame(part, view.camera, path)
        if frame is not None:
            frames.append(frame)
        if difference:
            differences.append(difference)
    if len(frames) < len(inspector.recipe.views):
        return SecondLook(part, tuple(differences), None)
    try:
        inspection = inspector.inspect(Part(part.trigger, tuple(frames), part.serial))
    except (BackendError, ValueError) as error:
        return SecondLook(part, (*differences, f"it cannot be judged: {error}"), None)
    return SecondLook(part, (*differences, *_differences(part, inspection)), inspection)


def _read_frame(part: RecordedPart, camera: str, path: Path) -> tuple[Frame | None, str]:
    try:
        image = read_image(path)
    except DataError as error:
        return None, str(error)
    recorded, found = part.digests.get(camera), pixels_digest(image)
    frame = Frame(image, part.trigger, 0, camera)
    if recorded is None:
        return frame, f"the ledger has no digest of the frame of camera {camera}"
    if found != recorded:
        return frame, f"{path}: is not the frame that was judged ({found:.12}, it was {recorded:.12})"
    return frame, ""


def _differences(part: RecordedPart, inspection: Inspection) -> list[str]:
    differences = []
    for prediction in inspection.predictions:
        recorded = np.asarray(part.scores.get(prediction.view, ()), np.float32)
        if recorded.tobytes() != prediction.scores.tobytes():
            pairs = zip(prediction.labels, prediction.scores, strict=True)
            said = ", ".join(f"{label} {score:.9g}" for label, score in pairs)
            was = ", ".join(f"{score:.9g}" for score in recorded)
            differences.append(f"view {prediction.view} scores {said}; recorded is {was or 'nothing'}")
    verdict = inspection.verdict
    if part.outcome is not None and (verdict.outcome, verdict.reasons) != (part.outcome, part.reasons):
        was = "; ".join((part.outcome.value, *part.reasons))
        differences.append(
            f"it is {'; '.join((verdict.outcome.value, *verdict.reasons))}; recorded is {was}"
        )
    return differences
