"""Whose signature a verb asks for: the station's own keys, or those that are named."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.inspect.config import Station


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    """Declares ``--allowed-key``."""
    parser.add_argument(
        "--allowed-key",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="file of PEM public keys, of which one must have signed; not where the station names some",
    )


def asked_keys(given: Sequence[Path], station: Station | None) -> tuple[Path, ...]:
    """Key files, of which one must have signed what is read; none where nobody asks for a signature.

    Args:
        given: with ``--allowed-key``.
        station: whose bundle it is; None where none is named.

    Raises:
        ConfigError: If both name keys: a station's are not widened by whoever types.
    """
    if station is None or not station.allowed_keys:
        return tuple(given)
    if given:
        raise ConfigError(f"station {station.name!r} has its own allowed_keys: leave --allowed-key out")
    return station.allowed_keys
