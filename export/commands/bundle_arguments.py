"""What `export`, `learn` and `import` ask alike: what a bundle is called, and what it is proved on."""

from __future__ import annotations

import argparse
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.card import Card
    from taktsight.export.build import Asked

MAX_FLIP_LIMIT = 0.05


def add_bundle(parser: argparse.ArgumentParser, *, name: str) -> None:
    """Declares where the bundle goes, who signs it and what its versions are counted by.

    Args:
        parser: of the verb.
        name: whose name it has where none is given.
    """
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.taktsight", help="the bundle")
    parser.add_argument("--key", type=Path, help="PEM file of a P-256 private key that signs the bundle")
    parser.add_argument(
        "--name",
        metavar="PRODUCT",
        help=f"of the product: stations count versions by it, so it stays the same ({name})",
    )
    parser.add_argument(
        "--bundle-version", type=int, default=1, metavar="N", help="higher than the one it replaces (1)"
    )
    parser.add_argument(
        "--expires", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day a line may start with it"
    )


def add_proof(parser: argparse.ArgumentParser) -> None:
    """Declares the engines that judge test parts beside the trained network."""
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


def check_bundle(arguments: argparse.Namespace) -> None:
    """Refuses at once what no line would take.

    Raises:
        ConfigError: If the name is empty or looks like another one, there is no such version, or the last
            day is over.
    """
    from taktsight.card import MAX_VERSION

    name: str | None = arguments.name
    if name is not None and not (name and name.isprintable() and name == name.strip()):
        raise ConfigError(f"--name {name!r} must be one line of characters, without spaces around it")
    if not 1 <= arguments.bundle_version <= MAX_VERSION:
        raise ConfigError(f"--bundle-version must be 1 to {MAX_VERSION}, got {arguments.bundle_version}")
    today = datetime.now(timezone.utc).date()
    if arguments.expires is not None and arguments.expires < today:
        raise ConfigError(f"--expires {arguments.expires} is over, today is {today}: no line would start")


def as_said(arguments: argparse.Namespace) -> list[str]:
    """What :func:`add_bundle` declared, as it would be typed again."""
    said = [f"--out={arguments.out}", f"--bundle-version={arguments.bundle_version}"]
    others = (("key", arguments.key), ("name", arguments.name), ("expires", arguments.expires))
    return said + [f"--{flag}={value}" for flag, value in others if value is not None]


def asked_of(arguments: argparse.Namespace) -> Asked:
    """Both groups of arguments, checked.

    Raises:
        ConfigError: If one of them makes no sense, or an engine is unknown.
    """
    check_bundle(arguments)
    if arguments.parity_parts < 1:
        raise ConfigError("--parity-parts must be at least 1: a bundle is proved on real parts")
    if not 0 <= arguments.flip_limit <= MAX_FLIP_LIMIT:
        raise ConfigError(f"--flip-limit is a share of parts, 0 to {MAX_FLIP_LIMIT}")
    from taktsight.export.build import Asked
    from taktsight.inspect.engines import REFERENCE, proper_names

    return Asked(
        engines=proper_names([REFERENCE, *arguments.engine]),
        flip_limit=arguments.flip_limit,
        parity_parts=arguments.parity_parts,
        key=arguments.key,
        name=arguments.name,
        version=arguments.bundle_version,
        expires=arguments.expires,
        report=arguments.report,
    )


def tell_written(out: Path, card: Card, digest: str, key: Path | None) -> None:
    """Prints what lies on the disk now."""
    last = f", last day {card.expires}" if card.expires else ""
    print(
        f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB, {len(card.golden)} golden samples, "
        f"{'signed' if key else 'unsigned'}), digest {digest[:16]}…\n"
        f"product {card.name!r}, version {card.version}{last}\n"
        f"next: taktsight verify {out}"
    )
