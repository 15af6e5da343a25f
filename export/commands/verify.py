"""Verify a bundle: every byte, the signature, and the golden samples on this machine's engines.

    taktsight verify tile.taktsight
    taktsight verify tile.taktsight --allowed-key plant.pub --engine openvino:int8
    taktsight verify tile.taktsight --run runs/tile --report parity

Golden samples are replayed on every engine that the bundle was proved on and that this machine runs, or on
those that are named: on one at least. With --run these engines judge the run's test parts beside the
trained network once more.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.bundle import Bundle, check_expiry, read_bundle
from taktsight.errors import BackendError, BundleError, ConfigError

if TYPE_CHECKING:
    from taktsight.inspect.backends.backend import Backend


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle")
    parser.add_argument(
        "--allowed-key",
        type=Path,
        action="append",
        default=[],
        help="file of PEM public keys, of which one must have signed",
    )
    parser.add_argument(
        "--engine", action="append", default=[], metavar="NAME", help="only on these, such as openvino:bf16"
    )
    parser.add_argument("--run", type=Path, help="compare with this trained run on its test parts")
    parser.add_argument("--parity-parts", type=int, default=200, help="test parts to compare on (200)")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="with --run: write parity.html and parity.json"
    )


def main(arguments: argparse.Namespace) -> int:
    """0 when the bundle is what was written and answers as its card says."""
    if arguments.report and arguments.run is None:
        raise ConfigError("--report shows how engines answer beside a trained run: name it with --run")
    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    check_expiry(bundle.card, datetime.now(timezone.utc).date(), str(arguments.bundle))
    print(f"digest     {bundle.digest}")
    signature = f"by key {bundle.signed_by[:16]}…" if bundle.signed_by else "not checked: no --allowed-key"
    print(f"signature  {signature}")
    card = bundle.card
    print(f"version    {card.version}, {f'last day {card.expires}' if card.expires else 'without expiry'}")
    engines = _replayed(arguments.bundle, bundle, arguments.engine)
    _print_card(bundle)
    _print_certificate(bundle)
    if arguments.run is not None:
        _compare(arguments, bundle, engines)
    return 0


def _replayed(path: Path, bundle: Bundle, asked: Sequence[str]) -> list[str]:
    """The engines that judged the golden samples as the card says: those asked for, or else the card's."""
    from taktsight.inspect.backends.backend import open_backend
    from taktsight.inspect.engines import engine_named, proper_names

    replayed = []
    for engine in proper_names(asked) or [parity.engine for parity in bundle.card.parity]:
        backend = open_backend(engine_named(engine), bundle.models) if asked else _here(bundle, engine)
        if backend is not None:
            _replay_golden(path, bundle, engine, backend)
            replayed.append(engine)
    if not replayed:
        raise BundleError(
            f"{path}: no engine that it was proved on runs on this machine, so no golden sample was judged "
            "here: verify it where one runs, or name an engine of this machine with --engine"
        )
    return replayed


def _here(bundle: Bundle, engine: str) -> Backend | None:
    """An engine of the card, or None where this machine does not run it, which is said."""
    from taktsight.inspect.backends.backend import model_for, open_backend
    from taktsight.inspect.engines import engine_named, installed

    model_for(engine_named(engine), bundle.models)  # where that is missing, no machine is to blame
    why = "it is not installed on this machine"
    if installed(engine):
        try:
            return open_backend(engine_named(engine), bundle.models)
        except BackendError as error:
            why = str(error)
    print(f"golden     {engine} is left out: {why}")
    return None


def _replay_golden(path: Path, bundle: Bundle, engine: str, backend: Backend) -> None:
    from taktsight.inspect.inspector import golden_mistakes

    mistakes = golden_mistakes(backend, bundle, engine)
    if mistakes:
        raise BundleError(f"{path}: golden samples differ here on {engine}: {'; '.join(mistakes)}")
    print(f"golden     {len(bundle.golden)} of {len(bundle.golden)} as the card says, {engine}")


def _print_card(bundle: Bundle) -> None:
    card, point = bundle.card, bundle.card.operating_point
    canvas = card.canvas
    print(f"model      {card.name}: {card.task} of {', '.join(card.labels)}")
    for entry in card.described:
        print(f"label      {entry.name}, {entry.severity}: {entry.description}")
    print(
        f"canvas     {canvas.width}×{canvas.height}×{canvas.channels}, frames down-scaled by "
        f"{canvas.factor}, {card.mm_per_px or 'unknown'} mm per px"
    )
    print(
        f"measured   on {point.measured_on}: {point.escapes} of {point.defective} defective parts escaped "
        f"(≤ {point.escape_upper:.2%}), {point.overkills} of {point.good} good parts held up "
        f"(≤ {point.overkill_upper:.2%})"
    )
    for parity in card.parity:
        print(f"parity     {parity.engine} against {parity.reference}: {parity.flips} flips")
    print("\n".join(card.origin.training.in_words()))


def _print_certificate(bundle: Bundle) -> None:
    """What it certifies, and what of that holds where the card's own limits judge."""
    certificate = bundle.certificate
    if certificate is None:
        print("certified  nothing: 'taktsight certify' bounds escapes and overkill")
        return
    from taktsight.inspect.engines import engine_named
    from taktsight.quality.standing import found_in, standing

    for claim in certificate.claims:
        shown = f"{claim.events} of {claim.units} {certificate.unit}s, {1 - claim.delta:.2%} confidence"
        print(f"certified  {claim.subject} at most {100 * claim.alpha:.4g} %: {shown}")
    precision = engine_named(certificate.engine).precision
    own = found_in(bundle, bundle.card.own_recipe(), certificate.engine, precision)
    print(
        f"certified  for {certificate.population}; {certificate.issued}, digest {certificate.digest[:16]}…"
    )
    print(f"certified  with the card's own limits it is {standing(certificate, own)}")


def _compare(arguments: argparse.Namespace, bundle: Bundle, engines: Sequence[str]) -> None:
    from taktsight.export.build import spread
    from taktsight.export.gate import explainer, open_inspectors, prove_all
    from taktsight.export.parity import compare
    from taktsight.export.parity_report import write_parity
    from taktsight.training.run_folder import open_run

    run, card = open_run(arguments.run), bundle.card
    if run.weights_digest != card.origin.weights:
        raise BundleError(
            f"{arguments.bundle}: was not exported from {arguments.run}, or it was trained again"
        )
    samples = spread(run.data.split("test"), arguments.parity_parts)
    compared = compare(run, open_inspectors(engines, bundle.models, card), samples)
    if arguments.report:
        print(f"report     {write_parity(arguments.report, compared, card, card.flip_limit)}")
    explain = explainer(run.module.network, bundle.models, card.canvas)
    for parity in prove_all(compared, card.flip_limit, "now", explain):
        print(
            f"parity now {parity.engine}: {parity.flips} of {parity.parts} flipped, "
            f"maps ≤ {parity.max_map_difference:.1e} apart"
        )
