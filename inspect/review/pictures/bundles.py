"""The bundles that are at hand for judging again, and the recipes they judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.bundle import Bundle, read_bundle
from taktsight.inspect.references import read_recipe
from taktsight.recipe import Recipe
from taktsight.records import Image


@dataclass(frozen=True, slots=True)
class BundleAtHand:
    """A bundle that was verified, where it lies, and recipe files that it may have judged by."""

    path: Path
    bundle: Bundle
    recipe_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Judging:
    """By what a frame was judged."""

    recipe: Recipe
    references: dict[str, Image]
    is_the_one: bool
    """Whether it is the recipe whose digest the ledger has."""


def open_bundles(
    paths: Sequence[Path], recipe_files: Sequence[Path] = (), allowed_keys: Sequence[Path] = ()
) -> tuple[BundleAtHand, ...]:
    """Verifies and reads bundles.

    Raises:
        BundleError: If one is damaged, or signed by none of the keys where any are given.
    """
    return tuple(
        BundleAtHand(path, read_bundle(path, allowed_keys=allowed_keys), tuple(recipe_files))
        for path in paths
    )


def recipes_at_hand(bundles: Sequence[BundleAtHand]) -> tuple[Recipe, ...]:
    """Those that are read from files, for the limits of the queue.

    Raises:
        ConfigError: If one of the files is wrong.
    """
    return tuple(
        read_recipe(file, each.bundle.card.canvas.channels)[0]
        for each in bundles
        for file in each.recipe_files
    )


def judging_of(bundle: Bundle, recipe_files: Sequence[Path], digest: str, view: str) -> Judging:
    """The recipe of this digest; where it is not at hand, the bundle's own limits on the whole frame.

    Args:
        bundle: judges.
        recipe_files: that may be the one.
        digest: of the recipe, as the ledger has it; "" of a golden sample.
        view: whose frame is judged.

    Raises:
        ConfigError: If one of the files is wrong.
    """
    card = bundle.card
    for file in recipe_files:
        recipe, references = read_recipe(file, card.canvas.channels)
        if recipe.digest == digest:
            return Judging(recipe, references, is_the_one=True)
    named = card.own_recipe(view) if len(card.views) == 1 else card.own_recipe()
    for own in (named, card.own_recipe()):
        if own.digest == digest:
            return Judging(own, {}, is_the_one=True)
    if view not in {each.camera for each in named.views}:
        named = card.own_recipe(view)
    return Judging(named, {}, is_the_one=False)
