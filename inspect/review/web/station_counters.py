"""What a running line has counted of restarts and troubles, as its page says it."""

from __future__ import annotations

from taktsight.inspect.review.live.metrics import Metrics
from taktsight.inspect.review.web.words import N_

COUNTERS = {
    "vision_restarts_total": N_("Vision was started anew"),
    "recorder_restarts_total": N_("The recorder was started anew"),
    "sleeps_total": N_("The computer slept"),
    "deadline_misses_total": N_("Verdicts after the deadline"),
    "late_results_total": N_("Results too late, recorded and never sent"),
    "withdrawn_total": N_("Verdicts that the ledger did not have in time"),
    "lost_triggers_total": N_("Triggers lost"),
    "frame_faults_total": N_("Frames that are faults"),
    "out_of_band_total": N_("Frames out of band"),
    "health_alarms_total": N_("Measures out of band, parts judged all the same"),
    "lost_frames_total": N_("Frames lost by the cameras' own count"),
    "missing_frames_total": N_("Views without a frame"),
    "trigger_outages_total": N_("Outages of the camera that is the trigger"),
    "plc_outages_total": N_("Outages of the PLC"),
    "unacknowledged_total": N_("Verdicts that the PLC did not take"),
    "late_pulses_total": N_("Pulses of the gate too late"),
    "images_shed_total": N_("Images that were not kept"),
    "images_removed_total": N_("Images removed by age or room"),
    "ledger_retries_total": N_("Tries of the ledger that failed"),
    "changeovers_total": N_("Changeovers"),
}
"""Names as docs/metrics.md has them."""


def counters_of(metrics: Metrics) -> tuple[tuple[str, int], ...]:
    """In words, with their counts: those that are not 0."""
    return tuple((said, count) for name, said in COUNTERS.items() if (count := metrics.count(name)))
