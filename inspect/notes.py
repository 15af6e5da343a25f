"""What the hardware on the line has to say beside parts: faults for the ledger, counts for the meters."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notes:
    """Where triggers, gates and the PLC write them. Neither call waits."""

    fault: Callable[[str], None]
    """Something went wrong, or is well again: a row of its own in the ledger."""
    count: Callable[[str, int], None]
    """Adds to a meter."""


def unheard() -> Notes:
    """Of ``taktsight check``, which has neither ledger nor meters."""
    return Notes(lambda text: log.info("%s", text), lambda _name, _count: None)
