"""Lists the GigE Vision and USB3 Vision cameras that answer, as a station file names them."""

from __future__ import annotations

import argparse
import sys

from taktsight.inspect.cameras.discovery import as_yaml, find_cameras

NONE_FOUND = """\
No camera answers. A GigE Vision camera answers on its own subnet only: does this computer have an address
there ('ip address'), does a firewall hold up UDP port 3956, is the camera powered? Of USB3 Vision cameras,
whoever runs this may need the right to use them: libaravis' udev rule, or 'sudo'."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""
    parser.set_defaults()


def main(_arguments: argparse.Namespace) -> int:
    """Exit status 1 if none answers."""
    found = find_cameras()
    if not found:
        print(NONE_FOUND, file=sys.stderr)
        return 1
    print(as_yaml(found))
    return 0
