"""Write a trained and evaluated run as one bundle, after proving that it answers the same.

    taktsight export runs/tile --out tile.taktsight
    taktsight export runs/tile --out tile.taktsight --key plant.key --bundle-version 2

The exported model judges real test parts beside the trained one. One flipped verdict, and nothing is
written. Make a key with 'taktsight keys new plant'. A station takes no lower version than it has run.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from taktsight.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained and evaluated run")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.taktsight", help="the bundle")
    parser.add_argument("--key", type=Path, help="PEM file of a P-256 private key that signs the bundle")
    parser.add_argument(
        "--parity-parts", type=int, default=200, help="test parts that both models judge (200)"
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
    if arguments.bundle_version < 1:
        raise ConfigError("--bundle-version must be at least 1")
    from taktsight.export.build import build_bundle
    from taktsight.training.allocator import keep_freed_memory
    from taktsight.training.run_folder import open_run

    keep_freed_memory()
    card, digest = build_bundle(
        open_run(arguments.run),
        arguments.out,
        key=arguments.key,
        parity_parts=arguments.parity_parts,
        version=arguments.bundle_version,
        expires=arguments.expires,
    )
    parity = card.parity
    print(
        f"parity: {parity.flips} of {parity.parts} verdicts flipped (at most {parity.flips_upper:.2%} "
        f"with 95 % confidence), maps differ by at most {parity.max_map_difference:.1e}\n"
        f"wrote {arguments.out} ({arguments.out.stat().st_size / 1e6:.1f} MB, "
        f"{len(card.golden)} golden samples, {'signed' if arguments.key else 'unsigned'}), "
        f"digest {digest[:16]}…\n"
        f"next: taktsight verify {arguments.out}"
    )
    return 0
