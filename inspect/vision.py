"""The vision process: grabs the frames of each part, inspects them, says what it saw.

A thread per camera grabs; the main thread inspects, one part after the other. A fault of one part
makes that part UNINSPECTED; a fault nobody thought of ends the process, and the line starts it anew.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from taktsight.errors import BackendError, CameraError, TaktsightError
from taktsight.inspect.cameras.camera import Camera, open_camera
from taktsight.inspect.channel import Channel
from taktsight.inspect.codes.reader import CodeReader
from taktsight.inspect.config import Station
from taktsight.inspect.fit import Setup
from taktsight.inspect.frame_check import FrameCheck
from taktsight.inspect.grabbing import CameraThread, Grab, Look
from taktsight.inspect.inspector import Inspector, NetworkInput
from taktsight.inspect.leader import Leader
from taktsight.inspect.messages import (
    Expose,
    NotPrepared,
    Prepare,
    Prepared,
    Refused,
    Result,
    StartVision,
    Stop,
)
from taktsight.inspect.outlook import Outlook, check_follows, open_outlook
from taktsight.inspect.part_results import inspected, skew_faults, uninspected
from taktsight.inspect.realtime import die_with_line, relax
from taktsight.inspect.ring import Ring
from taktsight.inspect.triage import Triage
from taktsight.inspect.versions import check_memory, remember_version
from taktsight.inspect.vision_port import MAX_ASKED
from taktsight.records import Frame, Part

log = logging.getLogger(__name__)

REMEMBER_S = 3.0
"""How long an end waits for the disk that remembers the version; the line waits for 5 s."""
MAX_ENGINE_FAULTS = 3
"""In a row: no answer, or NaN in it. One may be chance, and a new process costs the parts of some seconds;
but what breaks a CUDA context breaks it for good, and only a new process has a whole one."""

SWITCH_S = 0.0005
"""A thread that grabs gives way to the one whose network has answered: 5 ms would be a tail."""


class Vision:
    """Cameras, engine and recipe, ready for parts."""

    def __init__(
        self, station: Station, ring: Ring, today: date, number: int = 0, versions: Path | None = None
    ) -> None:
        """``number``: of the changeover that the files came with; ``versions``: as :class:`StartVision`."""
        self._number = number
        self._versions = versions
        self._remembered: int | None = None
        self._remembering: threading.Thread | None = None
        self._outlooks = {number: open_outlook(station, today)}
        self.cameras = open_cameras(station, self.outlook.setup)
        self.leader = Leader(self.cameras, station.trigger)
        self._codes = CodeReader(station.code) if station.code is not None else None
        self._max_skew_ms = station.max_skew_ms
        self._rehearsal = rehearsal(self.cameras)
        self._rehearse()
        self._looks: dict[int, Look] = {}
        self._engine_faults = 0
        self._triage = Triage()
        self._free_ns = 0
        self._grabbed: queue.Queue[Grab | None] = queue.Queue(len(self.cameras) * (MAX_ASKED + 1))
        self._threads = [
            CameraThread(camera, self._check_of, self._prepare_for, ring, self._grabbed)
            for camera in self.cameras
        ]

    @property
    def outlook(self) -> Outlook:
        """What parts are judged by now."""
        return self._outlooks[self._number]

    def _check_of(self, expose: Expose, camera: str) -> FrameCheck:
        return self._outlooks[expose.outlook].checks[camera]

    def _prepare_for(self, expose: Expose, frame: Frame) -> NetworkInput | None:
        return self._outlooks[expose.outlook].inspector.prepare(frame)

    def _rehearse(self) -> None:
        if self._codes is not None and self._rehearsal:
            self._codes.check_size(self._rehearsal)
        for frame in self._rehearsal:
            self.outlook.checks[frame.camera].expect(frame.image)
        if self._rehearsal:
            self.outlook.rehearse(self._rehearsal)

    def prepare(self, order: Prepare) -> Outlook:
        """Opens what the next parts shall be judged by, while others are inspected.

        Raises:
            TaktsightError: If it is not as it must be; nothing has changed then.
        """
        old = self.outlook
        watches = {camera: check.watch for camera, check in old.checks.items()}
        new = open_outlook(order.station, order.today, watches)
        check_follows(old, new)
        if self._rehearsal:
            new.rehearse(self._rehearsal)
        if order.versions is not None:
            check_memory(order.versions)
        self._outlooks[order.number] = new
        return new

    def _judge_by(self, number: int) -> Inspector:
        """Of the part's changeover. Parts come in order, so nobody needs those before it any more."""
        self._number = number
        for past in [each for each in list(self._outlooks) if each < number]:
            del self._outlooks[past]
        return self._outlooks[number].inspector

    @property
    def parts(self) -> int | None:
        """How many parts every camera can show; None without end."""
        return min((camera.parts for camera in self.cameras if camera.parts is not None), default=None)

    def expose(self, expose: Expose | None) -> None:
        """Asks every camera for the part; None after the last one."""
        if expose is not None and expose.outlook != self._remembered:
            self._remember(expose.outlook)
        for thread in self._threads:
            thread.exposes.put_nowait(expose)

    def _remember(self, number: int) -> None:
        """A part is judged by it, so this version runs here; beside the parts, for a disk may be slow."""
        self._remembered = number
        if self._versions is not None:
            arguments = (self._versions, self._outlooks[number].setup.bundle.card)
            self._remembering = threading.Thread(target=remember_version, args=arguments, daemon=True)
            self._remembering.start()

    def run(self, channel: Channel) -> None:
        """Inspects until every camera has said that nothing more comes.

        Raises:
            BackendError: If the engine failed on part after part; each has its result, the others none.
        """
        running = len(self._threads)
        while running:
            grab = self._grabbed.get()
            if grab is None:
                running -= 1
                continue
            look = self._looks.setdefault(grab.expose.trigger, Look(grab.expose))
            look.grabs[grab.camera] = grab
            if len(look.grabs) == len(self.cameras):
                del self._looks[grab.expose.trigger]
                channel.send(self.inspect(look))
                self._free_ns = time.monotonic_ns()
            if self._engine_faults >= MAX_ENGINE_FAULTS:
                raise BackendError(f"the engine failed on {MAX_ENGINE_FAULTS} parts in a row")
        self.close()

    def close(self) -> None:
        """Lets go of the cameras."""
        self.leader.close()
        for camera in self.cameras:
            camera.close()
        if self._codes is not None:
            self._codes.close()
        if self._remembering is not None:
            self._remembering.join(REMEMBER_S)

    def inspect(self, look: Look) -> Result:
        """The result of a part whose views have all come in."""
        expose = look.expose
        inspector = self._judge_by(expose.outlook)
        grabs = [look.grabs[camera.name] for camera in self.cameras]
        frames = tuple(grab.frame for grab in grabs if grab.frame is not None)
        faults = [grab.fault for grab in grabs if grab.fault]
        if faults := faults or skew_faults(frames, self._max_skew_ms):
            return uninspected(expose, grabs, "; ".join(faults))
        started_ns = time.monotonic_ns()
        wait_ns = max(0, min(started_ns, self._free_ns) - max(grab.done_ns for grab in grabs))
        left_ns = expose.answer_by_ns - started_ns
        if self._triage.is_hopeless(left_ns, younger_waits=not self._grabbed.empty()):
            return uninspected(
                expose, grabs, f"late: {max(0, left_ns) / 1e6:.0f} ms were left for its inspection", wait_ns
            )
        ahead = {grab.camera: grab.prepared for grab in grabs if grab.prepared is not None}
        reading = self._codes.begin(frames) if self._codes is not None else None
        try:
            inspection = inspector.inspect(Part(expose.trigger, frames, grabs[0].serial), ahead)
        except ValueError as error:  # a frame that does not fit says nothing of the engine
            return uninspected(expose, grabs, str(error))
        except BackendError as error:
            self._engine_faults += 1
            return uninspected(expose, grabs, str(error))
        self._engine_faults = 0
        self._triage.took(time.monotonic_ns() - started_ns)
        result = inspected(expose, grabs, inspection, wait_ns)
        return result if reading is None else reading.attached(result, expose.answer_by_ns)


def open_cameras(station: Station, setup: Setup) -> list[Camera]:
    """The station's cameras, in the order of the recipe's views."""
    settings = {camera.name: camera for camera in station.cameras}
    channels = setup.bundle.card.canvas.channels
    return [open_camera(settings[view.camera], channels) for view in setup.recipe.views]


def rehearsal(cameras: Sequence[Camera]) -> tuple[Frame, ...]:
    """A frame of each camera that shows nobody's part; none where one camera has none yet."""
    try:
        return tuple(Frame(camera.rehearsal(), 0, 0, camera.name) for camera in cameras)
    except CameraError as error:
        log.warning("first frame: %s", error)  # that part will be UNINSPECTED; others may be whole
        return ()


def _prepare(channel: Channel, vision: Vision, order: Prepare) -> None:
    try:
        new = vision.prepare(order)
    except TaktsightError as error:
        channel.send(NotPrepared(order.number, str(error)))
    else:
        channel.send(Prepared(order.number, new.ready(vision.parts)))


def _listen(channel: Channel, vision: Vision) -> None:
    while True:
        message = channel.receive()
        if message is None:
            os._exit(1)  # the line is gone: nobody is left to answer to
        if isinstance(message, Stop):
            vision.expose(None)
            return
        if isinstance(message, Expose):
            vision.expose(message)
        elif isinstance(message, Prepare):
            arguments = (channel, vision, message)
            threading.Thread(target=_prepare, args=arguments, name="prepare", daemon=True).start()
        else:
            raise TypeError(f"the line sent {type(message).__name__}")


def _end_process(arguments: threading.ExceptHookArgs) -> None:
    """A dead thread would leave parts without an answer: better the whole process, which is restarted."""
    traceback.print_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its id, two descriptors, its usual niceness."""
    line_process, channel_descriptor, ring_descriptor, usual_nice = map(int, arguments)
    die_with_line(line_process)
    sys.setswitchinterval(SWITCH_S)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.excepthook = _end_process
    channel = Channel.inherited(channel_descriptor)
    start = channel.receive()
    if not isinstance(start, StartVision):
        return 1
    try:
        vision = Vision(start.station, Ring(ring_descriptor), start.today, start.outlook, start.versions)
        if start.versions is not None:
            check_memory(start.versions)
    except TaktsightError as error:
        channel.send(Refused(type(error).__name__, str(error)))
        return error.exit_code
    relax(usual_nice)
    channel.send(vision.outlook.ready(vision.parts))
    vision.leader.tell(channel)
    threading.Thread(target=_listen, args=(channel, vision), name="listen", daemon=True).start()
    try:
        vision.run(channel)
    except BrokenPipeError:  # the line is gone
        return 0
    except BackendError as error:
        log.warning("%s: vision ends, for a new process to begin with a whole engine", error)
        os._exit(1)  # a broken engine may hang where it is taken down
    return 0
