"""What vision says of a part, from its frames and what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taktsight.inspect.grabbing import Grab, counts
from taktsight.inspect.messages import Expose, Result
from taktsight.records import Frame, Inspection, Outcome, Verdict


def inspected(expose: Expose, grabs: Sequence[Grab], inspection: Inspection, wait_ns: int) -> Result:
    """The inspector's verdict; alarms stand behind its reasons.

    ``wait_ns``: it could be inspected, and vision was busy with the part before.
    """
    scores = {
        prediction.view: tuple(map(float, prediction.scores)) for prediction in inspection.predictions
    }
    alarms = tuple(f"alarm: {alarm}" for grab in grabs for alarm in grab.checked.alarms)
    verdict = replace(inspection.verdict, reasons=(*inspection.verdict.reasons, *alarms))
    seen = _result(expose, grabs, verdict)
    stage_ns = seen.stage_ns | {"wait": wait_ns} | inspection.stage_ns
    return replace(seen, scores=scores, stage_ns=stage_ns)


def uninspected(expose: Expose, grabs: Sequence[Grab], reason: str, wait_ns: int | None = None) -> Result:
    """The part was not looked at, and why; ``wait_ns`` where it waited for the part before."""
    seen = _result(expose, grabs, Verdict(Outcome.UNINSPECTED, (reason,)))
    return seen if wait_ns is None else replace(seen, stage_ns=seen.stage_ns | {"wait": wait_ns})


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


def skew_faults(frames: Sequence[Frame], max_skew_ms: float | None) -> list[str]:
    """Why the views of a part may show it at different places; empty where they do not, or nobody asks."""
    by_time = sorted(frames, key=lambda frame: frame.captured_ns)
    skew_ms = (by_time[-1].captured_ns - by_time[0].captured_ns) / 1e6
    if max_skew_ms is None or skew_ms <= max_skew_ms:
        return []
    first, last = by_time[0].camera, by_time[-1].camera
    return [f"views {first} and {last} were exposed {skew_ms:.1f} ms apart, max_skew_ms is {max_skew_ms:g}"]
