"""Which code this is: a digest that a training, a bundle and a person can compare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import taktsight


def code_digest() -> str:
    """SHA-256 over every Python file of the package, in the order of their paths."""
    root = Path(taktsight.__file__).parent
    digest = hashlib.sha256()
    files = {
        str(path.relative_to(root)): path for folder in _folders(root) for path in folder.rglob("*.py")
    }
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name].read_bytes())
    return digest.hexdigest()


def _folders(root: Path) -> list[Path]:
    """The package and its linked folders: ``rglob`` follows no links by itself."""
    return [root, *(path for path in root.iterdir() if path.is_symlink())]
