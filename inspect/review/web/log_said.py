"""What the audit log's actions mean, in the words of whoever reads them; the log itself keeps its own."""

from __future__ import annotations

from taktsight.inspect.review.web.words import N_, Words

ACTIONS = {
    "decide": N_("Decided"),
    "undo": N_("Took back"),
    "sign": N_("Signed"),
    "set": N_("Changed a setting"),
    "begin": N_("Began the log"),
    "add account": N_("Added an account"),
    "set role": N_("Changed a role"),
    "set password": N_("Set a password"),
    "disable": N_("Disabled an account"),
    "enable": N_("Enabled an account"),
    "preferences": N_("Changed preferences"),
    "log in": N_("Signed in"),
    "log out": N_("Signed out"),
    "log in refused": N_("Was refused at the sign-in"),
    "confirm": N_("Confirmed with the password"),
    "confirm refused": N_("Was refused at the confirmation"),
    "make link": N_("Made a link"),
    "export": N_("Exported a part"),
    "freeze limits": N_("Froze limits"),
    "release limits": N_("Released limits"),
    "draw audit": N_("Drew an audit"),
    "plan study": N_("Planned a study"),
    "study look": N_("Judged in a study"),
    "close study": N_("Closed a study"),
}


def said_of(action: str, words: Words) -> str:
    """In words; the action itself where it is a later version's."""
    said = ACTIONS.get(action)
    return action if said is None else words.gettext(said)
