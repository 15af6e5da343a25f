"""What the bench's script says, in the reader's language: it stands in an attribute of the page."""

from __future__ import annotations

from taktsight.inspect.review.web.words import N_, Words

SAID = {
    "online": N_("Connected"),
    "offline": N_("No connection: your decisions are kept here and sent later"),
    "waiting": N_("{count} waiting to be sent"),
    "kept": N_("Saved"),
    "signed_out": N_("You are signed out. Your decisions are kept here; sign in to send them."),
    "others": N_("{count} decisions of {who} wait here until {who} signs in"),
    "refused": N_("Not saved: {reason}"),
    "conflict": N_("{part}: {who} decided meanwhile: {said}, {when}"),
    "mine": N_("You said: {said}"),
    "keep_theirs": N_("Leave it so"),
    "decide_anyway": N_("Decide as I said"),
    "look": N_("Look at it again"),
    "drop": N_("Discard"),
    "none_left": N_("Nothing is left to review here."),
    "none_here": N_("The next part is not here yet. It comes once there is a connection."),
    "part": N_("Part {part}"),
    "undone": N_("Undone: {part}"),
    "nothing_to_undo": N_("There is nothing to undo."),
    "choose_label": N_("Choose the defect first."),
    "draw_first": N_("Draw a box around the defect, or paint it; then press “Save the defects”."),
    "box_help": N_(
        "Drag a box. By keyboard: move with the arrows, Enter for each corner, Escape to leave."
    ),
    "brush_help": N_(
        "Paint the defect. By keyboard: move with the arrows, Enter to paint, Escape to leave."
    ),
    "marks": N_("{count} marked"),
    "remove_mark": N_("Remove mark {number}: {label}"),
    "no_overlay": N_("What the model found cannot be shown: {reason}"),
    "no_golden": N_("There is no golden sample of this view."),
    "golden": N_("Golden sample"),
    "view": N_("View {view}"),
    "heat": N_("Heat map"),
    "mask": N_("Mask"),
    "outline": N_("Outline"),
    "no_examples": N_("No similar examples."),
    "confirm": N_("Confirmed"),
    "false_reject": N_("False reject"),
    "missed_defect": N_("Missed defect"),
    "escalate": N_("Escalated"),
    "skip": N_("Skipped"),
}


def script_words(words: Words) -> dict[str, str]:
    """Name → sentence."""
    return {name: words.gettext(said) for name, said in SAID.items()}
