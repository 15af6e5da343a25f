"""Every error Taktsight raises on purpose.

    TaktsightError
    ├── ConfigError    a station, recipe or training file is wrong            (exit 2)
    ├── DataError      an image, mask, split or data set is wrong
    ├── BundleError    a bundle is damaged, unsigned, foreign or does not fit
    ├── BackendError   the engine asked for is not the engine that would run
    ├── CameraError    a camera is absent, or delivers something else than a frame
    ├── ExportError    a model cannot be shipped: parity broken, disk full
    ├── LedgerError    a record cannot be written, or the chain is broken
    ├── LineError      the line cannot start, or had to stop
    └── ReviewError    what a person asked of the review bench is refused; nothing was written

``ValueError`` is kept for the caller's bug. A message names the thing, what was wrong, what was
wanted and what to do.
"""

from __future__ import annotations


class TaktsightError(Exception):
    """The command line prints the message alone and exits with ``exit_code``."""

    exit_code = 1


class ConfigError(TaktsightError):
    """A configuration file is missing, misspelt or contradicts another one."""

    exit_code = 2


class DataError(TaktsightError):
    """An image, a mask, a split or a data set cannot be used as it lies there."""


class BundleError(TaktsightError):
    """A bundle is damaged, signed by nobody we know, or does not fit recipe or station."""


class BackendError(TaktsightError):
    """An inference engine is absent, refuses the model, or is not the one asked for."""


class CameraError(TaktsightError):
    """A camera is absent or delivered something that is not the frame that was asked for."""


class ExportError(TaktsightError):
    """A trained model cannot be shipped; nothing was written."""


class LedgerError(TaktsightError):
    """The ledger cannot be written or its chain is broken."""


class LineError(TaktsightError):
    """The line cannot start or had to stop; every open part got its verdict first."""


class ReviewError(TaktsightError):
    """What a person asked of the review bench is refused; nothing was written."""
