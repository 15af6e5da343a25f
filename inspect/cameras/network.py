"""What a GigE Vision camera needs of this computer's network, and whether it is so."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from taktsight.errors import CameraError

SOCKET_BYTES = 16 << 20
"""Asked for at the socket that frames come through: what arrives while the receiver sleeps."""
RMEM_BYTES = 32 << 20
"""Of net.core.rmem_max that is enough for every camera: the kernel counts about twice a packet's bytes."""
RMEM = "/proc/sys/net/core/rmem_max"
RMEM_COMMAND = (
    f"echo net.core.rmem_max={RMEM_BYTES} | sudo tee /etc/sysctl.d/90-taktsight.conf && "
    "sudo sysctl -p /etc/sysctl.d/90-taktsight.conf"
)
LARGEST_PACKET = 9000
"""Of jumbo frames, bytes; what nearly every network card and switch takes."""
_IP_MTU = 14


def is_address(device: str) -> bool:
    """Whether a camera is named by its IP address."""
    try:
        ipaddress.IPv4Address(device)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Whether the camera is on this computer."""
    return ipaddress.IPv4Address(address).is_loopback


def rmem_max() -> int | None:
    """The largest buffer a socket may have, bytes; None where the kernel does not say."""
    try:
        return int(Path(RMEM).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def buffer_wanted(frame_bytes: int) -> int:
    """Of net.core.rmem_max, so that two frames fit: at less, a 5 MP camera loses one frame in three."""
    return min(RMEM_BYTES, 2 * frame_bytes)


def check_buffer(frame_bytes: int) -> None:
    """Whether a frame fits into a socket's buffer while nobody reads it.

    Raises:
        CameraError: If it does not, with the command that makes room.
    """
    allowed, wanted = rmem_max(), buffer_wanted(frame_bytes)
    if allowed is not None and allowed < wanted:
        raise CameraError(
            f"net.core.rmem_max is {allowed / 2**20:.1f} MiB, frames of {frame_bytes / 1e6:.1f} MB want "
            f"{wanted / 2**20:.1f}: packets would be lost whenever this computer is busy. {RMEM_COMMAND}"
        )


def mtu_to(address: str) -> int:
    """The largest packet that goes to an address without being cut, bytes.

    Raises:
        CameraError: If no network leads there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        try:
            end.connect((address, 9))
            return end.getsockopt(socket.IPPROTO_IP, _IP_MTU)
        except OSError as error:
            raise CameraError(
                f"no network of this computer leads to {address}: {error.strerror}"
            ) from error


def interface_of(address: str, routes: str) -> str:
    """The network interface towards an address; "" where the routes do not say.

    Args:
        address: a camera's.
        routes: what the kernel says in /proc/net/route.
    """
    if is_loopback(address):
        return "lo"
    wanted, best = int(ipaddress.IPv4Address(address)), (-1, "")
    for name, target, *rest in map(str.split, routes.splitlines()[1:]):
        mask = int.from_bytes(bytes.fromhex(rest[5]), "little")
        if wanted & mask == int.from_bytes(bytes.fromhex(target), "little"):
            best = max(best, (mask, name))
    return best[1]


def fitting_packet_size(address: str, asked: int | None) -> int:
    """The packet size to set, bytes with IP and UDP headers: as asked, or the largest that goes through.

    Raises:
        CameraError: If the network does not take packets of the size that was asked for.
    """
    mtu = mtu_to(address)
    if asked is None:
        return min(mtu, LARGEST_PACKET) // 4 * 4
    if asked > mtu:
        routes = Path("/proc/net/route")
        interface = interface_of(address, routes.read_text() if routes.exists() else "") or "INTERFACE"
        raise CameraError(
            f"packet_size {asked}: {interface} takes packets of {mtu} bytes at most. sudo ip link set "
            f"{interface} mtu {LARGEST_PACKET}, and the same at the switch and the camera; or packet_size: "
            f"{mtu // 4 * 4}"
        )
    return asked
