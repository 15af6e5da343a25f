"""Which GigE Vision and USB3 Vision cameras answer, and how a station names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.errors import CameraError

DISCOVERY_MS = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A camera that answered."""

    kind: Literal["aravis", "viva"]
    """By which library."""
    device: str
    """How a station names it: a GigE Vision camera's address, a USB3 Vision one's serial number."""
    protocol: str
    model: str
    serial: str
    """"" where the library does not say."""

    @property
    def yaml(self) -> str:
        """What a station file says to open it."""
        serial = f", serial number {self.serial}" if self.serial else ""
        lines = (
            f"  - kind: {self.kind}",
            f"    device: {self.device}   # {self.model}, {self.protocol}{serial}",
            "    pixel_format: Mono8",
            "    exposure_us: 1000",
            "    trigger: software",
        )
        return "\n".join(lines)


def find_cameras() -> list[Found]:
    """Every camera that answers, by libaravis where it is installed, else by viva-genicam.

    Raises:
        CameraError: If neither is installed.
    """
    try:
        return _with_aravis()
    except CameraError as missing:
        try:
            return _with_viva()
        except ImportError:
            raise CameraError(
                f"no camera library is installed: {missing}. pip install 'taktsight[viva]'"
            ) from None


def _with_aravis() -> list[Found]:
    from taktsight.inspect.cameras.aravis_library import load_aravis

    arv = load_aravis()
    arv.call("arv_update_device_list")

    def text(place: int, what: str) -> str:
        said = arv.call(f"arv_get_device_{what}", place)
        return "" if said is None else str(said, "utf-8", "replace")

    found = []
    for place in range(arv.call("arv_get_n_devices")):
        protocol, serial = text(place, "protocol"), text(place, "serial_nbr")
        if protocol not in ("GigEVision", "USB3Vision"):
            continue
        device = text(place, "address") if protocol == "GigEVision" else serial
        model = f"{text(place, 'vendor')} {text(place, 'model')}"
        found.append(Found("aravis", device, protocol.replace("Vision", " Vision"), model, serial))
    return found


def _with_viva() -> list[Found]:
    import viva_genicam

    from taktsight.inspect.cameras.viva_features import asked, usb_cameras

    gige = asked(lambda: viva_genicam.discover(DISCOVERY_MS, all=True))
    usb = usb_cameras()
    return [
        *(Found("viva", each.ip, "GigE Vision", _name(each.manufacturer, each.model), "") for each in gige),
        *(
            Found(
                "viva",
                each.serial or "",
                "USB3 Vision",
                _name(each.manufacturer, each.model),
                each.serial or "",
            )
            for each in usb
        ),
    ]


def _name(*words: str | None) -> str:
    return " ".join(word for word in words if word) or "camera"


def as_yaml(found: Sequence[Found]) -> str:
    """The cameras of a station file."""
    return "\n".join(("cameras:", *(each.yaml for each in found)))
