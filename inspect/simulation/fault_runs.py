"""Every fault that can be injected into a simulated station, by name, and what came of it."""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taktsight.errors import LineError
from taktsight.inspect.simulation import clock_shift, faulty_disk
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.folder_place import FolderPlace
from taktsight.inspect.simulation.line_faults import clock, disk, kill, power
from taktsight.inspect.simulation.line_faults.rig import Fault, Rig
from taktsight.inspect.simulation.running_line import RunningLine
from taktsight.inspect.simulation.stand import Stand
from taktsight.inspect.simulation.stand_faults import camera, parts, processes
from taktsight.inspect.simulation.witness import Witness

log = logging.getLogger(__name__)

FIRST_PARTS = 5


@dataclass(frozen=True, slots=True)
class StandFault:
    """A fault of a station at work."""

    says: str
    inject: Callable[[Witness, Tally], None]
    within_s: float
    """All is as before so long after its end, or it did not hold."""
    needs_camera: bool = False
    most: int = 1000
    """Times in one run: a line whose vision or recorder ends more often within a minute gives up."""


STAND_FAULTS: dict[str, StandFault] = {
    "camera-killed": StandFault("camera killed", camera.killed, 5, needs_camera=True),
    "camera-hung": StandFault("camera hung", camera.hung, 5, needs_camera=True),
    "camera-cut-off": StandFault("camera cut off: no packet comes", camera.cut_off, 5, needs_camera=True),
    "packets-lost": StandFault("2 % of packets lost for 3 s", camera.lossy, 5, needs_camera=True),
    "frame-repeated": StandFault("frames repeated", camera.spoilt("repeat"), 5, needs_camera=True),
    "frame-old": StandFault("frame number repeated", camera.spoilt("number"), 5, needs_camera=True),
    "frame-torn": StandFault("frames torn", camera.spoilt("torn"), 5, needs_camera=True),
    "frame-short": StandFault("frames short", camera.spoilt("short"), 5, needs_camera=True),
    "frame-size": StandFault("frames of a wrong size", camera.spoilt("size"), 5, needs_camera=True),
    "frame-format": StandFault("frames of a wrong format", camera.spoilt("format"), 5, needs_camera=True),
    "trigger-lost": StandFault("triggers lost", parts.miscounted("lost"), 1),
    "trigger-doubled": StandFault("triggers doubled", parts.miscounted("doubled"), 1),
    "trigger-bounced": StandFault("triggers bounced", parts.miscounted("bounced"), 1),
    "burst": StandFault("burst, 3 × for 2 s", parts.burst, 1),
    "inference-slow": StandFault("inference 5 takts longer", processes.inference_slow, 5),
    "changeover": StandFault("changeover under load", processes.changed_over, 60),
    "recorder-killed": StandFault("recorder killed", processes.recorder_killed, 5, most=4),
    "vision-killed": StandFault("vision killed", processes.vision_killed, 10, most=2),
    "vision-hung": StandFault("vision hung", processes.vision_hung, 10, most=2),
}


@dataclass(frozen=True, slots=True)
class LineFault:
    """A fault that takes the line, its disk or its clock along: a line of its own meets it."""

    inject: Fault
    count: int
    within_s: float
    can: bool = True
    needs: str = ""


LINE_FAULTS: dict[str, LineFault] = {
    "disk-full": LineFault(disk.full, 2, 5, faulty_disk.CAN_MOUNT, faulty_disk.NEEDED),
    "disk-slow": LineFault(disk.slow, 2, 5, faulty_disk.CAN_MOUNT, faulty_disk.NEEDED),
    "disk-failing": LineFault(disk.failing, 2, 5, faulty_disk.CAN_MOUNT, faulty_disk.NEEDED),
    "ledger-locked": LineFault(disk.locked, 1, 5),
    "all-killed": LineFault(kill.killed_line, 5, 5),
    "power-cut": LineFault(power.power_cut, 3, 5, faulty_disk.CAN_MOUNT, faulty_disk.NEEDED),
    "clock-jump": LineFault(clock.jumps, 4, 5, clock_shift.CAN_SHIFT, clock_shift.NEEDED),
}
NAMES = (*STAND_FAULTS, *LINE_FAULTS)


def inject_all(
    stand: Stand, expected: Sequence[str], names: Sequence[str], *, times: int = 1
) -> Iterator[FaultRow | str]:
    """Injects faults one after the other; a row for each, or in words what there is to say beside.

    Args:
        stand: switched on; it is stopped behind its last fault.
        expected: outcome of each image on its belt.
        names: of :data:`NAMES`.
        times: how often each fault of the station is injected, where its line can take it.

    Raises:
        LineError: If the line does not start.
    """
    asked = [name for name in NAMES if name in names]
    if any(name in STAND_FAULTS for name in asked):
        yield from _at_stand(stand, expected, [name for name in asked if name in STAND_FAULTS], times)
    for name in asked:
        if name in LINE_FAULTS:
            yield _with_line(stand, expected, name)


def _at_stand(
    stand: Stand, expected: Sequence[str], names: Sequence[str], times: int
) -> Iterator[FaultRow | str]:
    witness = Witness(stand, expected)
    stand.start_line("--no-live")
    for name in names:
        fault = STAND_FAULTS[name]
        if fault.needs_camera and stand.asked.camera == "folder":
            yield f"not injected: {name}: images of a folder have no camera"
            continue
        tally, trigger = Tally(), witness.last
        try:
            stand.belt.start()
            witness.until(lambda before=trigger: witness.last >= before + FIRST_PARTS, "parts")  # type: ignore[misc]
            for _ in range(min(times, fault.most)):
                fault.inject(witness, tally)
                stand.belt.start()
        except LineError as error:
            tally.broken.append(str(error))
            stand.restore()
        witness.count(tally, trigger)
        yield _limited(tally.row(fault.says), fault.within_s)
        if stand.line.process.poll() is not None:
            stand.start_line("--no-live")
    yield from witness.whole_run()


def _with_line(stand: Stand, expected: Sequence[str], name: str) -> FaultRow | str:
    fault = LINE_FAULTS[name]
    if not fault.can:
        return f"not injected: {name}: {fault.needs}"
    lines: list[RunningLine] = []

    def start(station: Path, *arguments: str, **options: Any) -> RunningLine:
        lines.append(RunningLine(station, *arguments, **options))
        return lines[-1]

    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=stand.folder) as folder:
        place = FolderPlace(Path(folder), stand.asked)
        rig = Rig(place, start, expected, random.Random(0), takt_ms=stand.asked.takt_ms)
        try:
            return _limited(fault.inject(rig, fault.count, "fast"), fault.within_s)
        except LineError as error:
            return Tally(injected=1, broken=[str(error)]).row(name)
        finally:
            if lines and lines[-1].process.poll() is None:
                lines[-1].kill_all()


def _limited(row: FaultRow, within_s: float) -> FaultRow:
    if row.recovered_s > within_s:
        log.warning(
            "%s: all was as before after %.1f s, wanted were %g s", row.fault, row.recovered_s, within_s
        )
    return replace(row, held=row.held and row.recovered_s <= within_s)
