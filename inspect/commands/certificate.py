"""Show a bundle's certificate, and whether it still holds for what is here.

    taktsight certificate show flange.taktsight
    taktsight certificate check flange.taktsight --recipe recipe.yaml --data parts.csv
    taktsight certificate check flange.taktsight --station configs/stations/flange.yaml

VALID       everything is as certified
TIGHTENED   a limit is stricter: the claims about escapes stand, the one about good parts is void
VOID        a limit is looser: the claims about escapes are void
INVALID     a digest differs: nothing was certified for this

Exit status: 0 VALID or shown, 1 VOID, INVALID or no certificate, 2 wrong arguments, 3 TIGHTENED.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from taktsight.bundle import Bundle, read_bundle
from taktsight.errors import BundleError, ConfigError
from taktsight.quality.certificate import Certificate
from taktsight.quality.commands.certificate_tables import certificate_tables
from taktsight.quality.commands.output import add_output, tell
from taktsight.quality.drift_records import suspended_reason
from taktsight.quality.parts_file import file_digest
from taktsight.quality.standing import Found, State, found_in, standing

STATUS: dict[State, int] = {"VALID": 0, "TIGHTENED": 3, "VOID": 1, "INVALID": 1, "SUSPENDED": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("action", choices=("show", "check"))
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--recipe", type=Path, help="the limits that judge (the card's own)")
    parser.add_argument("--data", type=Path, action="append", default=[], help="a table of its data")
    parser.add_argument("--station", type=Path, metavar="STATION.yaml", help="the station that runs it")
    parser.add_argument("--engine", metavar="NAME", help="the engine that runs it (as certified)")
    parser.add_argument(
        "--records", type=Path, help="where drift of its parts is on record (as the station says)"
    )
    parser.add_argument("--suspended", metavar="WHY", help="why it may not be believed for now")
    parser.add_argument("--allowed-key", type=Path, action="append", default=[], help="of its signer")
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    """0 where it holds."""
    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    certificate = bundle.certificate
    if certificate is None:
        raise BundleError(f"{arguments.bundle}: has no certificate; 'taktsight certify' gives it one")
    if arguments.action == "show":
        tell(arguments, certificate, certificate_tables(certificate))
        return 0
    now = standing(certificate, _found(arguments, bundle, certificate))
    looked = f"{certificate.product}, certified on {certificate.issued} for {certificate.population}"
    tell(arguments, {"certificate": certificate.digest} | _said(now), [looked, str(now)])
    return STATUS[now.state]


def _said(now: object) -> dict[str, object]:
    return {name: getattr(now, name) for name in ("state", "claims", "reasons")}


def _found(arguments: argparse.Namespace, bundle: Bundle, certificate: Certificate) -> Found:
    data = {file.name: file_digest(file) for file in arguments.data}
    _check_data(data, certificate)
    found = _at_station(arguments) if arguments.station else _here(arguments, bundle, certificate)
    drifted = suspended_reason(arguments.records) if arguments.records else None
    suspended = "; ".join(why for why in (arguments.suspended, drifted or found.suspended) if why)
    return replace(found, data=data, suspended=suspended or None)


def _check_data(data: dict[str, str], certificate: Certificate) -> None:
    known = [each.name for each in certificate.data]
    strange: Sequence[str] = sorted(set(data) - set(known))
    if strange:
        raise ConfigError(f"--data {strange[0]}: it was certified on {', '.join(known)}")


def _at_station(arguments: argparse.Namespace) -> Found:
    from taktsight.inspect.certified import found_at
    from taktsight.inspect.config import load_station
    from taktsight.inspect.fit import read_setup

    station = load_station(arguments.station)
    if station.bundle.resolve() != arguments.bundle.resolve():
        raise ConfigError(f"{arguments.station}: runs {station.bundle}, not {arguments.bundle}")
    setup = read_setup(station, datetime.now(timezone.utc).date())
    return found_at(station, setup)


def _here(arguments: argparse.Namespace, bundle: Bundle, certificate: Certificate) -> Found:
    from taktsight.inspect.backends.backend import engine_name
    from taktsight.inspect.engines import engine_named
    from taktsight.inspect.references import read_recipe

    engine = engine_named(arguments.engine or certificate.engine)
    recipe = bundle.card.own_recipe()
    if arguments.recipe is not None:
        recipe, _ = read_recipe(arguments.recipe, bundle.card.canvas.channels)
    return found_in(bundle, recipe, engine_name(engine), engine.precision)
