"""The golden templates of a recipe, read once when the station starts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from taktsight.errors import ConfigError, DataError
from taktsight.image_files import decode_image, with_channels
from taktsight.recipe import Recipe, View, load_recipe
from taktsight.records import Image


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
    read = {
        view.camera: _read(path, view, path.parent / view.reference, channels)
        for view in recipe.views
        if view.reference is not None
    }
    views = tuple(read[view.camera][0] if view.camera in read else view for view in recipe.views)
    references = {camera: image for camera, (_, image) in read.items()}
    return recipe.model_copy(update={"views": views}), references


def _read(recipe: Path, view: View, file: Path, channels: int) -> tuple[View, Image]:
    where = f"{recipe}: reference of view {view.camera}"
    try:
        content = file.read_bytes()
        image = with_channels(decode_image(content, str(file)), channels)
    except OSError as error:
        raise ConfigError(f"{where}: {file} cannot be read: {error.strerror}") from error
    except DataError as error:
        raise ConfigError(f"{where}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if view.reference_sha256 not in (None, digest):
        raise ConfigError(
            f"{where}: {file} is not the file that reference_sha256 names; put that one back, or qualify "
            f"this one and write {digest}"
        )
    return view.model_copy(update={"reference": file, "reference_sha256": digest}), image
