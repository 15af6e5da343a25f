"""Roles and permissions in words, for pages that show them."""

from __future__ import annotations

from taktsight.inspect.review.people.roles import May, Role
from taktsight.inspect.review.store.values import Why
from taktsight.inspect.review.web.words import N_

ROLES = {
    Role.REVIEWER: N_("Reviewer"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.ENGINEER: N_("Engineer"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMIN: N_("Admin"),
}
PERMISSIONS = {
    May.SEE: N_("See parts, queue and quality"),
    May.DECIDE: N_("Decide on parts"),
    May.OVERRULE: N_("Undo what others decided"),
    May.SEE_NAMES: N_("See who decided what"),
    May.PLAN_STUDY: N_("Plan agreement studies"),
    May.APPROVE_MODEL: N_("Approve models"),
    May.SIGN: N_("Sign"),
    May.SEE_LOG: N_("Read the audit log"),
    May.EXPORT: N_("Export"),
    May.CHANGE_SETTINGS: N_("Change settings of the bench"),
    May.MANAGE_PEOPLE: N_("Manage accounts"),
}
WHYS = {
    Why.REJECT: (N_("Reject"), N_("The line rejected the part: was it right?")),
    Why.REVIEW: (N_("Unsure"), N_("The score lies in the unsure band: a person decides.")),
    Why.UNINSPECTED: (N_("Uninspected"), N_("Late, lost or broken: nobody has looked at the part yet.")),
    Why.AUDIT: (N_("Audit"), N_("Drawn from the passed parts, to bound the share of escapes.")),
    Why.DISAGREEMENT: (N_("Disagreement"), N_("Two people said different things of it.")),
    Why.DRIFT: (N_("Drift"), N_("It looks unlike the parts of before.")),
    Why.SECOND: (N_("Second look"), N_("A blind double: somebody decided it, and you are not told what.")),
    Why.KNOWN: (
        N_("Known part"),
        N_("Its truth is known. It shows how well the reviews hold, and blames nobody."),
    ),
}
"""Why a part stands in the queue: a word, and a sentence."""
