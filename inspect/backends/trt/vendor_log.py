"""What the vendor says while it works: errors go into our errors, warnings into the log."""

from __future__ import annotations

import logging
from typing import Any

from taktsight.inspect.backends.trt.vendor import Vendor

log = logging.getLogger(__name__)
NOT_OURS = "catchCudaError"
"""A machine without a GPU may build; that it has none is said with every error."""


def listen(vendor: Vendor) -> Any:
    """A logger for the vendor; its ``errors`` and ``warnings`` are lists of what was said."""
    base: Any = vendor.module.ILogger
    severity = base.Severity

    class Listener(base):  # type: ignore[misc]  # the vendor's class is known at run time only
        def __init__(self) -> None:
            base.__init__(self)
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, level: Any, said: str) -> None:
            if level in (severity.INTERNAL_ERROR, severity.ERROR) and NOT_OURS not in said:
                self.errors.append(said.strip())
            elif level == severity.WARNING:
                self.warnings.append(said.strip())
                log.debug("%s: %s", vendor, said)

    return Listener()


def last_words(listener: Any) -> str:
    """What went wrong in the vendor's words, for one line."""
    said = "; ".join(listener.errors[-3:]) or "it does not say why"
    return " ".join(said.split())
