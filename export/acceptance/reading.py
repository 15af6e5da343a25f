"""Reads everything that a report is made of, each thing with its digest."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from taktsight.bundle import Bundle, read_bundle
from taktsight.defect_book import load_book
from taktsight.errors import ConfigError
from taktsight.export.acceptance.criteria import Criteria, read_criteria
from taktsight.export.acceptance.document import Standing
from taktsight.export.acceptance.given import Given
from taktsight.export.acceptance.ledger_figures import read_recorded
from taktsight.export.acceptance.measured_parts import (
    Limits,
    Measured,
    judged_images,
    read_evaluated_parts,
    read_table_of_parts,
    with_sizes,
)
from taktsight.export.acceptance.reading_studies import read_studies
from taktsight.export.acceptance.sections import audit_section
from taktsight.export.acceptance.sources import Sources
from taktsight.quality.certificate import Certificate
from taktsight.quality.drift_records import FOLDER as DRIFT
from taktsight.quality.drift_records import suspensions
from taktsight.quality.standing import found_in, standing
from taktsight.recipe import Recipe
from taktsight.records import Image

REFERENCE_ENGINE = "onnxruntime:f32"


def read_given(arguments: argparse.Namespace) -> Given:
    """Everything that the arguments name.

    Raises:
        TaktsightError: If a file cannot be used, naming what is wrong in it.
    """
    sources = Sources()
    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    marker = sources.add("the bundle", arguments.bundle.name, bundle.digest)
    recipe, references, limits_from = _recipe(arguments, bundle, sources)
    limits = {limit.label: limit for limit in recipe.limits}
    measured = _measured(arguments, bundle, recipe, references, limits, sources)
    given = Given(
        arguments.bundle,
        bundle,
        marker,
        recipe,
        limits,
        limits_from,
        measured,
        sources,
        date=arguments.date or "",
        population=arguments.population,
        per=arguments.per,
    )
    _read_agreed(arguments, given)
    _read_line(arguments, given)
    given.standing = _standing(arguments, given)
    read_studies(arguments, given)
    return given


def _recipe(
    arguments: argparse.Namespace, bundle: Bundle, sources: Sources
) -> tuple[Recipe, dict[str, Image], str]:
    """The recipe whose limits judge, its golden templates, and where the limits come from."""
    from taktsight.inspect.references import read_recipe
    from taktsight.recipe import check_fit

    card = bundle.card
    if arguments.recipe is not None:
        recipe, references = read_recipe(arguments.recipe, card.canvas.channels)
        if recipe.product != card.name:
            raise ConfigError(
                f"{arguments.recipe}: is for {recipe.product!r}, the bundle is of {card.name!r}"
            )
        check_fit(
            recipe, card.labels, located=card.located, paired=card.canvas.paired, views=len(card.views)
        )
        sources.add_file("the recipe", arguments.recipe)
        return recipe, references, f"the recipe {arguments.recipe.name}"
    own = card.own_recipe()
    if bundle.certificate is not None:
        return own.model_copy(update={"limits": bundle.certificate.limits}), {}, "the certificate"
    return own, {}, "the bundle's card"


def _measured(
    arguments: argparse.Namespace,
    bundle: Bundle,
    recipe: Recipe,
    references: dict[str, Image],
    limits: Limits,
    sources: Sources,
) -> Measured:
    root: Path = arguments.root
    if arguments.layout is not None:
        return _images(arguments, bundle, recipe, references, limits, sources)
    if root.is_dir() or root.suffix == ".json":
        measured = read_evaluated_parts(root, bundle, limits, sources)
        parts = with_sizes(measured.parts, measured.targets)
        return replace(measured, parts=parts, looks=parts)
    return read_table_of_parts(root, bundle, limits, sources, arguments.ignore_column)


def _images(
    arguments: argparse.Namespace,
    bundle: Bundle,
    recipe: Recipe,
    references: dict[str, Image],
    limits: Limits,
    sources: Sources,
) -> Measured:
    from taktsight.datasets.commands.source import source_of
    from taktsight.export.labelled_images import judge_images
    from taktsight.inspect.backends.backend import open_backend
    from taktsight.inspect.engines import engine_named
    from taktsight.inspect.inspector import Inspector

    engine = engine_named(arguments.engine or _certified_engine(bundle))
    inspector = Inspector(
        open_backend(engine, bundle.models), bundle.card, recipe, bundle.digest, references
    )
    samples = source_of(arguments).read()
    name = arguments.root.resolve().name
    judged = judge_images(samples, name, inspector, bundle.card.labels, bundle.card.canvas)
    measured = judged_images(judged.parts, judged.evidence, limits, sources)
    return replace(measured, warnings=judged.warnings)


def _certified_engine(bundle: Bundle) -> str:
    return bundle.certificate.engine if bundle.certificate is not None else REFERENCE_ENGINE


def _read_agreed(arguments: argparse.Namespace, given: Given) -> None:
    """Criteria, defect book, station."""
    if arguments.criteria is not None:
        given.criteria = read_criteria(arguments.criteria)
        given.sources.add_file("the agreed criteria", arguments.criteria)
        _check_criteria(arguments.criteria, given.criteria, given.bundle)
    else:
        given.not_shown["criteria"] = "no file of criteria was given (--criteria)"
    given.catalogue = given.bundle.card.described
    given.catalogue_source = given.source if given.catalogue else None
    if arguments.book is not None:
        book = load_book(arguments.book)
        given.catalogue = book.described(given.bundle.card.labels)
        given.catalogue_source = given.sources.add_file("the defect book", arguments.book)
    if arguments.station is not None:
        from taktsight.inspect.certified import cameras_digest
        from taktsight.inspect.config import load_station

        station = load_station(arguments.station)
        given.station = (station.name, cameras_digest(station))
        given.sources.add_file("the station", arguments.station)


def _check_criteria(path: Path, criteria: Criteria, bundle: Bundle) -> None:
    strange = sorted(set(criteria.escape_rate_of) - set(bundle.card.labels))
    if strange:
        labels = ", ".join(bundle.card.labels)
        raise ConfigError(f"{path}: escape_rate_of names {strange[0]}, the bundle's labels are {labels}")


def _read_line(arguments: argparse.Namespace, given: Given) -> None:
    """The ledger, drift beside it, and audits."""
    if arguments.records is None:
        given.not_shown["drift"] = "no ledger was given (--records), and drift is watched beside one"
    else:
        given.recorded = read_recorded(arguments.records, arguments.run, given.sources)
        if (arguments.records / DRIFT).is_dir():
            given.drift = tuple(each.reason for each in suspensions(arguments.records))
            given.drift_source = given.recorded.source
        else:
            given.not_shown["drift"] = "drift was not watched beside this ledger (taktsight drift)"
    if arguments.spc_limits is not None:
        from taktsight.quality.spc_limits import read_limits

        given.frozen = read_limits(arguments.spc_limits)
        given.sources.add_file("frozen limits", arguments.spc_limits)
    if arguments.audit is not None:
        _read_audit(arguments, given)


def _read_audit(arguments: argparse.Namespace, given: Given) -> None:
    from taktsight.quality.audit_estimate import estimate
    from taktsight.quality.audit_file import read_audit, read_flagged

    strata = read_audit(arguments.audit)
    audited = sum(each.audited for each in strata)
    markers = [given.sources.add_file("audited parts", arguments.audit, rows=audited)]
    flagged = None
    if arguments.flagged_list is not None:
        flagged = read_flagged(arguments.flagged_list, None)
        markers.append(given.sources.add_file("flagged parts", arguments.flagged_list, rows=flagged.parts))
    figures = estimate(strata, flagged, given.criteria.confidence)
    given.audit = (audit_section(figures, len(strata), markers), figures)


def _standing(arguments: argparse.Namespace, given: Given) -> Standing | None:
    """What of the certificate holds for the bundle, the recipe, the station and the parts as they are."""
    certificate = given.bundle.certificate
    if certificate is None:
        return None
    from taktsight.inspect.backends.backend import engine_name
    from taktsight.inspect.engines import engine_named

    engine = engine_named(arguments.engine or certificate.engine)
    found = found_in(given.bundle, given.recipe, engine_name(engine), engine.precision)
    name, same = _evidence(arguments, given, certificate)
    if given.station is not None:
        found = replace(found, station_name=given.station[0], cameras=given.station[1])
    found = replace(
        found,
        data={name: given.measured.sha256} if name else {},
        suspended="; ".join(given.drift) or None,
    )
    now = standing(certificate, found)
    marker = given.sources.add(
        "the certificate in the bundle",
        "certificate.json",
        certificate.digest,
        digest_of="its canonical bytes",
    )
    return Standing(
        certificate=certificate,
        sha256=certificate.digest,
        state=now.state,
        reasons=now.reasons,
        same_parts=same,
        source=marker,
    )


def _evidence(arguments: argparse.Namespace, given: Given, certificate: Certificate) -> tuple[str, bool]:
    """The name of the certificate's data that lies here, and whether it is what was certified on."""
    name = arguments.root.resolve().name
    known = {each.name for each in certificate.data}
    same = given.measured.sha256 in {each.sha256 for each in certificate.data}
    return (name if name in known else ""), same
