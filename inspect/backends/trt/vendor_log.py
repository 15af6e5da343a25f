"""What the vendor says while it works: it goes into our log at its level, and its errors into ours."""

from __future__ import annotations

import logging
import re
from collections import deque
from typing import Any

from taktsight.inspect.backends.trt.vendor import Vendor

log = logging.getLogger(__name__)
NO_GPU = re.compile(r"catchCudaError.*(driver version is insufficient|no CUDA-capable device)")
"""A machine without a GPU may build; that it has none is said with every error."""
KEPT = 50
"""Errors, and as many warnings, that a line remembers of its engine."""


def listen(vendor: Vendor, *, keep: int | None = KEPT) -> Any:
    """A logger for the vendor; its ``errors`` and ``warnings`` are the last that were said.

    Args:
        vendor: whose words.
        keep: how many of each; None for all, where something ends by itself.
    """
    base: Any = vendor.module.ILogger
    severity = base.Severity

    class Listener(base):  # type: ignore[misc]  # the vendor's class is known at run time only
        def __init__(self) -> None:
            base.__init__(self)
            self.errors: deque[str] = deque(maxlen=keep)
            self.warnings: deque[str] = deque(maxlen=keep)

        def log(self, level: Any, said: str) -> None:
            if level in (severity.INTERNAL_ERROR, severity.ERROR):
                self.errors.append(said)
                if words := about_us(said):
                    log.error("%s: %s", vendor, words)
            elif level == severity.WARNING:
                self.warnings.append(said)
                log.warning("%s: %s", vendor, " ".join(said.split()))

    return Listener()


def last_words(listener: Any) -> str:
    """What went wrong in the vendor's words, for one line; of a missing GPU only where it says no more."""
    said = [words for each in listener.errors if (words := about_us(each))]
    return "; ".join(said[-3:]) or " ".join(" ".join(listener.errors).split()) or "it does not say why"


def about_us(said: str) -> str:
    """The words in one line, without those that only say that there is no GPU."""
    lines = [line for line in said.splitlines() if not NO_GPU.search(line)]
    return " ".join(" ".join(lines).split())
