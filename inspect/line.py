"""The line process: one thread, one loop. Triggers in, verdicts to the gate, entries to the recorder.

No inference, no image, no disk in here. Whatever goes wrong, each part that was triggered gets its
one verdict before the line stops.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.children import Child, Crew
from taktsight.inspect.conductor import Answer, Conductor, Late
from taktsight.inspect.config import Station
from taktsight.inspect.gates.dry_run import DryRunGate
from taktsight.inspect.log_thread import log_through_thread
from taktsight.inspect.messages import (
    Entry,
    EntryKind,
    Expose,
    ImageRules,
    Result,
    StartRecorder,
    StartVision,
)
from taktsight.inspect.meters import STATES, Meters, size_meters
from taktsight.inspect.realtime import become_punctual
from taktsight.inspect.recorder_port import RecorderPort
from taktsight.inspect.ring import size_ring
from taktsight.inspect.triggers.timer import TimerTrigger
from taktsight.inspect.vision_port import VisionPort
from taktsight.records import Outcome, Verdict

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
VISION_STOP_NS = 5_000_000_000
"""How long late results are waited for when the line stops."""
RECORDER_STOP_NS = 30_000_000_000
"""How long the line waits for its last entries to be on the disk."""


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
        self._conductor = Conductor(station.answer_within_ns)
        self._trigger = TimerTrigger(round(station.trigger.takt_ms * 1e6), station.trigger.parts)
        self._gate = DryRunGate(station.gate.file)
        self._deadline_ns = deadline_ns
        self._selector = selectors.SelectSelector()  # epoll rounds its timeout up to a whole millisecond
        self._stop_asked = False
        self._failure: TaktsightError | None = None
        self.meters["takt_ns"] = round(station.trigger.takt_ms * 1e6)
        self.meters["deadline_ns"] = deadline_ns

    def run(self) -> None:
        """Until the last part, SIGINT or SIGTERM.

        Raises:
            TaktsightError: If it cannot start, or had to stop; every part has its verdict by then.
        """
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        handlers = {number: signal.signal(number, self._ask_to_stop) for number in STOP_SIGNALS}
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(woken, selectors.EVENT_READ, lambda: woken.recv(64))
        try:
            with log_through_thread():
                if self._boot():
                    self._work()
                    self._finish()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            wake.close()
            woken.close()
            self._selector.close()
            self._gate.close()
        if self._failure is not None:
            raise self._failure

    def _ask_to_stop(self, _signal: int, _frame: object) -> None:
        self._stop_asked = True

    def _boot(self) -> bool:
        """Both processes in service, or the error of the one that refuses; False if stopped before."""
        self._vision.start(StartVision(self._station, self._today, self._versions), time.monotonic_ns())
        records = self._station.records
        rules = ImageRules(**dict(records.images))
        self._recorder.start(StartRecorder(self.run_name, records.folder, rules))
        self._listen(self._vision.child, self._read_vision)
        self._listen(self._recorder.child, self._read_recorder)
        for refused in become_punctual():
            log.info("%s", refused)
        self._run_until(lambda: (self._vision.ready and self._recorder.ready) or self._stop_asked)
        if self._failure is not None:
            raise self._failure
        return bool(self._vision.ready and self._recorder.ready)

    def _work(self) -> None:
        """From the first part to the verdict of the last."""
        ready = self._vision.ready
        if ready is None:
            raise ValueError("a line works once vision is ready")
        self._recorder.bundle, self._recorder.recipe = ready.bundle_digest, ready.recipe_digest
        labels = ", ".join(ready.labels)
        self._record("armed", reasons=(f"station {self._station.name}", f"labels {labels}"))
        log.info("run %s is armed: bundle %.12s", self.run_name, ready.bundle_digest)
        now_ns = time.monotonic_ns()
        self._trigger.arm(now_ns, ready.parts)
        self.meters["armed_ns"] = now_ns
        self._set_state("armed")
        self._run_until(lambda: self._stop_asked or self._trigger.exhausted)
        self._trigger.disarm()
        self._set_state("stopping")
        while self._conductor.open_parts:
            self._step()

    def _finish(self) -> None:
        """Late results, the last entries, and the end of both processes."""
        self._vision.stop()
        self._run_until(lambda: self._vision.ended, VISION_STOP_NS)
        if self._failure is not None:
            self._record("fault", reasons=(str(self._failure),))
        self._record("closed", reasons=(f"{self.meters['triggers']} parts",))
        recorder = self._recorder
        self._run_until(lambda: recorder.ended or not recorder.unrecorded, RECORDER_STOP_NS)
        recorder.stop()
        self._run_until(lambda: recorder.ended, RECORDER_STOP_NS)
        if recorder.unrecorded:
            self._fail(LineError(f"{recorder.unrecorded} entries could not be written to the ledger"))
        self._set_state("stopped")

    def _run_until(self, done: Callable[[], object], limit_ns: int | None = None) -> None:
        """Steps until it is done, for so long at most; while the line works, until something fails."""
        give_up_ns = None if limit_ns is None else time.monotonic_ns() + limit_ns
        while not done():
            if give_up_ns is None and self._failure is not None:
                return
            if give_up_ns is not None and time.monotonic_ns() >= give_up_ns:
                return
            self._step(give_up_ns)

    def _step(self, wake_ns: int | None = None) -> None:
        """Waits for the next thing to happen and does it."""
        moments = (
            wake_ns,
            self._trigger.next_due_ns(),
            self._conductor.next_deadline_ns(),
            self._vision.gives_up_ns(),
        )
        next_ns = min((moment for moment in moments if moment is not None), default=None)
        wait_s = None if next_ns is None else max(0, next_ns - time.monotonic_ns()) / 1e9
        for key, _ in self._selector.select(wait_s):
            key.data()
        now_ns = time.monotonic_ns()
        self._answer(self._conductor.expire(now_ns))
        while (due_ns := self._trigger.fire(now_ns)) is not None:
            self._trigger_part(due_ns, now_ns)
        gives_up_ns = self._vision.gives_up_ns()
        if gives_up_ns is not None and now_ns >= gives_up_ns:
            self._lose_vision(self._vision.hung())
        self._count()

    def _trigger_part(self, due_ns: int, now_ns: int) -> None:
        # Its time runs from when the part was there, however late the line noticed.
        trigger, answer_by_ns, answers = self._conductor.trigger(due_ns, now_ns)
        self._answer(answers)
        self.meters.add("triggers")
        lateness_ns = max(self.meters["trigger_lateness_max_ns"], now_ns - due_ns)
        self.meters["trigger_lateness_max_ns"] = lateness_ns
        refused = self._vision.expose(Expose(trigger, due_ns, answer_by_ns), now_ns)
        if refused is not None:
            self._answer(self._conductor.fail(trigger, refused, now_ns))

    def _read_vision(self) -> None:
        try:
            results, alive = self._vision.receive()
        except TaktsightError as error:  # it refuses to take up service, or is not what it was
            self._end_vision(error)
            return
        for result in results:
            now_ns = time.monotonic_ns()
            for name, count in result.counts.items():
                self.meters.add(name, count)
            answers, late = self._conductor.result(result, now_ns)
            self._answer(answers)
            if late is not None:
                self._record_late(late, now_ns)
        if not alive:
            self._lose_vision("vision stopped")

    def _lose_vision(self, reason: str) -> None:
        """Its open parts are UNINSPECTED; it is started anew, unless that happened too often."""
        self._selector.unregister(self._vision.child.channel)
        self._answer(self._conductor.vision_lost(reason, time.monotonic_ns()))
        if self._vision.stopping:
            self._vision.end()
            return
        log.warning("%s; it is started anew", reason)
        self._record("fault", reasons=(reason,))
        self.meters.add("vision_restarts")
        try:
            self._vision.restart(time.monotonic_ns())
        except LineError as error:
            self._vision.end()
            self._fail(error)
            return
        self._listen(self._vision.child, self._read_vision)

    def _end_vision(self, error: TaktsightError) -> None:
        self._selector.unregister(self._vision.child.channel)
        self._vision.end()
        self._answer(self._conductor.vision_lost(str(error), time.monotonic_ns()))
        self._fail(error)

    def _read_recorder(self) -> None:
        recorder = self._recorder
        try:
            alive = recorder.receive()
        except TaktsightError as error:  # it refuses to take up service
            self._selector.unregister(recorder.child.channel)
            recorder.end()
            self._fail(error)
            return
        if alive:
            return
        self._selector.unregister(recorder.child.channel)
        if recorder.stopping:
            recorder.end()
            return
        log.warning("recorder stopped; it is started anew, %d entries wait", recorder.unrecorded)
        self.meters.add("recorder_restarts")
        try:
            recorder.restart(time.monotonic_ns())
        except LineError as error:
            recorder.end()
            self._fail(error)
            return
        self._listen(recorder.child, self._read_recorder)

    def _answer(self, answers: Sequence[Answer]) -> None:
        """Tells the gate, then the meters, then the recorder."""
        for answer in answers:
            # Asked again: the gate may have taken its time with the part before.
            verdict = answer.verdict_at(time.monotonic_ns())
            try:
                self._gate.act(answer.trigger, verdict.outcome)
            except LineError as error:  # the gate did nothing, and a gate that does nothing is closed
                verdict = Verdict(Outcome.UNINSPECTED, (str(error),))
                self._fail(error)
            now_ns = time.monotonic_ns()
            cycle_ns = now_ns - answer.triggered_ns
            self.meters.add(verdict.outcome.value)
            self.meters.record_cycle(cycle_ns)
            self.meters["first_answer_ns"] = self.meters["first_answer_ns"] or now_ns
            if cycle_ns > self._deadline_ns:
                self.meters.add("deadline_misses")
            self._record("verdict", answer.trigger, verdict, cycle_ns, answer.result)

    def _record_late(self, late: Late, now_ns: int) -> None:
        self.meters.add("late_results")
        result = late.result
        self._record("late", result.trigger, result.verdict, now_ns - late.triggered_ns, result)

    def _record(
        self,
        kind: EntryKind,
        trigger: int | None = None,
        verdict: Verdict | None = None,
        cycle_ns: int | None = None,
        result: Result | None = None,
        *,
        reasons: tuple[str, ...] = (),
    ) -> None:
        entry = Entry(
            kind,
            trigger,
            serial=result.serial if result else None,
            outcome=verdict.outcome.value if verdict else None,
            reasons=verdict.reasons if verdict else reasons,
            cycle_ns=cycle_ns,
            scores=result.scores if result else {},
            stage_ns=result.stage_ns if result else {},
            slots=result.slots if result else (),
        )
        try:
            self._recorder.write(entry)
        except LineError as error:
            self._fail(error)

    def _fail(self, error: TaktsightError) -> None:
        """No part comes any more; those that are open get their verdict, then the line stops."""
        self._trigger.disarm()
        if self._failure is None:
            self._failure = error

    def _listen(self, child: Child, read: Callable[[], None]) -> None:
        self._selector.register(child.channel, selectors.EVENT_READ, read)

    def _set_state(self, state: str) -> None:
        self.meters["state"] = STATES.index(state)

    def _count(self) -> None:
        meters, recorder = self.meters, self._recorder
        meters["open_parts"] = self._conductor.open_parts
        meters["stranger_results"] = self._conductor.strangers
        meters["entries"] = recorder.written
        meters["acknowledged"] = recorder.acknowledged
        meters["acknowledged_trigger"] = recorder.acknowledged_trigger
