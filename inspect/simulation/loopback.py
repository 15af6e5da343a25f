"""Addresses of this computer's own, one for each simulated camera: GigE Vision has one port for all."""

from __future__ import annotations

import ipaddress
import subprocess

from taktsight.errors import CameraError

FIRST = "127.0.0.1"
_IP = ("ip",)
"""As the search path has it: /sbin here, /usr/bin there."""


def bring_up(address: str) -> bool:
    """Makes an address of 127.0.0.0/8 one of the loopback interface's; whether it was none before.

    Every such address can be listened on, but libaravis and viva-genicam look for cameras on those that an
    interface has. It stays until it is taken down, or the computer is started again.

    Raises:
        CameraError: If that needs more rights than we have; 127.0.0.1 needs none.
    """
    if address == FIRST or not ipaddress.IPv4Address(address).is_loopback or address in _addresses():
        return False
    command = [*_IP, "address", "add", f"{address}/8", "dev", "lo"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        failed = done.stderr.strip() if done.returncode and address not in _addresses() else ""
    except FileNotFoundError:
        failed = "there is no 'ip' command; install iproute2"
    if failed:
        raise CameraError(
            f"{address} is no address of this computer ({failed}): sudo {' '.join(command)}; "
            f"{FIRST} needs no rights"
        )
    return True


def take_down(address: str) -> None:
    """It is none any more."""
    subprocess.run(
        [*_IP, "address", "del", f"{address}/8", "dev", "lo"], capture_output=True, text=True, check=False
    )


def _addresses() -> set[str]:
    listed = subprocess.run(
        [*_IP, "-o", "-4", "address", "show", "dev", "lo"], capture_output=True, text=True, check=False
    )
    return {line.split()[3].split("/")[0] for line in listed.stdout.splitlines()}
