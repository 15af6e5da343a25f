"""Write a trained and evaluated run as one bundle, after proving that it answers the same.

    taktsight export runs/tile --out tile.taktsight
    taktsight export runs/tile --out tile.taktsight --key plant.key --bundle-version 2
    taktsight export runs/tile --out tile.taktsight --engine openvino:bf16 --engine openvino:int8

The exported model judges real test parts beside the trained one, on ONNX Runtime in float32 and on every
engine that is named (onnxruntime or openvino, a colon, f32, bf16 or int8). A line runs what was
proved only. One flipped verdict, and nothing is written; --flip-limit allows some where the precision is
not float32. Make a key with 'taktsight keys new plant'. A station takes no lower version than it has run.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from taktsight.errors import ConfigError

MAX_FLIP_LIMIT = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained and evaluated run")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.taktsight", help="the bundle")
    parser.add_argument("--key", type=Path, help="PEM file of a P-256 private key that signs the bundle")
    parser.add_argument(
        "--parity-parts", type=int, default=200, help="test parts that both models judge (200)"
    )
    parser.add_argument(
        "--engine", action="append", default=[], metavar="NAME", help="prove it on this engine too; repeat"
    )
    parser.add_argument(
        "--flip-limit",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of verdicts that may flip where the precision is not f32, such as 0.003 (0)",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="write parity.html and parity.json, also on a refusal"
    )
    parser.add_argument(
        "--bundle-version", type=int, default=1, metavar="N", help="higher than the one it replaces (1)"
    )
    parser.add_argument(
        "--expires", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day a line may start with it"
    )


def main(arguments: argparse.Namespace) -> int:
    """Exports; 0 when the bundle is on the disk."""
    if arguments.parity_parts < 1:
        raise ConfigError("--parity-parts must be at least 1: a bundle is proved on real parts")
    if not 0 <= arguments.flip_limit <= MAX_FLIP_LIMIT:
        raise ConfigError(f"--flip-limit is a share of parts, 0 to {MAX_FLIP_LIMIT}")
    if arguments.bundle_version < 1:
        raise ConfigError("--bundle-version must be at least 1")
    from taktsight.export.build import Asked, build_bundle
    from taktsight.inspect.engines import REFERENCE
    from taktsight.training.allocator import keep_freed_memory
    from taktsight.training.run_folder import open_run

    keep_freed_memory()
    asked = Asked(
        engines=(REFERENCE, *arguments.engine),
        flip_limit=arguments.flip_limit,
        parity_parts=arguments.parity_parts,
        key=arguments.key,
        version=arguments.bundle_version,
        expires=arguments.expires,
        report=arguments.report,
    )
    card, digest = build_bundle(open_run(arguments.run), arguments.out, asked)
    for parity in card.parity:
        print(parity)
    if arguments.report:
        print(f"parity: {arguments.report / 'parity.html'}")
    print(
        f"wrote {arguments.out} ({arguments.out.stat().st_size / 1e6:.1f} MB, "
        f"{len(card.golden)} golden samples, {'signed' if arguments.key else 'unsigned'}), "
        f"digest {digest[:16]}…\n"
        f"next: taktsight verify {arguments.out}"
    )
    return 0
