"""A part that an alarm of quality held back: what the gate was told, and what it would have been told.

The line writes the first into its ledger. Charts and drift want the second: a line that is held would
otherwise look as if it made nothing but rejects.
"""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.records import Outcome

HELD = "held: quality: "
"""What the first reason of such a part begins with."""


def judged_outcome(outcome: Outcome, reasons: Sequence[str]) -> Outcome:
    """The verdict of a part before an alarm of quality held it back; others stay what they are."""
    is_held = outcome is Outcome.UNINSPECTED and bool(reasons) and reasons[0].startswith(HELD)
    return Outcome.PASS if is_held else outcome
