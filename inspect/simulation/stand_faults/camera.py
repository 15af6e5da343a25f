"""The camera is gone for a while, or sends what is no frame of this part."""

from __future__ import annotations

import time
from collections.abc import Callable

from taktsight.inspect.simulation.fault_table import Tally
from taktsight.inspect.simulation.gige_server import Fault
from taktsight.inspect.simulation.witness import UNINSPECTED, Witness

DETECTED_S = 0.25
"""A loss is noticed after so long, or three takts."""
AWAY_PARTS = 8
SPOILT = 3
LOST_PACKETS = 0.02
LOSSY_S = 3.0


def killed(witness: Witness, tally: Tally) -> None:
    """It has no power, and then again."""
    camera = witness.stand.camera
    _away(witness, tally, camera.kill, camera.restart)


def hung(witness: Witness, tally: Tally) -> None:
    """It does nothing, as behind a cable that was pulled, and then goes on."""
    camera = witness.stand.camera
    _away(witness, tally, camera.hold, camera.go_on)


def cut_off(witness: Witness, tally: Tally) -> None:
    """It answers, and no packet of its frames comes through."""
    camera = witness.stand.camera
    trigger = witness.last
    camera.tell(lose=1.0)
    tally.injected += 1
    witness.until(lambda: witness.uninspected(trigger) >= AWAY_PARTS, "parts without a frame")
    camera.tell(lose=0.0)
    witness.until_inspected(tally, time.monotonic_ns())


def lossy(witness: Witness, tally: Tally) -> None:
    """Of its packets some are lost."""
    witness.stand.camera.tell(lose=LOST_PACKETS)
    tally.injected += 1
    time.sleep(LOSSY_S)
    witness.stand.camera.tell(lose=0.0)
    witness.until_inspected(tally, time.monotonic_ns())


def spoilt(fault: Fault) -> Callable[[Witness, Tally], None]:
    """Some exposures in a row have this fault; of repeated numbers each second one, or they would go on."""

    def inject(witness: Witness, tally: Tally) -> None:
        camera = witness.stand.camera
        trigger = witness.last - 1  # the newest part may not have been exposed yet
        at_once, exposed_ns = 1 if fault == "number" else SPOILT, 0
        for _ in range(SPOILT // at_once):
            # Between two exposures: the header of one that has begun is read already.
            _until_exposed(witness, camera.tell()["exposures"] + 1)
            before = camera.tell(spoil=fault, count=at_once)["exposures"]
            tally.injected += at_once
            _until_exposed(witness, before + at_once)
            exposed_ns = time.monotonic_ns()
            _until_exposed(witness, before + at_once + 1)
        witness.until_inspected(tally, exposed_ns)
        witness.stand.settle()
        found = witness.uninspected(trigger)
        if found < SPOILT:
            tally.broken.append(f"{SPOILT} exposures were spoilt and {found} parts are UNINSPECTED")

    return inject


def _away(witness: Witness, tally: Tally, end: Callable[[], None], begin: Callable[[], None]) -> None:
    said = witness.stand.log.stat().st_size
    end()
    gone_s, last, trigger = time.monotonic(), witness.last, witness.last
    tally.injected += 1
    witness.until(lambda: _notices(witness, said), "the line's notice of the loss")
    noticed_s = time.monotonic() - gone_s
    within_s = max(DETECTED_S, 3 * witness.stand.takt_s)
    if noticed_s > within_s:
        tally.broken.append(f"the loss was noticed after {noticed_s:.2f} s, wanted were {within_s:.2f} s")
    witness.until(lambda: witness.uninspected(trigger) >= AWAY_PARTS, "parts without a camera")
    passed = [told.trigger for told in witness.since(last) if told.outcome != UNINSPECTED]
    # A part that came as the camera went may have been exposed before.
    if seen := [trigger for trigger in passed if trigger > last + 1]:
        tally.broken.append(f"parts {seen} have a verdict, and no camera saw them")
    begin()
    witness.until_inspected(tally, time.monotonic_ns())


def _until_exposed(witness: Witness, number: int) -> None:
    camera = witness.stand.camera
    witness.until(lambda: camera.tell()["exposures"] >= number, "exposures")


def _notices(witness: Witness, size: int) -> bool:
    """Whether the log says behind this size that the camera is lost; of parts it is said too."""
    with witness.stand.log.open("rb") as file:
        file.seek(size)
        lines = file.read().decode(errors="replace").splitlines()
    return any("lost" in line and "part " not in line for line in lines)
