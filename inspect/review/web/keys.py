"""The keys of the bench: what each does, and which one a person chose for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taktsight.inspect.review.web.words import N_


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does."""

    name: str
    said: str
    key: str
    """As a browser names it: KeyboardEvent.key."""


ACTIONS = (
    Action("confirm", N_("Confirm the verdict"), "c"),
    Action("false_reject", N_("False reject: the part is good"), "f"),
    Action("missed_defect", N_("Missed defect here: draw a box"), "m"),
    Action("brush", N_("Missed defect here: paint it"), "b"),
    Action("label", N_("Choose the label"), "l"),
    Action("note", N_("Write a note"), "n"),
    Action("escalate", N_("Escalate to a supervisor"), "e"),
    Action("skip", N_("Skip this part"), "s"),
    Action("undo", N_("Undo the last decision"), "u"),
    Action("next", N_("Next part"), "ArrowRight"),
    Action("previous", N_("Previous part"), "ArrowLeft"),
    Action("view", N_("Next view of the part"), "v"),
    Action("zoom_in", N_("Zoom in"), "+"),
    Action("zoom_out", N_("Zoom out"), "-"),
    Action("zoom_full", N_("One pixel to one pixel"), "1"),
    Action("pan_left", N_("Move left"), "4"),
    Action("pan_right", N_("Move right"), "6"),
    Action("pan_up", N_("Move up"), "8"),
    Action("pan_down", N_("Move down"), "2"),
    Action("zoom_fit", N_("The whole frame"), "0"),
    Action("overlay", N_("Show another overlay"), "o"),
    Action("hide", N_("Hide the overlay while held"), "h"),
    Action("golden", N_("Golden sample beside it"), "g"),
    Action("blink", N_("Blink between part and golden sample"), "x"),
    Action("help", N_("Show the keys"), "?"),
)
NAMES = {"ArrowRight": "→", "ArrowLeft": "←", "ArrowUp": "↑", "ArrowDown": "↓", " ": "␣"}
"""How keys without a letter are written."""
_WORDS = frozenset({"Enter", "Escape", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown"})


def keys_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """Action → key, with the keys that a person chose."""
    return {action.name: chosen.get(action.name, action.key) for action in ACTIONS}


def is_key(text: str) -> bool:
    """Whether a browser can name a key like this."""
    is_function = len(text) in (2, 3) and text[0] == "F" and text[1:].isdigit()
    return (len(text) == 1 and text.isprintable()) or text in NAMES or text in _WORDS or is_function


def first_clash(keys: Mapping[str, str]) -> tuple[str, str] | None:
    """Two actions that have the same key; None where all differ."""
    taken: dict[str, str] = {}
    for action, key in keys.items():
        folded = key.lower() if len(key) == 1 else key
        if folded in taken:
            return taken[folded], action
        taken[folded] = action
    return None
