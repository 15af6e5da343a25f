"""A whole station on this computer: a belt, a camera above it, a PLC that counts, and a line that inspects.

Everything between them is real: GigE Vision packets, Modbus, the processes of ``taktsight run``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from taktsight.errors import CameraError, ConfigError, LineError
from taktsight.image_files import encode_png, read_image, with_channels
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.belt import BeltPlace
from taktsight.inspect.simulation.conveyor import Conveyor
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.inspect.simulation.known_images import keep_known
from taktsight.inspect.simulation.loopback import FIRST, bring_up, take_down
from taktsight.inspect.simulation.part_counter import SERIAL_REGISTERS, PartCounter
from taktsight.inspect.simulation.running_line import RunningLine
from taktsight.records import Outcome

WITHIN_TAKT = 0.3
"""Share of the takt for an exposure to begin: at three times the pace it is still this part's."""
ARMED_S = 180.0
SETTLE_S = 5.0

CameraKind = Literal["aravis", "folder"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is simulated."""

    bundle: Path
    recipe: Path | None
    files: tuple[Path, ...]
    """The parts, in the order of the belt, which begins again behind the last."""
    folder: Path
    """Gets the station file, what the gate was told, and the records."""
    camera: CameraKind
    camera_name: str
    channels: int
    takt_ms: float
    deadline_ms: float
    threads: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the gate was told of a part."""

    trigger: int
    outcome: str
    told_ns: int


class Stand:
    """The station, until it is closed."""

    def __init__(self, asked: Asked) -> None:
        """Lays the parts on the belt, which stands; the camera is not there yet.

        Raises:
            ConfigError: If the images are not of one size.
        """
        self.asked = asked
        self.folder = asked.folder
        self.station_file = asked.folder / "station.yaml"
        self.log = asked.folder / "line.log"
        self._images = asked.folder / "parts"
        self._lay(asked.files)
        self._belt_file = asked.folder / "belt"
        self._belt_file.unlink(missing_ok=True)
        self.camera_address = ""
        self._is_address_new = False
        self._camera: GigeProcess | None = None
        self._counter = PartCounter()
        self.belt = Conveyor(BeltPlace(self._belt_file), self._counter, asked.takt_ms)
        self.write()
        self._line: RunningLine | None = None

    def switch_on(self) -> None:
        """The camera, if one is asked for.

        Raises:
            CameraError: If there is no libaravis, or another camera has its address.
        """
        if self.asked.camera == "folder":
            return
        self.camera_address, self._is_address_new = _own_address()
        images = ("--images", str(self._images), "--belt", str(self._belt_file))
        self._camera = GigeProcess(self.camera_address, *images)
        self.write()

    def restore(self) -> None:
        """Whatever a fault that was broken off left behind is put right."""
        self.belt.at_pace(1.0)
        if self._camera is not None:
            self._camera.kill()
            self._camera.restart()

    @property
    def line(self) -> RunningLine:
        """The line that works."""
        if self._line is None:
            raise ValueError("no line was started")
        return self._line

    @property
    def camera(self) -> GigeProcess:
        """The camera above the belt."""
        if self._camera is None:
            raise ValueError("images of a folder have no camera")
        return self._camera

    @property
    def records(self) -> Path:
        """Where the line keeps its ledger."""
        return self.folder / "records"

    @property
    def takt_s(self) -> float:
        """Between two parts."""
        return self.asked.takt_ms / 1000

    def write(self, **values: Any) -> Path:
        """Writes the station file, with some top-level keys replaced."""
        content = self._station() | values
        self.station_file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return self.station_file

    def keep_known(self) -> list[str]:
        """Takes the images off the belt of which the noise of a sensor decides; what the others are.

        Raises:
            ConfigError: If all that is left is judged alike: nobody could tell one part from another.
        """
        asked = self.asked
        return keep_known(
            sorted(self._images.iterdir()),
            self.station_file,
            camera=asked.camera_name,
            channels=asked.channels,
            is_exact=asked.camera == "folder",
        )

    def start_line(self, *arguments: str, shown: bool = False) -> None:
        """Starts the line and waits until it is armed; what the gate was told before is forgotten.

        Raises:
            LineError: If it does not start.
        """
        (self.folder / "gate.txt").unlink(missing_ok=True)
        self.belt.begin_anew()
        self._line = RunningLine(
            self.station_file, *arguments, log=None if shown else self.log, shown=shown
        )
        try:
            self.line.wait_until(lambda: self.line.meters["armed_ns"] > 0, timeout_s=ARMED_S)
        except LineError as error:
            raise LineError(f"the line did not start; {self.log} says why") from error

    def gate(self) -> list[Told]:
        """What the gate was told of this line, by the gate's own file."""
        file = self.folder / "gate.txt"
        lines = file.read_text(encoding="ascii").split("\n")[:-1] if file.exists() else []
        return [Told(int(trigger), outcome, int(ns)) for trigger, outcome, ns in map(str.split, lines)]

    def settle(self) -> None:
        """The belt stands, and every part that was counted has its verdict, if it ever gets one."""
        self.belt.pause()
        until_s = time.monotonic() + self.asked.deadline_ms / 1000 + SETTLE_S
        while len(self.gate()) < len(self.belt.counted) and time.monotonic() < until_s:
            time.sleep(0.01)

    def run(self, parts: int) -> None:
        """So many parts come, and get their verdicts.

        Raises:
            LineError: If the line ends before.
        """
        self.belt.start(parts)
        while len(self.belt.counted) < parts:
            if self.line.process.poll() is not None:
                raise LineError("the line ended before the last part")
            time.sleep(self.takt_s / 2)
        self.settle()

    def rows(self) -> list[Row]:
        """The verdicts of the last run in the ledger, whose chain was found whole."""
        ledger = Ledger.open(self.records)
        try:
            ledger.verify()
            return [row for row in ledger.rows_of(ledger.runs()[-1]) if row["kind"] == "verdict"]
        finally:
            ledger.close()

    def kept_images(self) -> list[Row]:
        """The kept frames of the last run."""
        ledger = Ledger.open(self.records)
        try:
            run = ledger.runs()[-1]
            return [row for row in ledger.image_rows(kept=True) if row["run"] == run]
        finally:
            ledger.close()

    def close(self) -> None:
        """Everything is switched off."""
        self.belt.close()
        if self._line is not None and self._line.process.poll() is None:
            self._line.kill_all()
        self._counter.close()
        if self._camera is not None:
            self._camera.close()
        if self._is_address_new:
            take_down(self.camera_address)

    def _lay(self, files: Sequence[Path]) -> None:
        self._images.mkdir(parents=True, exist_ok=True)
        for old in self._images.iterdir():
            old.unlink()
        size = None
        for number, file in enumerate(files, start=1):
            image = with_channels(read_image(file), self.asked.channels)
            size = size or image.shape
            if image.shape != size:
                raise ConfigError(
                    f"{file}: {image.shape[1]} × {image.shape[0]} px, not the {size[1]} × {size[0]} of "
                    f"{files[0]}: one camera sees one size"
                )
            (self._images / f"part_{number:05}.png").write_bytes(encode_png(image))

    def _station(self) -> dict[str, Any]:
        asked = self.asked
        recipe = {"recipe": str(asked.recipe.absolute())} if asked.recipe else {}
        return {
            "name": "simulation",
            "bundle": str(asked.bundle.absolute()),
            **recipe,
            "cameras": [self._camera_settings()],
            "plc": {
                "kind": "modbus_tcp",
                "host": "127.0.0.1",
                "port": self._counter.port,
                "serial_registers": SERIAL_REGISTERS,
                "heartbeat_within_ms": None,
            },
            "trigger": {"kind": "plc"},
            "gate": {"kind": "dry_run", "file": "gate.txt"},
            "backend": {"kind": "onnxruntime", "device": "cpu", "threads": asked.threads},
            "deadline_ms": asked.deadline_ms,
            "gate_margin_ms": 5,
            "records": {
                "folder": "records",
                "images": {
                    "keep": [outcome.value for outcome in Outcome],
                    "max_mb": 2000,
                    "reserve_mb": 200,
                },
            },
        }

    def _camera_settings(self) -> dict[str, Any]:
        name = self.asked.camera_name
        if self._camera is None:
            return {"kind": "folder", "name": name, "folder": "parts", "repeat": True}
        return {
            "kind": "aravis",
            "name": name,
            "device": self.camera_address,
            "pixel_format": "RGB8" if self.asked.channels == 3 else "Mono8",
            "exposure_us": 1000,
            "expose_within_ms": self.asked.takt_ms * WITHIN_TAKT,
        }


def _own_address() -> tuple[str, bool]:
    """Of the loopback interface, and whether it was none of its own before.

    Without root there is one, for one simulation at a time.
    """
    process = os.getpid()
    address = f"127.77.{process // 250 % 250}.{process % 250 + 1}"
    try:
        return address, bring_up(address)
    except CameraError:
        return FIRST, False
