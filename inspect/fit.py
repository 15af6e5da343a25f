"""Station, bundle and recipe together: whether they fit, before anything moves."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.bundle import Bundle, read_bundle
from taktsight.errors import ConfigError
from taktsight.inspect.config import Station
from taktsight.recipe import Recipe, check_fit, load_recipe

MM_PER_PX_TOLERANCE = 0.05
"""Areas go with the square: 5 % of scale is 10 % of area."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A bundle and a recipe that fit each other and the station."""

    bundle: Bundle
    recipe: Recipe


def read_setup(station: Station) -> Setup:
    """Verifies the bundle, reads the recipe and checks that they fit.

    Raises:
        BundleError: If the bundle is not what was written or signed.
        ConfigError: If recipe, bundle and station contradict each other.
    """
    bundle = read_bundle(station.bundle, allowed_keys=station.allowed_keys)
    recipe = _recipe(station, bundle)
    check_fit(recipe, bundle.card.labels, located=bundle.card.located)
    _check_cameras(station, recipe)
    _check_scale(station, recipe, bundle)
    return Setup(bundle, recipe)


def _recipe(station: Station, bundle: Bundle) -> Recipe:
    if station.recipe is not None:
        return load_recipe(station.recipe)
    if len(station.cameras) > 1:
        raise ConfigError(
            f"station {station.name!r}: {len(station.cameras)} cameras need a recipe with a view each"
        )
    return bundle.card.own_recipe(station.cameras[0].name)


def _check_cameras(station: Station, recipe: Recipe) -> None:
    cameras = {camera.name for camera in station.cameras}
    views = {view.camera for view in recipe.views}
    if views - cameras:
        raise ConfigError(
            f"recipe {recipe.product!r}: views.camera {', '.join(sorted(views - cameras))} is no camera of "
            f"station {station.name!r} (it has {', '.join(sorted(cameras))})"
        )
    if cameras - views:
        raise ConfigError(
            f"station {station.name!r}: cameras {', '.join(sorted(cameras - views))} is in no view of "
            f"recipe {recipe.product!r}: nobody would judge it"
        )


def _check_scale(station: Station, recipe: Recipe, bundle: Bundle) -> None:
    learned = bundle.card.mm_per_px
    if learned is None:
        return
    for view in recipe.views:
        if abs(view.mm_per_px / learned - 1) > MM_PER_PX_TOLERANCE:
            raise ConfigError(
                f"{station.recipe}: views.mm_per_px of {view.camera} is {view.mm_per_px}, "
                f"the bundle learned from {learned}: mount the camera as it was, or export for this scale"
            )
