"""What was measured of a view's frames: of images in a folder, or as a ledger has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import ConfigError, DataError
from taktsight.image_files import read_image
from taktsight.image_health import Reference, make_reference, measure
from taktsight.inspect.cameras.folder import list_images
from taktsight.recipe import Recipe, View
from taktsight.records import Image, Outcome


@dataclass(frozen=True, slots=True)
class Measured:
    """One frame."""

    name: str
    """The image's name, or run and part."""
    values: dict[str, float]
    frame_px: tuple[int, int] | None = None
    """Width and height; None where a ledger says only what was measured."""


def chosen_view(recipe: Recipe, camera: str | None, path: Path) -> View:
    """The view that is named, or the only one.

    Raises:
        ConfigError: If there is no such view, or there are several and none is named.
    """
    cameras = [view.camera for view in recipe.views]
    if camera is None and len(cameras) > 1:
        raise ConfigError(f"{path}: has the views {', '.join(cameras)}: say which with --view")
    found = [view for view in recipe.views if camera in (None, view.camera)]
    if not found:
        raise ConfigError(f"{path}: has no view {camera} (it has {', '.join(cameras)})")
    return found[0]


def read_reference(file: Path, view: View, channels: int | None) -> Reference:
    """An image of a good part, ready to be compared with.

    Raises:
        ConfigError: If it cannot be read, or does not fit the view.
    """
    try:
        return make_reference(read_image(file, channels), view.roi_px)
    except (DataError, ValueError) as error:
        raise ConfigError(f"reference of view {view.camera}: {error}") from error


def measure_images(
    images: Path, view: View, reference: Reference | None, channels: int | None
) -> list[Measured]:
    """What is measured of each image of a folder, or of those that a text file lists.

    Raises:
        CameraError: If there is none.
        DataError: Naming the image that cannot be read, or does not fit region or reference.
    """
    return [_measure(file, view, reference, channels) for file in list_images(images)]


def _measure(file: Path, view: View, reference: Reference | None, channels: int | None) -> Measured:
    image: Image = read_image(file, channels)
    try:
        values = measure(image, view.roi_px, mm_per_px=view.mm_per_px, reference=reference)
    except ValueError as error:
        raise DataError(f"{file}: {error}") from error
    return Measured(file.name, values, (image.shape[1], image.shape[0]))


def recorded(records: Path, camera: str, *, passed: bool) -> list[Measured]:
    """What a line measured of a view, in order; with ``passed`` of parts that passed alone.

    Raises:
        LedgerError: If there is no ledger.
        DataError: If nothing was measured of this view.
    """
    from taktsight.inspect.ledger import Ledger

    ledger = Ledger.open(records)
    try:
        rows = [row for row in ledger.rows() if row["kind"] == "verdict" and row["health"]]
    finally:
        ledger.close()
    found = [
        Measured(f"{row['run']} part {row['trigger']}", health[camera])
        for row in rows
        if (not passed or row["outcome"] == Outcome.PASS.value)
        and camera in (health := json.loads(row["health"]))
    ]
    if not found:
        raise DataError(
            f"{records}: nothing was measured of view {camera}; write 'health: {{}}' into the recipe's "
            "view, and the line records what its frames are like"
        )
    return found
