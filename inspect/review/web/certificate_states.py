"""What holds of a bundle's certificate for parts that it judged, as far as this bench can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.inspect.references import read_recipe
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.web.words import N_
from taktsight.quality.certificate import Certificate
from taktsight.quality.drift_records import suspended_reason
from taktsight.quality.standing import found_in, standing
from taktsight.recipe import Recipe

KINDS = {"VALID": "good", "TIGHTENED": "warn", "SUSPENDED": "warn", "VOID": "bad", "INVALID": "bad"}
"""How a state looks; it is written besides."""
SAID = {
    "VALID": N_("Everything is as certified."),
    "TIGHTENED": N_("A limit is stricter than certified: the claims about escapes stand."),
    "VOID": N_("A limit is looser than certified: the claims about escapes are void."),
    "INVALID": N_("Something is another one than was certified: nothing was certified for this."),
    "SUSPENDED": N_("It may not be believed for now."),
}
NO_BUNDLE = N_("The bundle is not at hand: start the bench with --bundle to see its certificate.")
NO_CERTIFICATE = N_("The bundle has no certificate: nothing was certified of it.")
NO_RECIPE = N_("The recipe that judged is not at hand: start the bench with --recipe to see what holds.")


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate, and what of it holds."""

    certificate: Certificate | None
    state: str
    """VALID, TIGHTENED, VOID, INVALID or SUSPENDED; empty where it cannot be said."""
    claims: tuple[str, ...] = ()
    """Kinds of claims that still hold."""
    reasons: tuple[str, ...] = ()
    said: str = ""
    """A sentence to translate."""

    @property
    def kind(self) -> str:
        """How it looks."""
        return KINDS.get(self.state, "")


def recipe_of(at_hand: BundleAtHand, digest: str, views: Sequence[str] = ()) -> Recipe | None:
    """The recipe of this digest: of the files that were named, or the card's own; None where it is none.

    Args:
        at_hand: a bundle.
        digest: of the recipe, as the ledger has it.
        views: of the part, as the station calls its cameras.
    """
    card = at_hand.bundle.card
    own = [card.own_recipe(), card.own_recipe(*card.views), *([card.own_recipe(*views)] if views else [])]
    for recipe in own:
        if recipe.digest == digest:
            return recipe
    for file in at_hand.recipe_files:
        try:
            recipe, _ = read_recipe(file, card.canvas.channels)
        except ConfigError:  # gone or changed since the bench began: it is not the one
            continue
        if recipe.digest == digest:
            return recipe
    return None


def certified(
    at_hand: BundleAtHand | None, recipe: Recipe | None, records: Path, station: str = "", engine: str = ""
) -> Certified:
    """What holds of a bundle's certificate under a recipe.

    Args:
        at_hand: the bundle; None where the bench does not have it.
        recipe: that parts are judged by; None where the bench does not have it.
        records: where drift of the station's parts is on record.
        station: name that the run was armed under; "" where nobody knows.
        engine: that ran it, as cards name it; "" where nobody knows, and then it is not looked at.
    """
    if at_hand is None:
        return Certified(None, "", said=NO_BUNDLE)
    certificate = at_hand.bundle.certificate
    if certificate is None:
        return Certified(None, "", said=NO_CERTIFICATE)
    if recipe is None:
        return Certified(certificate, "", said=NO_RECIPE)
    ran = engine or certificate.engine
    precision = [*ran.split(":"), "f32"][1]
    found = replace(
        found_in(at_hand.bundle, recipe, ran, precision),
        station_name=station or None,
        suspended=suspended_reason(records, bundle=at_hand.bundle.digest),
    )
    now = standing(certificate, found)
    return Certified(certificate, now.state, now.claims, now.reasons, SAID[now.state])
