"""Where the numbers of a report come from: files and ledgers with their digests, named by short markers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from taktsight.manifest import Digest
from taktsight.quality.parts_file import file_digest
from taktsight.strict_model import StrictModel


class Source(StrictModel):
    """One thing that was read."""

    marker: str = Field(pattern=r"^D[1-9]\d*$")
    """What stands beside each number that comes from it."""
    role: str
    """What it is in this report."""
    name: str
    """Of the file or folder, without the place where it lay."""
    sha256: Digest
    digest_of: str = "the file"
    """What the digest is of."""
    rows: int | None = None
    """Parts, looks, targets or entries that were read; None where that means nothing."""

    @property
    def short(self) -> str:
        """The beginning of the digest, as it stands on every page."""
        return self.sha256[:8]


class Sources:
    """The list that grows while things are read."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Source] = {}

    def add(
        self, role: str, name: str, sha256: str, *, digest_of: str = "the file", rows: int | None = None
    ) -> str:
        """Notes a source and returns its marker; the same one twice has one marker."""
        known = self._known.get((name, sha256))
        if known is None:
            marker = f"D{len(self._known) + 1}"
            known = Source(
                marker=marker, role=role, name=name, sha256=sha256, digest_of=digest_of, rows=rows
            )
            self._known[name, sha256] = known
        return known.marker

    def add_file(self, role: str, path: Path, *, rows: int | None = None) -> str:
        """Notes a file; raises ``DataError`` where it cannot be read."""
        return self.add(role, path.name, file_digest(path), rows=rows)

    @property
    def listed(self) -> tuple[Source, ...]:
        """All of them, in the order in which they were read."""
        return tuple(self._known.values())
