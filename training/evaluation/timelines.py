"""When did the alarm come? Looks at a lot that wears, in order of time, against the first known defect.

Two looks in a row that are held up make an alarm: a speck of dirt is gone the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from taktsight.records import Outcome, Verdict
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.curves import shortest
from taktsight.training.evaluation.judged import JudgedPart


class Moment(StrictModel):
    """One look at the lot."""

    name: str
    time: str
    score: float
    defective: bool
    """As the reference says."""
    held_up: bool


class Timeline(StrictModel):
    """One lot, looked at again and again while it wears."""

    lot: str
    moments: tuple[Moment, ...]
    """In order of time."""

    @property
    def onset(self) -> int | None:
        """The first look that the reference calls defective, from 0; None where none is."""
        return next((index for index, moment in enumerate(self.moments) if moment.defective), None)

    @property
    def alarms(self) -> tuple[int, ...]:
        """Every look at which an alarm begins: the second of two held up in a row."""
        held = [False, *(moment.held_up for moment in self.moments)]
        in_alarm = [False, *(before and now for before, now in pairwise(held))]
        return tuple(index for index, (before, now) in enumerate(pairwise(in_alarm)) if now and not before)

    @property
    def alarms_before_onset(self) -> int:
        """Alarms that began while the lot was good."""
        end = len(self.moments) if self.onset is None else self.onset
        return sum(alarm < end for alarm in self.alarms)

    @property
    def delay(self) -> int | None:
        """Looks from the onset to the first at which there is an alarm; None without onset or alarm."""
        if self.onset is None:
            return None
        held = [False, *(moment.held_up for moment in self.moments)]
        in_alarm = [before and now for before, now in pairwise(held)]
        return next((index for index, alarm in enumerate(in_alarm[self.onset :]) if alarm), None)


def timelines(parts: Sequence[JudgedPart], verdicts: Sequence[Verdict]) -> tuple[Timeline, ...]:
    """The lots whose parts say when they were looked at, in order of their names.

    Args:
        parts: judged parts of one split.
        verdicts: of each.
    """
    judged = list(zip(parts, verdicts, strict=True))
    lots = sorted({part.lot for part in parts if part.time and part.lot})
    return tuple(
        Timeline(
            lot=lot,
            moments=tuple(
                Moment(
                    name=part.name,
                    time=part.time,
                    score=shortest(part.scores.max()),
                    defective=part.is_defective,
                    held_up=verdict.outcome is not Outcome.PASS,
                )
                for part, verdict in sorted(judged, key=lambda each: (each[0].time, each[0].name))
                if part.lot == lot and part.time
            ),
        )
        for lot in lots
    )
