"""Key files for signed bundles: make a pair, or show whose key a file holds.

    taktsight keys new plant          # plant.key signs, and stays where bundles are exported
    taktsight keys show plant.pub     # plant.pub goes to every station: allowed_keys: [plant.pub]

The fingerprint is what 'taktsight verify' and 'taktsight check' call the signer by. A file may hold the
public keys of several people, one after the other; to revoke a key, take it out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.keys import fingerprint, new_key_pair, public_keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two things to do with keys."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="new|show")
    new = actions.add_parser("new", help="make PREFIX.key and PREFIX.pub")
    new.add_argument("prefix", type=Path, metavar="PREFIX")
    show = actions.add_parser("show", help="the fingerprint of each public key in a file")
    show.add_argument("file", type=Path, metavar="FILE")


def main(arguments: argparse.Namespace) -> int:
    """0 when the pair is on the disk, or the fingerprints are shown."""
    if arguments.action == "new":
        private, public = new_key_pair(arguments.prefix)
        print(f"wrote {private} (keep it secret; it signs: taktsight export --key {private})")
        print(f"wrote {public} (for the stations: allowed_keys: [{public.name}])")
        arguments.file = public
    for key in public_keys([arguments.file]):
        print(f"fingerprint {fingerprint(key)}")
    return 0
