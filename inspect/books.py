"""What the line writes down: meters for whoever looks now, entries for the ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.conductor import Conductor, Late
from taktsight.inspect.gates.gate import Acted
from taktsight.inspect.messages import Entry
from taktsight.inspect.meters import STATES, Meters
from taktsight.inspect.notes import Notes
from taktsight.inspect.recorder_port import RecorderPort

log = logging.getLogger(__name__)


class Books:
    """One run's meters and entries. Never waits."""

    def __init__(
        self,
        meters: Meters,
        recorder: RecorderPort,
        deadline_ns: int,
        fail: Callable[[TaktsightError], None],
    ) -> None:
        """``fail``: told of an entry that would be lost."""
        self.meters = meters
        self._recorder = recorder
        self._deadline_ns = deadline_ns
        self._fail = fail
        self.notes = Notes(self._warn, meters.add)
        """For the hardware on the line."""

    def state(self, state: str) -> None:
        """The line changed its state."""
        self.meters["state"] = STATES.index(state)

    def armed(self, *said: str) -> None:
        """Parts come from now on."""
        self._write(Entry("armed", reasons=said))

    def closed(self) -> None:
        """The run is over."""
        self._write(Entry("closed", reasons=(f"{self.meters['triggers']} parts",)))

    def fault(self, text: str) -> None:
        """Something went wrong, or is well again."""
        self._write(Entry("fault", reasons=(text,)))

    def triggered(self, late_ns: int) -> None:
        """A part has come, and the line noticed so late."""
        self.meters.add("triggers")
        self.meters["trigger_lateness_max_ns"] = max(self.meters["trigger_lateness_max_ns"], late_ns)

    def answered(self, acted: Acted) -> None:
        """A part has its verdict."""
        meters, answer, verdict = self.meters, acted.answer, acted.verdict
        cycle_ns = acted.told_ns - answer.triggered_ns
        meters.add(verdict.outcome.value)
        meters.record_cycle(cycle_ns)
        meters["first_answer_ns"] = meters["first_answer_ns"] or acted.told_ns
        if cycle_ns > self._deadline_ns:
            meters.add("deadline_misses")
        result = answer.result
        self._write(
            Entry(
                "verdict",
                answer.trigger,
                serial=answer.serial or (result.serial if result else None),
                outcome=verdict.outcome.value,
                reasons=verdict.reasons,
                cycle_ns=cycle_ns,
                scores=result.scores if result else {},
                stage_ns=result.stage_ns if result else {},
                slots=result.slots if result else (),
            )
        )

    def late(self, late: Late, now_ns: int) -> None:
        """A result came after its part was answered."""
        self.meters.add("late_results")
        result = late.result
        self._write(
            Entry(
                "late",
                result.trigger,
                serial=late.serial or result.serial,
                outcome=result.verdict.outcome.value,
                reasons=result.verdict.reasons,
                cycle_ns=now_ns - late.triggered_ns,
                scores=result.scores,
                stage_ns=result.stage_ns,
                slots=result.slots,
            )
        )

    def count(self, conductor: Conductor) -> None:
        """Brings the meters up to date."""
        meters, recorder = self.meters, self._recorder
        meters["open_parts"] = conductor.open_parts
        meters["stranger_results"] = conductor.strangers
        meters["entries"] = recorder.written
        meters["acknowledged"] = recorder.acknowledged
        meters["acknowledged_trigger"] = recorder.acknowledged_trigger

    def _warn(self, text: str) -> None:
        log.warning("%s", text)
        self.fault(text)

    def _write(self, entry: Entry) -> None:
        try:
            self._recorder.write(entry)
        except LineError as error:
            self._fail(error)
