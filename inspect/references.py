"""The images of good parts that a recipe names, read once when the station starts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

from taktsight.errors import ConfigError, DataError
from taktsight.health_bands import Health
from taktsight.image_files import decode_image, with_channels
from taktsight.image_health import Reference, make_reference
from taktsight.recipe import Recipe, View, load_recipe
from taktsight.records import Image

Referring = TypeVar("Referring", View, Health)
"""What has a ``reference`` and a ``reference_sha256``."""


def read_recipe(path: Path, channels: int) -> tuple[Recipe, dict[str, Image]]:
    """A recipe with the digests of its golden templates, and the templates by camera.

    Args:
        path: the recipe; templates are relative to it.
        channels: 1 or 3, as the bundle wants frames; colour becomes mono as a folder camera does it.

    Raises:
        ConfigError: If the recipe is wrong, or a template is absent, no image, or not the file
            that ``reference_sha256`` names.
    """
    recipe = load_recipe(path)
    views, references = [], {}
    for view in recipe.views:
        read = view
        if view.reference is not None:
            where = f"{path}: reference of view {view.camera}"
            read, references[view.camera] = _read(where, view, path.parent / view.reference, channels)
        if view.health is not None and view.health.reference is not None:
            where = f"{path}: health.reference of view {view.camera}"
            health, _ = _read(where, view.health, path.parent / view.health.reference, channels)
            read = read.model_copy(update={"health": health})
        views.append(read)
    return recipe.model_copy(update={"views": tuple(views)}), references


def health_reference(view: View, template: Image | None, channels: int) -> Reference | None:
    """What a view's frames are held against; None where its health names nothing and there is no template.

    Args:
        view: as :func:`read_recipe` returned it.
        template: its golden template, if it has one.
        channels: 1 or 3, as the bundle wants frames.

    Raises:
        ConfigError: If the image is no longer what it was, or is smaller than the view's region.
    """
    health, image = view.health, template
    where = f"health.reference of view {view.camera}"
    if health is not None and health.reference is not None:
        _, image = _read(where, health, health.reference, channels)
    if health is None or image is None:
        return None
    try:
        return make_reference(image, view.roi_px)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}; take it with this camera") from error


def _read(where: str, referring: Referring, file: Path, channels: int) -> tuple[Referring, Image]:
    try:
        content = file.read_bytes()
        image = with_channels(decode_image(content, str(file)), channels)
    except OSError as error:
        raise ConfigError(f"{where}: {file} cannot be read: {error.strerror}") from error
    except DataError as error:
        raise ConfigError(f"{where}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if referring.reference_sha256 not in (None, digest):
        raise ConfigError(
            f"{where}: {file} is not the file that reference_sha256 names; put that one back, or qualify "
            f"this one and write {digest}"
        )
    return referring.model_copy(update={"reference": file, "reference_sha256": digest}), image
