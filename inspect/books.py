"""What the line writes down: meters for whoever looks now, entries for the ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.conductor import Answer, Conductor, Late
from taktsight.inspect.gates.gate import Acted
from taktsight.inspect.golden_desk import Note
from taktsight.inspect.messages import Entry, EntryKind, Result, VisionReady
from taktsight.inspect.meters import STATES, Meters
from taktsight.inspect.notes import Notes
from taktsight.inspect.recorder_port import RecorderPort
from taktsight.records import Verdict

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
        self._outlooks: list[tuple[int, str, str]] = []
        self.notes = Notes(self._warn, meters.add)
        """For the hardware on the line."""

    def judged_by(self, first_trigger: int, ready: VisionReady) -> None:
        """From this part on, bundle and recipe are these."""
        self._outlooks.append((first_trigger, ready.bundle_digest, ready.recipe_digest))
        self.meters.write_digest("bundle", ready.bundle_digest)
        self.meters.write_digest("recipe", ready.recipe_digest)

    def changed_over(self, *said: str) -> None:
        """The line went on with another bundle or recipe, or refused to."""
        self._write(Entry("changeover", reasons=said))

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

    def slept(self, why: str) -> None:
        """The computer slept, and the line with it."""
        self._warn(f"{why}: open parts are UNINSPECTED; mask sleep.target")
        self.meters.add("sleeps")

    def triggered(self, late_ns: int) -> None:
        """A part has come, and the line noticed so late."""
        self.meters.add("triggers")
        self.meters.histograms["lateness"].record(late_ns)
        self.meters["trigger_lateness_max_ns"] = max(self.meters["trigger_lateness_max_ns"], late_ns)

    def seen(self, result: Result) -> None:
        """Vision has looked at a part, or not."""
        meters = self.meters
        for name, count in result.counts.items():
            meters.add(name, count)
        meters["missing_in_a_row"] = (
            meters["missing_in_a_row"] + 1 if "missing_frames" in result.counts else 0
        )

    def answered(self, acted: Acted) -> None:
        """A part has its verdict."""
        meters, answer, verdict = self.meters, acted.answer, acted.verdict
        cycle_ns = acted.told_ns - answer.triggered_ns
        meters.add(verdict.outcome.value)
        meters.record_cycle(cycle_ns)
        if answer.result is not None:
            meters.record_stages(answer.result.stage_ns)
        if answer.handed_ns:
            meters.histograms["gate"].record(acted.told_ns - answer.handed_ns)
        meters["first_answer_ns"] = meters["first_answer_ns"] or acted.told_ns
        if cycle_ns > self._deadline_ns:
            meters.add("deadline_misses")
        entry = _entry("verdict", answer.trigger, verdict, answer.result, answer.serial)
        self._write(replace(entry, cycle_ns=cycle_ns))

    def judged(self, answer: Answer) -> int | None:
        """Strict mode: what the gate shall be told. The number of its entry; None where it is not taken."""
        entry = _entry("judged", answer.trigger, answer.verdict, answer.result, answer.serial)
        return self._write(replace(entry, slots=()))  # the frames are kept with the verdict

    def golden(self, note: Note) -> None:
        """A golden part was seen, or the line holds, or goes on."""
        if note.verdict is None or note.trigger is None:
            self._write(Entry("golden", reasons=note.reasons))
        else:
            self._write(_entry("golden", note.trigger, note.verdict, note.result))

    def late(self, late: Late, now_ns: int) -> None:
        """A result came after its part was answered."""
        self.meters.add("late_results")
        result = late.result
        self.meters.record_stages(result.stage_ns)
        entry = _entry("late", result.trigger, result.verdict, result, late.serial)
        self._write(replace(entry, cycle_ns=now_ns - late.triggered_ns))

    def count(self, conductor: Conductor, waiting: int, withdrawn: int) -> None:
        """Brings the meters up to date; ``waiting`` and ``withdrawn`` are those of the way to the gate."""
        meters, recorder = self.meters, self._recorder
        meters["open_parts"] = conductor.open_parts + waiting
        meters["withdrawn"] = withdrawn
        meters["stranger_results"] = conductor.strangers
        meters["entries"] = recorder.written
        meters["acknowledged"] = recorder.acknowledged
        meters["acknowledged_trigger"] = recorder.acknowledged_trigger

    def _warn(self, text: str) -> None:
        log.warning("%s", text)
        self.fault(text)

    def _write(self, entry: Entry) -> int | None:
        """Its number; None where it is not taken, which stops the line."""
        bundle, recipe = self._digests(entry.trigger)
        try:
            return self._recorder.write(replace(entry, bundle=bundle, recipe=recipe))
        except LineError as error:
            self._fail(error)
            return None

    def _digests(self, trigger: int | None) -> tuple[str, str]:
        """What the part was judged by; what judges now, of an entry about no part."""
        for first_trigger, bundle, recipe in reversed(self._outlooks):
            if trigger is None or first_trigger <= trigger:
                return bundle, recipe
        return "", ""


def _entry(
    kind: EntryKind, trigger: int, verdict: Verdict, result: Result | None, serial: str | None = None
) -> Entry:
    """Of a part; what its trigger knew of it goes before what its camera read."""
    said = Entry(kind, trigger, serial=serial, outcome=verdict.outcome.value, reasons=verdict.reasons)
    if result is None:
        return said
    return replace(
        said,
        serial=serial or result.serial,
        scores=result.scores,
        stage_ns=result.stage_ns,
        slots=result.slots,
        health=result.health,
    )
