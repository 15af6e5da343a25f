"""What the network gives a station's GigE Vision cameras: room for packets, and how large they may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.network import (
    LARGEST_PACKET,
    RMEM,
    RMEM_BYTES,
    RMEM_COMMAND,
    buffer_wanted,
    interface_of,
    is_address,
)
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.inspect.cameras.settings import CameraSettings
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import Probe

ROUTES = "/proc/net/route"


def check_network(probe: Probe, cameras: Sequence[CameraSettings]) -> Iterator[Finding]:
    """What is too small for the cameras of a station; nothing where all is well."""
    for camera in cameras:
        if isinstance(camera, GigeSettings):
            yield from _check_buffer(probe, camera)
            yield from _check_packets(probe, camera)


def _check_buffer(probe: Probe, camera: GigeSettings) -> Iterator[Finding]:
    said = probe.text(RMEM)
    if not said.isdigit() or int(said) >= RMEM_BYTES:
        return
    allowed = f"net.core.rmem_max is {int(said) / 2**20:.1f} MiB"
    if camera.width_px is None or camera.height_px is None:
        text = f"{camera.name}: {allowed}: packets of a camera of several megapixels would be lost"
        yield Finding("note", "network", text, RMEM_COMMAND)
        return
    frame_bytes = format_of(camera.pixel_format).frame_bytes(camera.width_px, camera.height_px)
    if int(said) < (wanted := buffer_wanted(frame_bytes)):
        text = f"{camera.name}: {allowed}, its frames want {wanted / 2**20:.1f}: packets would be lost"
        yield Finding("fix", "network", text, RMEM_COMMAND)


def _check_packets(probe: Probe, camera: GigeSettings) -> Iterator[Finding]:
    if not is_address(camera.device):
        return
    interface = interface_of(camera.device, probe.text(ROUTES))
    mtu = probe.text(f"/sys/class/net/{interface}/mtu") if interface else ""
    if not mtu.isdigit():
        return
    larger = f"sudo ip link set {interface} mtu {LARGEST_PACKET}   # the switch and the camera too"
    if camera.packet_size is not None and camera.packet_size > int(mtu):
        text = f"{camera.name}: packet_size {camera.packet_size}, {interface} takes {mtu} bytes"
        yield Finding("fix", "network", text, larger)
    elif camera.packet_size is None and int(mtu) < LARGEST_PACKET:
        text = f"{camera.name}: packets of {mtu} bytes by {interface}; jumbo frames come with less work"
        yield Finding("note", "network", text, larger)
