"""What a station file may say of a GigE Vision camera, and what the network must give it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.gige_settings import AravisSettings, VivaSettings
from taktsight.inspect.cameras.network import (
    LARGEST_PACKET,
    buffer_wanted,
    fitting_packet_size,
    interface_of,
    is_address,
)
from taktsight.inspect.cameras.settings import FolderSettings, placed_camera
from taktsight.inspect.config import Station, load_station
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.network import check_network
from taktsight.inspect.machine.probe import Probe, Ran

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
"""192.168.0.0/16 by eth0, 192.168.1.0/24 by eth1, all else by eth0."""


def station(tmp_path: Path, camera: dict[str, Any], takt_ms: float = 100) -> Station:
    file = tmp_path / "station.yaml"
    asked = {
        "name": "press 4",
        "bundle": "part.taktsight",
        "cameras": [{"device": "192.168.1.20"} | camera],
        "trigger": {"kind": "timer", "takt_ms": takt_ms},
        "gate": {"kind": "dry_run"},
        "deadline_ms": 80,
        "records": {"folder": "records"},
    }
    file.write_text(yaml.safe_dump(asked), encoding="utf-8")
    return load_station(file)


def test_camera_is_read_from_a_station_file(tmp_path: Path) -> None:
    asked = {"kind": "aravis", "pixel_format": "RGB8Packed", "exposure_us": 800, "chunks": ["FrameID"]}
    (camera,) = station(tmp_path, asked).cameras
    assert isinstance(camera, AravisSettings)
    assert (camera.pixel_format, camera.exposure_us, camera.within_ms) == ("RGB8", 800, 20)
    (other,) = station(tmp_path, {"kind": "viva", "trigger": "free", "fps": 50}).cameras
    assert (other.kind, placed_camera(other, tmp_path)) == ("viva", other)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "gige"}, "'aravis', 'viva'"),
        (
            {"kind": "aravis", "pixel_format": "Mono9"},
            "pixel format Mono9 is not known here; known are Mono8",
        ),
        ({"kind": "aravis", "trigger": "hardware"}, "trigger: hardware needs its trigger_source"),
        ({"kind": "aravis", "trigger_source": "Line1"}, "trigger: hardware needs its trigger_source"),
        ({"kind": "viva", "trigger": "free"}, "trigger: free needs its fps"),
        ({"kind": "viva", "fps": 30}, "trigger: free needs its fps"),
        (
            {"kind": "viva", "trigger": "free", "fps": 30, "exposure_us": 40_000},
            "exposure_us 40000 is longer than a frame at 30 fps",
        ),
        ({"kind": "aravis", "packet_size": 8001}, "multiple of 4"),
        ({"kind": "aravis", "exposure": 800}, "there is no such key; did you mean 'exposure_us'?"),
        (
            {"kind": "aravis", "expose_within_ms": 60, "expose_before_ms": 40},
            "camera camera: expose_within_ms is not below takt_ms 100: a frame could show",
        ),
    ],
)
def test_contradictions_are_refused_before_anything_is_opened(
    asked: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        station(tmp_path, asked)
    assert said in str(refused.value)


def test_folder_is_found_beside_the_station_file(tmp_path: Path) -> None:
    folder = FolderSettings(kind="folder", folder=Path("images"))
    placed = placed_camera(folder, tmp_path)
    assert isinstance(placed, FolderSettings)
    assert placed.folder == tmp_path / "images"


def test_interface_is_the_one_of_the_narrowest_route() -> None:
    assert interface_of("192.168.1.20", ROUTES) == "eth1"
    assert interface_of("192.168.7.20", ROUTES) == "eth0"
    assert interface_of("10.0.0.1", ROUTES) == "eth0"
    assert interface_of("127.0.0.9", ROUTES) == "lo"
    assert interface_of("10.0.0.1", "") == ""


def test_names_are_told_from_addresses() -> None:
    assert [is_address(name) for name in ("192.168.1.20", "40012345", "top", "1.2.3")] == [True] + [
        False
    ] * 3


def test_buffer_that_is_wanted_holds_two_frames_and_is_never_absurd() -> None:
    assert buffer_wanted(1_000_000) == 2_000_000
    assert buffer_wanted(100_000_000) == 32 << 20


def test_packets_are_as_large_as_the_network_takes() -> None:
    assert fitting_packet_size("127.0.0.1", None) == LARGEST_PACKET
    assert fitting_packet_size("127.0.0.1", 1400) == 1400


def test_packets_that_the_network_would_cut_are_refused() -> None:
    """In a process of its own: it looks, without sending, at an address beyond this computer."""
    script = (
        "from taktsight.inspect.cameras.network import fitting_packet_size, mtu_to\n"
        "from taktsight.errors import CameraError\n"
        "try:\n"
        "    mtu = mtu_to('192.0.2.77')\n"
        "    print(mtu, fitting_packet_size('192.0.2.77', mtu // 4 * 4 + 4))\n"
        "except CameraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    if "no network of this computer leads" in done.stdout:
        pytest.skip("this computer has no network")
    assert "packets of" in done.stdout
    assert "mtu 9000, and the same at the switch and the camera; or packet_size:" in done.stdout


def findings(tmp_path: Path, *, rmem: int, mtu: int, **asked: Any) -> list[Finding]:
    for path, text in (
        ("proc/sys/net/core/rmem_max", str(rmem)),
        ("proc/net/route", ROUTES),
        ("sys/class/net/eth1/mtu", str(mtu)),
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")
    camera = AravisSettings(**{"kind": "aravis", "device": "192.168.1.20", "name": "top", **asked})
    return list(check_network(Probe(tmp_path, lambda _command: Ran(127, "")), [camera]))


def test_network_that_suffices_is_not_spoken_of(tmp_path: Path) -> None:
    assert findings(tmp_path, rmem=32 << 20, mtu=9000) == []
    small = {"width_px": 640, "height_px": 480}
    assert findings(tmp_path, rmem=4 << 20, mtu=9000, **small) == []


def test_small_socket_buffer_is_found_with_the_command(tmp_path: Path) -> None:
    (note,) = findings(tmp_path, rmem=4 << 20, mtu=9000)
    assert (note.grade, note.subject) == ("note", "network")
    (fix,) = findings(tmp_path, rmem=4 << 20, mtu=9000, width_px=2448, height_px=2048)
    assert fix.grade == "fix"
    assert fix.text == ("top: net.core.rmem_max is 4.0 MiB, its frames want 9.6: packets would be lost")
    assert "net.core.rmem_max=33554432" in fix.command


def test_small_packets_are_found_with_the_command(tmp_path: Path) -> None:
    (note,) = findings(tmp_path, rmem=32 << 20, mtu=1500)
    assert note.grade == "note"
    assert note.command.startswith("sudo ip link set eth1 mtu 9000")
    (fix,) = findings(tmp_path, rmem=32 << 20, mtu=1500, packet_size=8000)
    assert (fix.grade, fix.text) == ("fix", "top: packet_size 8000, eth1 takes 1500 bytes")


def test_library_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from taktsight.inspect.cameras import aravis_library, viva_session

    monkeypatch.setattr(aravis_library, "ARAVIS", "libaravis-0.0.so.0")
    with pytest.raises(CameraError, match=r"sudo apt-get install libaravis-0\.8-0; or take kind: viva"):
        aravis_library.Aravis()
    monkeypatch.setitem(sys.modules, "viva_genicam", None)
    with pytest.raises(CameraError, match=r"pip install 'taktsight\[viva\]'"):
        viva_session.open_viva(VivaSettings(kind="viva", device="192.168.1.20"))
