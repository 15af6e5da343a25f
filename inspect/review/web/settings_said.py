"""Settings of the bench in words."""

from __future__ import annotations

from taktsight.inspect.review.web.words import N_

SETTINGS = {
    "blind_share": N_("Share of decided parts that comes back blind to somebody else"),
    "known_share": N_("Share of shown parts whose truth is known"),
    "session_h": N_("A session ends after, hours"),
    "idle_min": N_("A session without a request ends after, minutes"),
    "claim_s": N_("A part that somebody looks at is kept for, seconds"),
    "cost_escape": N_("Cost of an escape"),
    "cost_overkill": N_("Cost of an overkill"),
    "quota_reject": N_("Share of the queue for rejects"),
    "quota_review": N_("Share of the queue for the unsure band"),
    "quota_uninspected": N_("Share of the queue for uninspected parts"),
    "quota_audit": N_("Share of the queue for the audit sample"),
    "quota_disagreement": N_("Share of the queue for disagreements"),
    "quota_drift": N_("Share of the queue for drift"),
}
"""Key → what it sets. One that came later and has no words yet is shown by its key."""
