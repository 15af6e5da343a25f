"""A station file as a table: what stands in it, key by key, and nothing that is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HIDDEN = "•••"
MOST_ROWS = 500
_SECRET = re.compile(r"password|passwd|secret|token|pin$|api_?key|user$|username", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def rows_of_file(path: Path) -> tuple[tuple[str, str], ...]:
    """Key and value of everything that the file says; empty where it cannot be read.

    A camera's address may hold a login, which is for nobody who reads this.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ()
    return tuple(_rows("", content))[:MOST_ROWS]


def _rows(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _rows(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        for place, inner in enumerate(value, start=1):
            yield from _rows(f"{key}[{place}]", inner)
    else:
        yield key, _said(key, value)


def _said(key: str, value: Any) -> str:
    if _SECRET.search(key.rpartition(".")[2]):
        return HIDDEN
    if isinstance(value, list):
        return ", ".join(_said(key, each) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "–" if value is None else _LOGIN.sub(f"{HIDDEN}@", str(value))
