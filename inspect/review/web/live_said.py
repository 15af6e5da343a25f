"""States, notes, alarms and measures of a line, as its pages say them."""

from __future__ import annotations

from datetime import datetime, timezone

from taktsight.inspect.review.live.state import Note, State
from taktsight.inspect.review.web.words import N_, Words

STATES = {
    State.ARMED: N_("Armed"),
    State.HOLDING: N_("Holding"),
    State.STARTING: N_("Starting"),
    State.STOPPED: N_("Stopped"),
    State.SILENT: N_("Silent"),
    State.UNKNOWN: N_("Not known"),
}
KINDS = {
    State.ARMED: "good",
    State.HOLDING: "warn",
    State.STARTING: "idle",
    State.STOPPED: "idle",
    State.SILENT: "bad",
    State.UNKNOWN: "bad",
}
"""How they look; each has a shape and a word besides."""
NOTES = {
    Note.NOTHING: "",
    Note.NEVER: N_("The ledger holds no part yet."),
    Note.CLOSED: N_("The line was stopped and closed its records."),
    Note.BROKEN_OFF: N_("The line ended without closing its records."),
    Note.NO_PART: N_("The line is there, and no part comes."),
    Note.UNHEARD: N_("Nothing is heard of the line."),
    Note.GOLDEN: N_("No part passes: golden parts are due."),
    Note.TRIGGER_LOST: N_("No part passes: the camera that is the trigger is lost."),
    Note.NO_LEDGER: N_("The ledger cannot be read; what is shown is old."),
    Note.READING: N_("A long run is being read; numbers are not complete yet."),
}
ALARMS = {
    "vision_restarted": N_("Vision was started anew"),
    "deadline_missed": N_("Verdicts or results too late"),
    "images_shed": N_("Images were not kept"),
    "disk_reserve": N_("The disk is nearly full"),
    "ledger_behind": N_("The ledger falls behind"),
    "camera_lost": N_("A camera is lost"),
    "plc_lost": N_("The PLC cannot be relied on"),
    "golden_due": N_("Golden parts are due"),
    "health_alarm": N_("Image health out of band"),
    "escapes_unknown": N_("Too many parts are UNINSPECTED"),
    "computer_slept": N_("The computer slept"),
    "clock_ahead": N_("The clock is far ahead of the records"),
    "drift": N_("Drift: parts are not as they were"),
    "bench": N_("Not seen from here"),
}
WHY_NO_BANDS = {
    "no_station": N_("Bands are not known here: start the bench with the station's file."),
    "no_recipe": N_("The station names no recipe that this page can read, so there are no bands."),
    "other_recipe": N_("The recipe file is not the one that judged: its bands say nothing of these parts."),
}
MEASURES = {
    "focus": N_("Focus"),
    "mean_level": N_("Mean level"),
    "dark_share": N_("Share of black"),
    "bright_share": N_("Share of white"),
    "seam": N_("Seam"),
    "shift_mm": N_("Shift, mm"),
    "likeness": N_("Likeness"),
}
SAID = {
    "states": STATES,
    "kinds": KINDS,
    "notes": NOTES,
    "alarms": ALARMS,
    "measures": MEASURES,
    "why_no_bands": WHY_NO_BANDS,
}
"""For templates, which translate what they show."""


def short_time(words: Words, utc: str) -> str:
    """The time of day of what is of today, with its day where it is not."""
    if not utc:
        return "–"
    is_today = words.day(utc) == words.day(datetime.now(timezone.utc).isoformat())
    return words.clock(utc) if is_today else words.moment(utc)
