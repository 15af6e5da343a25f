"""Who may do what. What does not stand in the table is denied."""

from __future__ import annotations

from enum import Enum


class Role(str, Enum):
    """What an account is for."""

    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class May(str, Enum):
    """One thing that a page lets somebody do."""

    SEE = "see"
    DECIDE = "decide"
    OVERRULE = "overrule"
    """Undo what somebody else decided."""
    SEE_NAMES = "see_names"
    """See who decided what, in studies and agreement."""
    PLAN_STUDY = "plan_study"
    APPROVE_MODEL = "approve_model"
    SIGN = "sign"
    SEE_LOG = "see_log"
    EXPORT = "export"
    CHANGE_SETTINGS = "change_settings"
    MANAGE_PEOPLE = "manage_people"


ALLOWED: dict[Role, frozenset[May]] = {
    Role.REVIEWER: frozenset({May.SEE, May.DECIDE, May.SIGN}),
    Role.SUPERVISOR: frozenset(
        {
            May.SEE,
            May.DECIDE,
            May.OVERRULE,
            May.SEE_NAMES,
            May.PLAN_STUDY,
            May.SIGN,
            May.SEE_LOG,
            May.EXPORT,
        }
    ),
    Role.ENGINEER: frozenset(
        {
            May.SEE,
            May.DECIDE,
            May.SEE_NAMES,
            May.PLAN_STUDY,
            May.APPROVE_MODEL,
            May.SIGN,
            May.SEE_LOG,
            May.EXPORT,
            May.CHANGE_SETTINGS,
        }
    ),
    Role.AUDITOR: frozenset({May.SEE, May.SEE_NAMES, May.SEE_LOG, May.EXPORT}),
    # An admin may decide, for the first day is theirs alone; what they manage they do not sign for.
    Role.ADMIN: frozenset(
        {
            May.SEE,
            May.DECIDE,
            May.SEE_NAMES,
            May.SEE_LOG,
            May.EXPORT,
            May.CHANGE_SETTINGS,
            May.MANAGE_PEOPLE,
        }
    ),
}


def may(role: Role, permission: May) -> bool:
    """Whether an account of this role may do this."""
    return permission in ALLOWED.get(role, frozenset())
