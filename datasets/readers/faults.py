"""What is wrong with a data set, and who decides what to do about it.

A reader hands each fault to its caller and leaves the thing out. Training stops at the first;
``taktsight data check`` collects them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from taktsight.errors import DataError

FaultKind = Literal[
    "annotation",  # an annotation file or entry that cannot be understood
    "unlabelled",  # an image that no annotation says anything about
    "orphan",  # an annotation or mask whose image is absent
    "no mask",  # a defect whose pixels the layout promises and does not give
    "misplaced",  # a file where the layout has none
    "image",  # an image file that cannot be read
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a data set."""

    kind: FaultKind
    path: Path
    """The file to open."""
    message: str
    """What is wrong, what was wanted and what to do; does not repeat the path."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


OnFault = Callable[[Fault], None]


def refuse(fault: Fault) -> NoReturn:
    """Stops at the first fault.

    Raises:
        DataError: Always.
    """
    raise DataError(str(fault))
