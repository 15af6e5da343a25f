"""Verify a bundle: every byte, the signature, and the golden samples on this machine's engine.

    taktsight verify tile.taktsight
    taktsight verify tile.taktsight --allowed-key plant.pub --run runs/tile

With --run the exported model judges the run's test parts beside the trained one once more.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from taktsight.bundle import Bundle, check_expiry, read_bundle
from taktsight.errors import BundleError


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
    parser.add_argument("--run", type=Path, help="compare with this trained run on its test parts")
    parser.add_argument("--parity-parts", type=int, default=200, help="test parts to compare on (200)")


def main(arguments: argparse.Namespace) -> int:
    """0 when the bundle is what was written and answers as its card says."""
    from taktsight.inspect.backends.ort import OnnxRuntimeBackend
    from taktsight.inspect.inspector import golden_mistakes

    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    check_expiry(bundle.card, datetime.now(timezone.utc).date(), str(arguments.bundle))
    print(f"digest     {bundle.digest}")
    signature = f"by key {bundle.signed_by[:16]}…" if bundle.signed_by else "not checked: no --allowed-key"
    print(f"signature  {signature}")
    card = bundle.card
    print(f"version    {card.version}, {f'last day {card.expires}' if card.expires else 'without expiry'}")
    backend = OnnxRuntimeBackend(bundle.model)
    mistakes = golden_mistakes(backend, bundle)
    if mistakes:
        raise BundleError(f"{arguments.bundle}: golden samples differ here: {'; '.join(mistakes)}")
    print(
        f"golden     {len(bundle.golden)} of {len(bundle.golden)} as the card says, ONNX Runtime on the CPU"
    )
    _print_card(bundle)
    if arguments.run is not None:
        _print_parity(arguments, bundle, backend)
    return 0


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
    print(f"parity     {card.parity.reference}: {card.parity.flips} flips")
    print("\n".join(card.origin.training.in_words()))


def _print_parity(arguments: argparse.Namespace, bundle: Bundle, backend: object) -> None:
    from taktsight.export.build import spread
    from taktsight.export.parity import compare, prove
    from taktsight.inspect.backends.ort import OnnxRuntimeBackend
    from taktsight.inspect.inspector import Inspector
    from taktsight.training.run_folder import open_run

    assert isinstance(backend, OnnxRuntimeBackend)
    run = open_run(arguments.run)
    if run.weights_digest != bundle.card.origin.training.weights:
        raise BundleError(
            f"{arguments.bundle}: was not exported from {arguments.run}, or it was trained again"
        )
    inspector = Inspector(backend, bundle.card, bundle.card.own_recipe())
    samples = spread(run.data.split("test"), arguments.parity_parts)
    parity = prove(compare(run, inspector, samples), "now")
    print(
        f"parity now {parity.flips} of {parity.parts} flipped, maps ≤ {parity.max_map_difference:.1e} apart"
    )
