"""Bundles that somebody made to harm a line, each with the words it must be refused with: the register.

The cases stand in ``malicious_*.py``, by what is attacked, and enter the register when those are imported.

Where a case is about the content, the content carries a valid signature by a key that the station allows:
whoever signed it was careless, or was robbed of the key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taktsight.stored_zip import write_stored

from .conftest import Entries, entries_of, pem_pair, redigest, write

Change = Callable[[dict[str, Any]], object]


class Shop:
    """A folder with a good bundle, a key that stations allow, and one that they do not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "flange.taktsight"
        self.records = folder / "records"
        self.key, self.public = pem_pair(folder, "plant")
        self.strange_key, self.strange_public = pem_pair(folder, "stranger")
        write(self.path, key=self.key)
        self.good = entries_of(self.path)
        self.whole = self.path.read_bytes()

    def put(self, entries: Mapping[str, bytes]) -> None:
        """Writes them as a bundle is written."""
        self.path.write_bytes(b"".join(write_stored(entries)))

    def sign(self, entries: Entries) -> None:
        """Writes them signed by the allowed key."""
        self.put(redigest(entries, self.key))

    def replace(self, old: bytes, new: bytes) -> None:
        """Changes bytes of the good bundle where they stand last: in the index."""
        assert len(old) == len(new)
        head, found, tail = self.whole.rpartition(old)
        assert found
        self.path.write_bytes(head + new + tail)

    def change_card(self, change: Change) -> None:
        """Signs a bundle with another card."""
        content = json.loads(self.good["card.json"])
        change(content)
        self.sign(self.good | {"card.json": json.dumps(content).encode()})

    def change_signature(self, change: Change) -> None:
        """Changes the signature file and leaves the rest."""
        content = json.loads(self.good["model.sig"])
        change(content)
        self.put(self.good | {"model.sig": json.dumps(content).encode()})


@dataclass(frozen=True)
class Case:
    """How it is made, and what the refusal must say."""

    build: Callable[[Shop], object]
    says: str


CASES: dict[str, Case] = {}


def case(says: str) -> Callable[[Callable[[Shop], object]], Callable[[Shop], object]]:
    """Makes a case of the function below, under its name."""

    def keep(build: Callable[[Shop], object]) -> Callable[[Shop], object]:
        assert build.__name__ not in CASES
        CASES[build.__name__] = Case(build, says)
        return build

    return keep


def add(names: Mapping[str, tuple[Callable[[Shop], object], str]]) -> None:
    """Cases that differ in a word only."""
    for name, (build, says) in names.items():
        case(says)(_named(build, name))


def _named(build: Callable[[Shop], object], name: str) -> Callable[[Shop], object]:
    build.__name__ = name
    return build
