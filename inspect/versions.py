"""Which version of each product this station has run: an older one comes back on purpose or not at all.

The file lies beside the ledger. Who signs bundles cannot unsign one; without this memory, any bundle that
was ever signed could be put on a station again, with the mistakes it was replaced for.
"""

from __future__ import annotations

import json
from pathlib import Path

from taktsight.card import Card
from taktsight.errors import BundleError, LineError
from taktsight.inspect.config import Rollback
from taktsight.strict_json import parse_json
from taktsight.whole_files import whole_file

VERSIONS_FILE = "versions.json"


def check_version(folder: Path, card: Card, rollback_to: Rollback, where: str) -> None:
    """Refuses a bundle whose version is lower than what ran here of the same product.

    Args:
        folder: the station's records.
        card: of a bundle that was verified.
        rollback_to: the older version that the station file allows.
        where: what an error calls the bundle.

    Raises:
        BundleError: If it is older, and is not what was allowed.
    """
    ran = _read(folder / VERSIONS_FILE).get(card.name, 0)
    if card.version >= ran or rollback_to in (card.version, "any"):
        return
    raise BundleError(
        f"{where}: is version {card.version} of {card.name!r}, and version {ran} has run on this station. "
        f"To go back on purpose, write 'rollback_to: {card.version}' into the station file"
    )


def check_memory(folder: Path) -> None:
    """That a version can be noted there, before anything runs that must be.

    Raises:
        LineError: If it cannot be written: what nobody remembers, nobody can refuse.
    """
    _write(folder / VERSIONS_FILE, _read(folder / VERSIONS_FILE))


def remember_version(folder: Path, card: Card) -> None:
    """Notes that this version runs here, once a part is judged by it; a higher one that was noted stays.

    Raises:
        LineError: If it cannot be written: what nobody remembers, nobody can refuse.
    """
    file = folder / VERSIONS_FILE
    versions = _read(file)
    if card.version <= versions.get(card.name, 0):
        return
    _write(file, versions | {card.name: card.version})


def _write(file: Path, versions: dict[str, int]) -> None:
    content = json.dumps(versions, indent=1, sort_keys=True, ensure_ascii=False)
    try:
        with whole_file(file) as opened:
            opened.write(content.encode() + b"\n")
    except OSError as error:
        raise LineError(f"{file}: cannot be written: {error.strerror}; free some room") from error


def _read(file: Path) -> dict[str, int]:
    try:
        versions = parse_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BundleError(f"{file}: cannot be read: {error}; {_MEND}") from error
    if not isinstance(versions, dict) or not all(type(version) is int for version in versions.values()):
        raise BundleError(f"{file}: is no list of versions; {_MEND}")
    return versions


_MEND = "it says which bundles ran here: restore it, or remove it to begin anew"
