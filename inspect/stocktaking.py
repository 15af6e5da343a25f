"""Images on the disk against the ledger's list of them, when a recorder starts.

A recorder that was killed, or lost its power, may have written images that it did not list. Nobody
would ever remove them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from taktsight.errors import DataError
from taktsight.image_files import decode_image
from taktsight.inspect.frame_files import FOLDER, PARTIAL, pixels_digest
from taktsight.inspect.ledger_rows import Row

log = logging.getLogger(__name__)

_NAME = re.compile(r"(?P<trigger>\d{9,})_(?P<camera>.+)_(?P<outcome>PASS|REJECT|REVIEW|UNINSPECTED)\.png")


def unlisted(records: Path, listed: set[str]) -> Iterator[Row]:
    """Rows for the frames that lie there and are not listed; what was only half written is removed."""
    for file in sorted((records / FOLDER).glob("*/*")):
        name = file.relative_to(records).as_posix()
        found = _NAME.fullmatch(file.name)
        if file.suffix == PARTIAL:
            file.unlink(missing_ok=True)
        elif found and name not in listed:
            row = _row(file, name, found)
            if row is not None:
                yield row


def _row(file: Path, name: str, found: re.Match[str]) -> Row | None:
    content = file.read_bytes()
    try:
        image = decode_image(content, name)
    except DataError as error:
        log.warning("%s; it is removed", error)
        file.unlink()
        return None
    written = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
    return {
        "run": file.parent.name,
        "trigger": int(found["trigger"]),
        "camera": found["camera"],
        "file": name,
        "sha256": pixels_digest(image),
        "outcome": found["outcome"],
        "bytes": len(content),
        "utc": written.isoformat(timespec="milliseconds"),
        "removed": None,
    }
