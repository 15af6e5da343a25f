"""Station, bundle and recipe together: whether they fit, before anything moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from taktsight.bundle import Bundle, check_expiry, read_bundle
from taktsight.card import Card
from taktsight.errors import ConfigError
from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.config import Station
from taktsight.inspect.versions import check_version
from taktsight.recipe import Recipe, check_fit
from taktsight.records import Image

MM_PER_PX_TOLERANCE = 0.05
"""Areas go with the square: 5 % of scale is 10 % of area."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A bundle and a recipe that fit each other and the station."""

    bundle: Bundle
    recipe: Recipe
    references: Mapping[str, Image]
    """Golden template of each camera; empty where the bundle compares with none."""


def read_setup(station: Station, today: date) -> Setup:
    """Verifies the bundle, reads the recipe and checks that they fit.

    Args:
        station: its files are read, nothing is written.
        today: in UTC; a bundle may have a last day.

    Raises:
        BundleError: If the bundle is not what was written or signed, is expired, or is older
            than what ran here.
        ConfigError: If recipe, bundle and station contradict each other.
    """
    bundle = read_bundle(station.bundle, allowed_keys=station.allowed_keys)
    card = bundle.card
    check_expiry(card, today, str(station.bundle))
    check_version(station.records.folder, card, station.rollback_to, str(station.bundle))
    recipe, references = _recipe(station, bundle)
    _check_product(station, recipe, card)
    check_fit(recipe, card.labels, located=card.located, paired=card.canvas.paired, views=len(card.views))
    _check_cameras(station, recipe)
    _check_scale(station, recipe, bundle)
    check_proof(engine_name(station.backend), bundle.card, recipe)
    return Setup(bundle, recipe, references)


def check_proof(engine: str, card: Card, recipe: Recipe) -> None:
    """The engine was proved to judge like the trained network, as closely as the recipe asks.

    Raises:
        ConfigError: If nothing was proved of it, or more verdicts flipped than the recipe allows.
    """
    parity = card.parity_of(engine)
    if parity is None:
        proved = ", ".join(each.engine for each in card.parity)
        raise ConfigError(
            f"backend {engine}: the bundle was proved on {proved} only; export it with --engine {engine}, "
            "or set the station's backend to one of those"
        )
    if parity.flip_share > recipe.max_flip_share:
        raise ConfigError(
            f"backend {engine}: {parity.flips} of {parity.parts} verdicts flipped when the bundle was "
            f"proved, recipe {recipe.product!r} allows max_flip_share {recipe.max_flip_share:g}"
        )


def _recipe(station: Station, bundle: Bundle) -> tuple[Recipe, Mapping[str, Image]]:
    if station.recipe is not None:
        from taktsight.inspect.references import read_recipe  # no YAML where the card has the limits

        return read_recipe(station.recipe, bundle.card.canvas.channels)
    card, cameras = bundle.card, [camera.name for camera in station.cameras]
    if card.canvas.paired:
        raise ConfigError(
            f"station {station.name!r}: the bundle compares each part with its golden template: name a "
            "recipe whose views have 'reference: template.png', an image of a good part taken with that "
            "camera (replay: --recipe)"
        )
    if len(card.views) == 1 == len(cameras):
        return card.own_recipe(*cameras), {}
    if sorted(cameras) == sorted(card.views):
        return card.own_recipe(), {}
    raise ConfigError(
        f"station {station.name!r}: has the cameras {', '.join(cameras)}, and the bundle judges the views "
        f"{', '.join(card.views)}: give it a camera of each name, or a recipe with a view each"
    )


def _check_product(station: Station, recipe: Recipe, card: Card) -> None:
    if recipe.product != card.name:
        raise ConfigError(
            f"{station.recipe}: is for the product {recipe.product!r}, and {station.bundle} is a bundle of "
            f"{card.name!r}: name those of one product. Where they are, write 'product: {card.name}' into "
            "the recipe, or export the bundle under the recipe's name ('taktsight export --name')"
        )


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
