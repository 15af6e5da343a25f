"""The line process: one thread, one loop. Triggers in, verdicts to the gate, entries to the recorder.

No inference, no image, no disk in here. Whatever goes wrong, each part that was triggered gets its
one verdict before the line stops.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.alarms import Alarms
from taktsight.inspect.books import Books
from taktsight.inspect.changeover import Changeovers
from taktsight.inspect.changeover_side import ChangeoverSide
from taktsight.inspect.children import Crew
from taktsight.inspect.conductor import Answer, Conductor
from taktsight.inspect.config import Station
from taktsight.inspect.control import Control, open_control
from taktsight.inspect.field_side import FieldSide
from taktsight.inspect.gate_side import GateSide
from taktsight.inspect.golden_desk import GoldenDesk
from taktsight.inspect.log_thread import log_through_thread
from taktsight.inspect.messages import (
    Expose,
    Exposed,
    ImageRules,
    Result,
    StartRecorder,
    StartVision,
    Watched,
)
from taktsight.inspect.meters import Meters, size_meters
from taktsight.inspect.patience import Patience
from taktsight.inspect.quality_side import QualitySide
from taktsight.inspect.realtime import become_punctual
from taktsight.inspect.recorder_port import RecorderPort
from taktsight.inspect.recorder_side import RecorderSide
from taktsight.inspect.ring import size_ring
from taktsight.inspect.sleep import SleepWatch
from taktsight.inspect.stop_signals import stop_signals
from taktsight.inspect.triggers.trigger import Arrival
from taktsight.inspect.vision_port import Said, VisionPort
from taktsight.inspect.vision_side import VisionSide

log = logging.getLogger(__name__)


class Line:
    """A station at work, from its first trigger to the last entry in the ledger."""

    def __init__(self, station: Station, crew: Crew, versions: Path | None) -> None:
        now = datetime.now(timezone.utc)
        self._today = now.date()
        self.run_name = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}"
        size_meters(crew.meters_descriptor)
        self.meters = Meters(crew.meters_descriptor)
        self._station = station
        self._versions = versions
        size_ring(crew.ring_descriptor, station.ring_frames)
        deadline_ns = round(station.deadline_ms * 1e6)
        self._vision = VisionPort(crew.vision, max(2_000_000_000, 5 * deadline_ns))
        self._recorder = RecorderPort(crew.recorder)
        self._books = Books(self.meters, self._recorder, deadline_ns, self._fail)
        self._conductor = Conductor(station.answer_within_ns)
        self._alarms = Alarms(station.alarms, self.meters, self._books.notes.fault)
        self._desk = GoldenDesk(station.golden, self.meters)
        self._changeovers = Changeovers(station, versions, self._vision.prepare)
        self._changeover_side = ChangeoverSide(
            self._changeovers, self._vision, self._conductor, self._books, self._desk
        )
        self._control: Control | None = None
        self._selector = selectors.SelectSelector()  # epoll rounds its timeout up to a whole millisecond
        self._field = FieldSide(station, self._selector, self._books.notes)
        folder, is_strict = station.records.folder, station.records.mode == "strict"
        self._quality = QualitySide(station.quality, folder, self.meters, self._selector, self._fail)
        self._gate_side = GateSide(
            self._field.gate, self._books, self._desk, self._quality, self._fail, is_strict=is_strict
        )
        self._recorder_side = RecorderSide(self._recorder, self.meters, self._selector, self._fail)
        self._vision_side = VisionSide(
            self._vision,
            self.meters,
            self._selector,
            take=self._take_in,
            lost=self._vision_lost,
            begins_anew=self._vision_begins_anew,
            fail=self._fail,
        )
        self._sleep = SleepWatch()
        self._stop_asked = False
        self._failure: TaktsightError | None = None
        self.meters["takt_ns"] = round((station.takt_ms or 0) * 1e6)
        self.meters["deadline_ns"] = deadline_ns

    def run(self) -> None:
        """Until the last part, SIGINT or SIGTERM.

        Raises:
            TaktsightError: If it cannot start, or had to stop; every part has its verdict by then.
        """
        try:
            with stop_signals(self._selector, self._ask_to_stop), log_through_thread():
                if self._boot():
                    self._work()
                    self._finish()
        finally:
            self._close_control()
            self._field.close()
            self._quality.close()
            self._selector.close()
        if self._failure is not None:
            raise self._failure

    def _ask_to_stop(self) -> None:
        self._stop_asked = True

    def _boot(self) -> bool:
        """Everything in service, or the error of what refuses; False if stopped before."""
        self._vision_side.start(StartVision(self._station, self._today, self._versions))
        records = self._station.records
        rules = ImageRules(**dict(records.images))
        self._recorder_side.start(StartRecorder(self.run_name, records.folder, rules))
        self._quality.start()
        for refused in become_punctual():
            log.info("%s", refused)
        self._run_until(lambda: (self._vision.ready and self._recorder.ready) or self._stop_asked)
        if not self._stop_asked and self._failure is None and self._field.missing:
            log.info("the line waits: %s", self._field.missing)
        # All at once: what was ready may have been started anew while something else was waited for.
        self._run_until(lambda: self._is_ready or self._stop_asked)
        if self._failure is not None:
            raise self._failure
        if not self._is_ready:
            return False
        must_listen = self._station.golden is not None
        folder = self._station.records.folder
        self._control = open_control(folder, self._selector, self._handle, must_listen=must_listen)
        return True

    @property
    def _is_ready(self) -> bool:
        """Whether everything that parts need is there."""
        is_manned = self._vision.ready and self._recorder.ready and self._quality.is_ready
        return bool(is_manned and not self._field.missing)

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return (self._changeovers if "changeover" in request else self._desk).handle(request)

    def _work(self) -> None:
        """From the first part to the verdict of the last."""
        ready = self._vision.ready
        if ready is None:
            raise ValueError("a line works once vision is ready")
        self._books.judged_by(1, ready)
        facts = (f"station {self._station.name}", f"labels {', '.join(ready.labels)}", *ready.engine)
        self._books.armed(*facts)
        log.info("run %s is armed: bundle %.12s", self.run_name, ready.bundle_digest)
        now_ns = time.monotonic_ns()
        self._field.arm(now_ns, ready.parts)
        self.meters["armed_ns"] = now_ns
        self._books.state("armed")
        self._run_until(lambda: self._stop_asked or self._field.trigger.exhausted)
        self._field.trigger.disarm()
        self._books.state("stopping")
        while self._open_parts:
            self._step()

    def _finish(self) -> None:
        """The last verdicts carried out, late results, the last entries, and the end of both processes."""
        self._close_control()  # before the recorder lets another line write its records
        self._gate_side.finish(self._run_until)
        self._vision_side.finish(self._run_until)
        if self._failure is not None:
            self._books.fault(str(self._failure))
        self._books.closed()
        self._recorder_side.finish(self._run_until)
        self._books.state("stopped")

    def _close_control(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            control.close()

    def _run_until(self, done: Callable[[], object], patience: Patience | None = None) -> None:
        """Steps until it is done, or patience is over; without one, until something fails."""
        while not done():
            if patience is None and self._failure is not None:
                return
            if patience is not None and patience.is_over(time.monotonic_ns()):
                return
            self._step(None if patience is None else patience.wake_ns())

    def _step(self, wake_ns: int | None = None) -> None:
        """Waits for the next thing to happen and does it."""
        moments = (
            wake_ns,
            self._field.next_due_ns(),
            self._conductor.next_deadline_ns(),
            self._gate_side.next_deadline_ns(),
            self._vision.gives_up_ns(),
            self._recorder.gives_up_ns(),
            self._changeovers.gives_up_ns(),
            self._quality.next_due_ns(),
            self._alarms.next_look_ns(),
        )
        next_ns = min((moment for moment in moments if moment is not None), default=None)
        wait_s = None if next_ns is None else max(0, next_ns - time.monotonic_ns()) / 1e9
        ready = self._selector.select(wait_s)
        if slept := self._sleep.look():  # first: what has come may be of before
            self._wake_up(slept)
        for key, _ in ready:
            self._attempt(key.data)
        now_ns = time.monotonic_ns()
        self._answer(self._conductor.expire(now_ns))
        self._attempt(lambda: self._field.advance(now_ns))
        for arrival in self._field.arrivals(now_ns):
            self._trigger_part(arrival, now_ns)
        self._gate_side.write_down(now_ns)
        self._vision_side.look(now_ns)
        self._recorder_side.look(now_ns)
        self._changeover_side.look(now_ns)
        self._quality.look(now_ns)
        self._books.count(self._conductor, self._gate_side.waiting, self._gate_side.withdrawn)
        watched = self._quality.alarms(now_ns)
        self._alarms.look(now_ns, self._field.missing, self._field.trigger_lost, watched)

    def _wake_up(self, slept: str) -> None:
        """No deadline ran meanwhile, and no part is where it was."""
        now_ns = time.monotonic_ns()
        self._books.slept(slept)
        self._attempt(lambda: self._field.slept(slept, now_ns))
        self._gate_side.abandon(slept)
        self._answer(self._conductor.abandon(slept, now_ns))

    def _attempt(self, act: Callable[[], object]) -> None:
        """Whatever hardware cannot go on stops the line, which answers its open parts first."""
        try:
            act()
        except LineError as error:
            self._fail(error)

    def _trigger_part(self, arrival: Arrival, now_ns: int) -> None:
        # Its time runs from when the part was there, however late the line noticed.
        due_ns = arrival.triggered_ns
        trigger, answer_by_ns, answers = self._conductor.trigger(due_ns, now_ns, arrival.serial)
        self._answer(answers)
        self._desk.triggered(trigger)
        self._books.triggered(now_ns - due_ns)
        refused = arrival.unseen or self._vision.expose(
            Expose(trigger, due_ns, answer_by_ns, self._changeovers.number), now_ns
        )
        if refused:
            self._answer(self._conductor.fail(trigger, refused, now_ns))

    def _answer(self, answers: Sequence[Answer]) -> None:
        self._gate_side.answer(answers, self._recorder.acknowledged)

    def _take_in(self, message: Said) -> None:
        if isinstance(message, Exposed | Watched):
            self._field.take_in(message)
        elif isinstance(message, Result):
            self._take_result(message)
        else:
            self._changeover_side.take_in(message)

    def _take_result(self, result: Result) -> None:
        now_ns = time.monotonic_ns()
        self._books.seen(result)
        answers, late = self._conductor.result(result, now_ns)
        self._answer(answers)
        if late is not None:
            self._books.late(late, now_ns)

    def _vision_lost(self, reason: str) -> None:
        """Its open parts are UNINSPECTED."""
        self._answer(self._conductor.vision_lost(reason, time.monotonic_ns()))

    def _vision_begins_anew(self, reason: str) -> None:
        self._changeover_side.vision_lost()
        self._books.fault(reason)
        self._field.vision_began_anew()

    def _fail(self, error: TaktsightError) -> None:
        """No part comes any more; those that are open get their verdict, then the line stops."""
        self._field.trigger.disarm()
        if self._failure is None:
            self._failure = error

    @property
    def _open_parts(self) -> int:
        """Parts without a verdict at the gate."""
        return self._conductor.open_parts + self._gate_side.waiting
