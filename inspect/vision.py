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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from taktsight.errors import BackendError, CameraError, ConfigError, LineError, TaktsightError
from taktsight.inspect.backends.backend import Backend, engine_name, open_backend
from taktsight.inspect.cameras.camera import Camera, open_camera
from taktsight.inspect.channel import Channel
from taktsight.inspect.config import Station
from taktsight.inspect.fit import Setup, read_setup
from taktsight.inspect.frame_check import FrameCheck, open_checks
from taktsight.inspect.grabbing import CameraThread, Grab, Look, counts
from taktsight.inspect.inspector import Inspector, golden_mistakes
from taktsight.inspect.messages import Expose, Refused, Result, StartVision, Stop, VisionReady
from taktsight.inspect.realtime import die_with_line
from taktsight.inspect.ring import Ring
from taktsight.inspect.triage import Triage
from taktsight.inspect.versions import remember_version
from taktsight.inspect.vision_port import MAX_ASKED
from taktsight.records import Frame, Inspection, Outcome, Part, Verdict

log = logging.getLogger(__name__)

MAX_ENGINE_FAULTS = 3
"""In a row. One may be chance, and a new process costs the parts of some seconds; but what breaks a CUDA
context breaks it for good, and only a new process has a whole one."""


class Vision:
    """Cameras, engine and recipe, ready for parts."""

    def __init__(self, station: Station, ring: Ring, today: date) -> None:
        setup = read_setup(station, today)
        backend = open_backend(station.backend, setup.bundle.models)
        replay_golden(backend, setup, engine_name(station.backend))
        self.setup = setup
        self.inspector = Inspector(
            backend, setup.bundle.card, setup.recipe, setup.bundle.digest, setup.references
        )
        self.cameras = open_cameras(station, setup)
        self.checks = open_checks(station, setup)
        check_first_frames(self.inspector, self.cameras, self.checks)
        self._looks: dict[int, Look] = {}
        self._engine_faults = 0
        self._triage = Triage()
        self._grabbed: queue.Queue[Grab | None] = queue.Queue(len(self.cameras) * (MAX_ASKED + 1))
        self._threads = [
            CameraThread(camera, self.checks[camera.name], ring, self._grabbed) for camera in self.cameras
        ]

    @property
    def parts(self) -> int | None:
        """How many parts every camera can show; None without end."""
        return min((camera.parts for camera in self.cameras if camera.parts is not None), default=None)

    def expose(self, expose: Expose | None) -> None:
        """Asks every camera for the part; None after the last one."""
        for thread in self._threads:
            thread.exposes.put_nowait(expose)

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
            if self._engine_faults >= MAX_ENGINE_FAULTS:
                raise BackendError(f"the engine failed on {MAX_ENGINE_FAULTS} parts in a row")
        self.close()

    def close(self) -> None:
        """Lets go of the cameras."""
        for camera in self.cameras:
            camera.close()

    def inspect(self, look: Look) -> Result:
        """The result of a part whose views have all come in."""
        expose = look.expose
        grabs = [look.grabs[camera.name] for camera in self.cameras]
        faults = [grab.fault for grab in grabs if grab.fault]
        if faults:
            return _uninspected(expose, grabs, "; ".join(faults))
        started_ns = time.monotonic_ns()
        left_ns = expose.answer_by_ns - started_ns
        if self._triage.is_hopeless(left_ns, younger_waits=not self._grabbed.empty()):
            return _uninspected(
                expose, grabs, f"late: {max(0, left_ns) / 1e6:.0f} ms were left for its inspection"
            )
        frames = tuple(grab.frame for grab in grabs if grab.frame is not None)
        try:
            inspection = self.inspector.inspect(Part(expose.trigger, frames, grabs[0].serial))
        except (BackendError, ValueError) as error:
            self._engine_faults += isinstance(error, BackendError)
            return _uninspected(expose, grabs, str(error))
        self._engine_faults = 0
        self._triage.took(time.monotonic_ns() - started_ns)
        return _inspected(expose, grabs, inspection)


def _inspected(expose: Expose, grabs: Sequence[Grab], inspection: Inspection) -> Result:
    """The inspector's verdict; alarms stand behind its reasons."""
    scores = {
        prediction.view: tuple(map(float, prediction.scores)) for prediction in inspection.predictions
    }
    alarms = tuple(f"alarm: {alarm}" for grab in grabs for alarm in grab.checked.alarms)
    verdict = replace(inspection.verdict, reasons=(*inspection.verdict.reasons, *alarms))
    seen = _result(expose, grabs, verdict)
    return replace(seen, scores=scores, stage_ns=seen.stage_ns | inspection.stage_ns)


def _uninspected(expose: Expose, grabs: Sequence[Grab], reason: str) -> Result:
    return _result(expose, grabs, Verdict(Outcome.UNINSPECTED, (reason,)))


def _result(expose: Expose, grabs: Sequence[Grab], verdict: Verdict) -> Result:
    """What the frames alone give of a part."""
    stage_ns = {"grab": max(grab.grab_ns for grab in grabs)}
    health = {grab.camera: dict(grab.checked.health) for grab in grabs if grab.checked.health}
    if health:
        stage_ns["health"] = max(grab.check_ns for grab in grabs)
    return Result(
        expose.trigger,
        verdict,
        grabs[0].serial,
        stage_ns=stage_ns,
        slots=tuple(grab.slot for grab in grabs if grab.slot is not None),
        health=health,
        counts=counts(grabs),
    )


def replay_golden(backend: Backend, setup: Setup, engine: str) -> None:
    """Replays the bundle's golden samples; the engine, which allocates in its first runs, is warm then.

    Raises:
        LineError: If one of them is judged otherwise than on the card.
    """
    mistakes = golden_mistakes(backend, setup.bundle, engine)
    if mistakes:
        raise LineError(
            "golden samples are not judged as the bundle's card says, so parts would not be either: "
            + "; ".join(mistakes)
            + ". Export the bundle again, or check this machine's engine"
        )


def open_cameras(station: Station, setup: Setup) -> list[Camera]:
    """The station's cameras, in the order of the recipe's views."""
    settings = {camera.name: camera for camera in station.cameras}
    channels = setup.bundle.card.canvas.channels
    return [open_camera(settings[view.camera], channels) for view in setup.recipe.views]


def check_first_frames(
    inspector: Inspector, cameras: Sequence[Camera], checks: Mapping[str, FrameCheck]
) -> None:
    """Inspects an image of each camera, for nothing: memory is allocated, and region and frame must fit.

    Raises:
        ConfigError: If they do not.
    """
    try:
        frames = tuple(Frame(camera.rehearsal(), 0, 0, camera.name) for camera in cameras)
    except CameraError as error:
        log.warning("first frame: %s", error)  # that part will be UNINSPECTED; others may be whole
        return
    try:
        for frame in frames:
            checks[frame.camera].expect(frame.image)
        inspector.inspect(Part(0, frames))
    except ValueError as error:
        raise ConfigError(
            f"recipe {inspector.recipe.product!r} does not fit the frames: {error}"
        ) from error


def ready(vision: Vision) -> VisionReady:
    """What it looks with, for the line to arm, or to hold against what it was armed with."""
    bundle, recipe = vision.setup.bundle, vision.setup.recipe
    templates = {view.camera: view.reference_sha256 for view in recipe.views if view.reference_sha256}
    return VisionReady(bundle.digest, recipe.digest, templates, bundle.card.labels, vision.parts)


def _listen(channel: Channel, vision: Vision) -> None:
    while True:
        message = channel.receive()
        if message is None:
            os._exit(1)  # the line is gone: nobody is left to answer to
        if isinstance(message, Stop):
            vision.expose(None)
            return
        if not isinstance(message, Expose):
            raise TypeError(f"the line sent {type(message).__name__}")
        vision.expose(message)


def _end_process(arguments: threading.ExceptHookArgs) -> None:
    """A dead thread would leave parts without an answer: better the whole process, which is restarted."""
    traceback.print_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its process id, the channel's and the ring's descriptor."""
    line_process, channel_descriptor, ring_descriptor = map(int, arguments)
    die_with_line(line_process)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.excepthook = _end_process
    channel = Channel.inherited(channel_descriptor)
    start = channel.receive()
    if not isinstance(start, StartVision):
        return 1
    try:
        vision = Vision(start.station, Ring(ring_descriptor), start.today)
        if start.versions is not None:
            remember_version(start.versions, vision.setup.bundle.card)
    except TaktsightError as error:
        channel.send(Refused(type(error).__name__, str(error)))
        return error.exit_code
    channel.send(ready(vision))
    threading.Thread(target=_listen, args=(channel, vision), name="listen", daemon=True).start()
    try:
        vision.run(channel)
    except BrokenPipeError:  # the line is gone
        return 0
    except BackendError as error:
        log.warning("%s: vision ends, for a new process to begin with a whole engine", error)
        os._exit(1)  # a broken engine may hang where it is taken down
    return 0
