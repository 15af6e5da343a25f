"""The meters as Prometheus reads them: text format 0.0.4, names with units, no library needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taktsight.inspect.histogram import FIRST_OCTAVE, SUB_BUCKETS, Histogram, upper_ns
from taktsight.inspect.meters import ALARMS, DIGESTS, FIELDS, STAGES, STATES, Meters
from taktsight.records import Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "taktsight_"
OCTAVES_SHOWN = range(13, 33)
"""8 µs to 8.6 s, in steps of half an octave: each ends where a bucket of the histogram does."""

GAUGES = {
    "open_parts": ("open_parts", "Parts without a verdict at the gate."),
    "golden_held": ("golden_held", "1 while the golden-part check is due and no part passes."),
    "missing_in_a_row": ("missing_frames_in_a_row", "Parts, up to now, that lack a view."),
    "trigger_lost": ("trigger_lost", "1 while the camera that is the trigger is lost, and no part passes."),
    "drift_standing": ("drift_standing", "Alarms of drift that nobody has cleared."),
    "spc_standing": ("spc_standing", "Rule hits of control charts that nobody has cleared."),
    "quality_held": ("quality_held", "1 while an alarm of quality holds the line and no part passes."),
    "plc_lost": ("plc_lost", "1 while the PLC cannot be relied on."),
    "acknowledged_trigger": ("ledger_acknowledged_trigger", "Last part whose verdict is on the disk."),
    "disk_free_bytes": ("disk_free_bytes", "Free on the disk of the records."),
    "clock_ahead": ("clock_ahead", "1 while the wall clock is far ahead of the newest record."),
    "disk_reserve_bytes": ("disk_reserve_bytes", "Room on the disk that images leave to the ledger."),
}
"""Field → name and meaning."""
TIMES = {
    "takt_ns": ("takt_seconds", "Time between two parts; 0 where the parts say when they come."),
    "deadline_ns": ("deadline_seconds", "Trigger to the last moment the gate can act."),
    "trigger_lateness_max_ns": (
        "trigger_lateness_max_seconds",
        "Longest until the line noticed a trigger.",
    ),
}
COUNTERS = {
    "triggers": "Parts that were triggered.",
    "late_results": "Results after their part was answered: recorded, never sent.",
    "stranger_results": "Results of parts that nobody asked about.",
    "deadline_misses": "Verdicts that the gate was told after the deadline.",
    "withdrawn": "Verdicts that the ledger did not have in time, in strict mode.",
    "frame_faults": "Frames that were repeated, torn, stale, of a wrong size or format.",
    "out_of_band": "Frames outside a band of the recipe; their parts are UNINSPECTED.",
    "health_alarms": "Measures outside a band whose parts were judged all the same.",
    "lost_frames": "Frames that never came, by the cameras' own count.",
    "missing_frames": "Views of parts for which no frame came.",
    "lost_triggers": "Parts that the trigger counted and nobody could look at.",
    "bounces": "Edges of a trigger that were none.",
    "counter_resets": "Part counters that were set anew.",
    "trigger_outages": "Times that the camera that is the trigger was lost.",
    "plc_outages": "Times that the PLC could not be relied on.",
    "plc_torn_readings": "Readings of the PLC that changed meanwhile.",
    "unacknowledged": "Verdicts that the PLC's program did not take.",
    "late_pulses": "Pulses of the gate that came too late.",
    "vision_restarts": "Times that vision was started anew.",
    "recorder_restarts": "Times that the recorder was started anew.",
    "sleeps": "Times that the computer slept, and its open parts were UNINSPECTED.",
    "changeovers": "Changeovers of the running line.",
    "drift_alarms": "Alarms of drift that were found.",
    "spc_alarms": "Rule hits of control charts that were found.",
    "codes_read": "Parts whose code was read.",
    "codes_unread": "Parts whose code was not read.",
    "entries": "Entries for the ledger.",
    "acknowledged": "Entries that are on the disk.",
    "images_stored": "Images that were kept.",
    "images_shed": "Images that should have been kept and were not.",
    "images_removed": "Images removed by age or room.",
    "ring_overruns": "Frames that were overwritten before they were kept.",
    "ledger_retries": "Times that the ledger could not be written.",
}
"""Field → meaning. Any field that stands nowhere is a counter too, its name with spaces its meaning."""
_OF_THEIR_OWN = {
    "state",
    "started_ns",
    "armed_ns",
    "first_answer_ns",
    "golden_due_ns",
    *(outcome.value for outcome in Outcome),
    *(f"alarm_{name}_{what}" for name in ALARMS for what in ("since_ns", "times")),
    *(field for field in FIELDS if field.rpartition("_digest_")[0] in DIGESTS),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """What the meters do not know of their line."""

    station: str
    run: str
    version: str


def exposition(meters: Meters, identity: Identity, now_ns: int) -> str:
    """Everything, at this moment of the monotonic clock."""
    lines: list[str] = []
    for family in (
        _identity(meters, identity),
        _plain(meters),
        _own(meters, now_ns),
        _alarms(meters, now_ns),
    ):
        lines += family
    cycle = meters.histograms["cycle"]
    lines += _head("cycle_seconds", "histogram", "Trigger to verdict at the gate.")
    lines += _histogram("cycle_seconds", cycle, {})
    lines += _head("cycle_max_seconds", "gauge", "Longest cycle of this run.")
    lines.append(_sample("cycle_max_seconds", {}, cycle.max_ns / 1e9))
    lines += _head("trigger_lateness_seconds", "histogram", "A part was there to the line noticed it.")
    lines += _histogram("trigger_lateness_seconds", meters.histograms["lateness"], {})
    lines += _head("stage_seconds", "histogram", "Time of one part in a stage.")
    for stage in STAGES:
        lines += _histogram("stage_seconds", meters.histograms[stage], {"stage": stage})
    return "\n".join(lines) + "\n"


def _identity(meters: Meters, identity: Identity) -> Iterator[str]:
    labels = {"station": identity.station, "run": identity.run, "version": identity.version}
    yield from _head("build_info", "gauge", "What judges now.")
    yield _sample("build_info", labels | {name: meters.read_digest(name) for name in DIGESTS}, 1)
    yield from _head("state", "gauge", "1 for the state that the line is in.")
    for number, state in enumerate(STATES):
        yield _sample("state", {"state": state}, int(meters["state"] == number))
    yield from _head("parts_total", "counter", "Parts by their verdict; only PASS opens the gate.")
    for outcome in Outcome:
        yield _sample("parts_total", {"outcome": outcome.value}, meters[outcome.value])


def _plain(meters: Meters) -> Iterator[str]:
    for field in FIELDS:
        if field in _OF_THEIR_OWN:
            continue
        if field in GAUGES:
            yield from _single(*GAUGES[field], "gauge", meters[field])
        elif field in TIMES:
            yield from _single(*TIMES[field], "gauge", meters[field] / 1e9)
        else:
            name = {"entries": "ledger_entries", "acknowledged": "ledger_acknowledged"}.get(field, field)
            meaning = COUNTERS.get(field, field.replace("_", " "))
            yield from _single(f"{name}_total", meaning, "counter", meters[field])


def _own(meters: Meters, now_ns: int) -> Iterator[str]:
    waiting = max(0, meters["entries"] - meters["acknowledged"])
    yield from _single("unrecorded_entries", "Entries that are not on the disk yet.", "gauge", waiting)
    up_s = (now_ns - meters["started_ns"]) / 1e9
    yield from _single("uptime_seconds", "Since the command was given.", "gauge", up_s)
    armed_ns, first_ns, due_ns = (meters[n] for n in ("armed_ns", "first_answer_ns", "golden_due_ns"))
    if armed_ns:
        armed_s = (now_ns - armed_ns) / 1e9
        yield from _single("armed_seconds", "Since parts may come.", "gauge", armed_s)
    if first_ns:
        first_s = (first_ns - meters["started_ns"]) / 1e9
        yield from _single("first_verdict_seconds", "Command to first verdict.", "gauge", first_s)
    if due_ns:
        due_s = (due_ns - now_ns) / 1e9
        yield from _single("golden_due_seconds", "Until the golden-part check is due.", "gauge", due_s)


def _alarms(meters: Meters, now_ns: int) -> Iterator[str]:
    since_ns = {name: meters[f"alarm_{name}_since_ns"] for name in ALARMS}
    yield from _head("alarm", "gauge", "1 while somebody should see to it.")
    yield from (_sample("alarm", {"name": name}, int(bool(since))) for name, since in since_ns.items())
    yield from _head("alarm_seconds", "gauge", "How long the alarm has lasted; 0 while it is off.")
    for name, since in since_ns.items():
        yield _sample("alarm_seconds", {"name": name}, (now_ns - since) / 1e9 if since else 0)
    yield from _head("alarms_total", "counter", "Times that the alarm was raised.")
    yield from (_sample("alarms_total", {"name": name}, meters[f"alarm_{name}_times"]) for name in ALARMS)


def _histogram(name: str, histogram: Histogram, labels: Mapping[str, str]) -> Iterator[str]:
    """Cumulative, as Prometheus wants it. All from one look: the line goes on recording meanwhile."""
    counts, sum_ns = histogram.counts(), histogram.sum_ns
    shown = seen = 0
    for octave in OCTAVES_SHOWN:
        for end in (SUB_BUCKETS // 2, SUB_BUCKETS):
            until = (octave - FIRST_OCTAVE) * SUB_BUCKETS + end
            seen += sum(counts[shown:until])
            shown = until
            edge = repr(upper_ns(until - 1) / 1e9)
            yield _sample(f"{name}_bucket", {**labels, "le": edge}, seen)
    count = sum(counts)
    yield _sample(f"{name}_bucket", {**labels, "le": "+Inf"}, count)
    yield _sample(f"{name}_sum", labels, sum_ns / 1e9)
    yield _sample(f"{name}_count", labels, count)


def _single(name: str, meaning: str, kind: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, meaning)
    yield _sample(name, {}, value)


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {meaning}"
    yield f"# TYPE {PREFIX}{name} {kind}"


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{PREFIX}{name}{{{inside}}} {value!r}" if inside else f"{PREFIX}{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
