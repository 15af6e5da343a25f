"""Certify limits: at most so many defective parts pass, at most so many good parts are held up.

    taktsight certify flange.taktsight parts.csv --population "line 3, March" --into certified.taktsight
    taktsight certify flange.taktsight shift/ --layout mask_folder --population "lots 40 to 79" --into …
    taktsight certify flange.taktsight parts.csv --limits recipe.yaml --chosen-on other.csv …

PARTS is a CSV with a row for each part (columns part, truth, score:LABEL for each label of the bundle, lot
where it is known), or a folder of labelled images that the bundle judges here, laid out as for
'taktsight data check'. They must be a random sample of the parts to come, and neither the network nor the
person who built it may have seen them. With --trained-on it is compared with the version of the reviewed
data set that the bundle's card names: no part of it may certify.

Limits are chosen and certified on the same parts by fixed-sequence Learn-then-Test, which is allowed
because it corrects for the choice. With --limits a recipe's own limits are tested instead, which is allowed
where they were chosen on other parts: name those with --chosen-on.

Exit status: 0 certified, 1 the parts or the bundle cannot be used, 2 wrong arguments, 3 INFEASIBLE: these
parts cannot show it, and what is missing is said.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.bundle import Bundle, read_bundle, write_bundle
from taktsight.datasets.commands.source import add_source, add_splits, source_of
from taktsight.errors import ConfigError, DataError
from taktsight.export.recipe_file import recipe_text
from taktsight.quality.commands.certificate_tables import certificate_tables, missing_tables
from taktsight.quality.commands.output import INFEASIBLE, add_output, tell, write_whole
from taktsight.quality.commands.plan import delta_of, share

if TYPE_CHECKING:
    from taktsight.inspect.config import Engine
    from taktsight.quality.certificate import Certificate, Evidence, Place
    from taktsight.quality.claims import Wanted
    from taktsight.quality.learn_then_test import Thresholds
    from taktsight.quality.parts import Parts
    from taktsight.recipe import Recipe
    from taktsight.records import Image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_source(parser, root="PARTS", needs_layout=False)
    add_splits(parser)
    parser.add_argument("--ignore-column", action="append", default=[], metavar="NAME")
    _add_claims(parser)
    parser.add_argument(
        "--trained-on",
        type=Path,
        metavar="VERSION",
        help="version of the data set that the card names: no part of it may certify",
    )
    parser.add_argument("--recipe", type=Path, help="views and areas that hold at the line (the card's)")
    parser.add_argument("--limits", type=Path, metavar="RECIPE.yaml", help="test these limits, choose none")
    parser.add_argument(
        "--chosen-on", type=Path, metavar="PARTS.csv", help="the parts that --limits were chosen on"
    )
    parser.add_argument("--engine", default="onnxruntime:f32", metavar="NAME", help="that gives the scores")
    parser.add_argument("--station", type=Path, metavar="STATION.yaml", help="where the parts came from")
    parser.add_argument("--population", required=True, metavar="TEXT", help="what they are a sample of")
    parser.add_argument(
        "--allowed-key", type=Path, action="append", default=[], help="must have signed BUNDLE"
    )
    parser.add_argument("--into", type=Path, metavar="FILE.taktsight", help="the bundle with it")
    parser.add_argument("--key", type=Path, help="PEM file of a P-256 private key that signs --into")
    parser.add_argument("--write-recipe", type=Path, metavar="FILE.yaml", help="a recipe with the limits")
    add_output(parser)


def _add_claims(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--escape", type=share, default=0.01, metavar="RATE", help="at most (1%%)")
    parser.add_argument("--overkill", type=share, default=0.05, metavar="RATE", help="at most (5%%)")
    parser.add_argument("--confidence", type=share, default=0.95, help="of the claims about escapes (0.95)")
    parser.add_argument(
        "--overkill-confidence", type=share, default=0.95, help="of the claim about good parts (0.95)"
    )
    parser.add_argument(
        "--by",
        choices=("label", "part"),
        default="label",
        help="bound each label's escapes, or all as one",
    )
    parser.add_argument(
        "--unit", choices=("part", "lot"), default="part", help="what is independent of each other"
    )


def main(arguments: argparse.Namespace) -> int:
    """0 certified, 3 INFEASIBLE."""
    from taktsight.inspect.backends.backend import engine_name
    from taktsight.inspect.engines import engine_named
    from taktsight.quality.certifying import certify
    from taktsight.quality.issuing import Subject, certified_recipe, issue

    wanted = _wanted(arguments)
    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    engine = engine_named(arguments.engine)
    recipe, references = _recipe(arguments, bundle)
    parts, evidence, warnings = _parts(arguments, bundle, engine, recipe, references)
    given = _given(arguments, bundle, recipe, parts, evidence)
    certified = certify(parts, wanted, given)
    if certified.missing:
        figures = {"state": "INFEASIBLE", "data": evidence, "wanted": wanted, "missing": certified.missing}
        tell(arguments, figures, missing_tables(certified))
        return INFEASIBLE
    subject = Subject(
        bundle,
        recipe,
        engine_name(engine),
        engine.precision,
        (evidence,),
        arguments.population,
        datetime.now(timezone.utc).date(),
        _station(arguments.station),
        warnings,
    )
    certificate = issue(certified, subject, wanted)
    tell(arguments, {"state": "VALID", "certificate": certificate}, certificate_tables(certificate))
    _write(arguments, bundle, certificate, certified_recipe(certified, subject, wanted))
    return 0


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from taktsight.quality.claims import Wanted

    for name in ("escape", "overkill"):
        if not 0 < getattr(arguments, name) < 1:
            raise ConfigError(f"--{name} lies between 0 and 1, got {getattr(arguments, name):g}")
    return Wanted(
        arguments.escape,
        arguments.overkill,
        delta_of(arguments.confidence),
        delta_of(arguments.overkill_confidence),
        arguments.by,
        arguments.unit,
    )


def _recipe(arguments: argparse.Namespace, bundle: Bundle) -> tuple[Recipe, dict[str, Image]]:
    """The recipe that judges, with its golden templates."""
    from taktsight.inspect.references import read_recipe
    from taktsight.recipe import check_fit

    card, named = bundle.card, arguments.limits or arguments.recipe
    if arguments.limits and arguments.recipe:
        raise ConfigError("--limits is a recipe and holds the views too: leave out --recipe")
    if named is None:
        return card.own_recipe(), {}
    recipe, references = read_recipe(named, card.canvas.channels)
    if recipe.product != card.name:
        raise ConfigError(f"{named}: is for {recipe.product!r}, the bundle is of {card.name!r}")
    check_fit(recipe, card.labels, located=card.located, paired=card.canvas.paired, views=len(card.views))
    return recipe, references


def _parts(
    arguments: argparse.Namespace,
    bundle: Bundle,
    engine: Engine,
    recipe: Recipe,
    references: dict[str, Image],
) -> tuple[Parts, Evidence, tuple[str, ...]]:
    if arguments.root.is_dir():
        return _judged(arguments, bundle, engine, recipe, references)
    from taktsight.quality.certificate import Evidence
    from taktsight.quality.parts_file import file_digest, read_parts

    areas = [limit.label for limit in recipe.limits if limit.max_area_mm2]
    if areas:
        raise ConfigError(
            f"{arguments.root}: a table has scores and no areas, and {areas[0]} tolerates an area: certify "
            "on images, or with a --recipe whose max_area_mm2 are 0"
        )
    parts = read_parts(arguments.root, ignored=arguments.ignore_column)
    if set(parts.labels) != set(bundle.card.labels):
        scored, labels = ", ".join(parts.labels) or "nothing", ", ".join(bundle.card.labels)
        raise DataError(f"{arguments.root}: scores {scored}, and the bundle's labels are {labels}")
    from taktsight.export.trained_on import check_unseen_names

    warnings = check_unseen_names(bundle.card, parts.part.names, arguments.trained_on)
    evidence = Evidence(
        name=arguments.root.name, kind="table", sha256=file_digest(arguments.root), rows=len(parts)
    )
    return parts, evidence, warnings


def _judged(
    arguments: argparse.Namespace,
    bundle: Bundle,
    engine: Engine,
    recipe: Recipe,
    references: dict[str, Image],
) -> tuple[Parts, Evidence, tuple[str, ...]]:
    from taktsight.export.labelled_images import judge_images
    from taktsight.export.trained_on import check_unseen_images
    from taktsight.inspect.backends.backend import open_backend
    from taktsight.inspect.inspector import Inspector

    if arguments.layout is None:
        raise ConfigError("--layout says how the images are labelled, as for 'taktsight data check'")
    card = bundle.card
    backend = open_backend(engine, bundle.models)
    inspector = Inspector(backend, card, recipe, bundle.digest, references)
    samples = source_of(arguments).read()
    warnings = check_unseen_images(card, samples, arguments.root, arguments.trained_on)
    name = arguments.root.resolve().name
    judged = judge_images(samples, name, inspector, card.labels, card.canvas)
    return judged.parts, judged.evidence, (*judged.warnings, *warnings)


def _given(
    arguments: argparse.Namespace, bundle: Bundle, recipe: Recipe, parts: Parts, evidence: Evidence
) -> Thresholds | None:
    """The limits to test; None where they are chosen here."""
    if arguments.limits is None:
        if arguments.chosen_on is not None:
            raise ConfigError("--chosen-on is about --limits, and limits are chosen here: leave it out")
        return None
    from taktsight.quality.learn_then_test import Thresholds
    from taktsight.quality.refusals import check_chosen_elsewhere

    check_chosen_elsewhere(arguments.chosen_on, parts, evidence, bundle.certificate)
    limits = {limit.label: limit for limit in recipe.limits}
    return Thresholds(
        tuple(limits[label].review_score for label in parts.labels),
        tuple(limits[label].reject_score for label in parts.labels),
    )


def _station(file: Path | None) -> Place | None:
    if file is None:
        return None
    from taktsight.inspect.certified import cameras_digest
    from taktsight.inspect.config import load_station
    from taktsight.quality.certificate import Place

    station = load_station(file)
    return Place(name=station.name, cameras=cameras_digest(station))


def _write(arguments: argparse.Namespace, bundle: Bundle, certificate: Certificate, recipe: Recipe) -> None:
    say = (lambda _: None) if arguments.json else print
    if arguments.write_recipe is not None:
        source = arguments.limits or arguments.recipe
        write_whole(arguments.write_recipe, recipe_text(recipe, source, arguments.write_recipe).encode())
        say(f"wrote {arguments.write_recipe}: judge by it, or the certificate does not hold")
    if arguments.into is None:
        return
    digest = write_bundle(
        arguments.into,
        bundle.card,
        bundle.model,
        bundle.golden,
        key=arguments.key,
        precisions=bundle.precisions,
        certificate=certificate,
    )
    signed = "signed" if arguments.key else "unsigned: a station with allowed_keys wants --key"
    say(f"wrote {arguments.into}, {signed}, digest {digest[:16]}…, certificate {certificate.digest[:16]}…")
