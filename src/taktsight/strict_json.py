"""JSON in which nothing is read in two ways: no key twice, no NaN, no bottomless nesting."""

from __future__ import annotations

import json
import math
from typing import Any


def parse_json(content: bytes) -> Any:
    """The value in UTF-8 encoded JSON.

    Raises:
        ValueError: If it is no JSON, holds a key twice or a number that is not finite.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_no_key_twice,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return content


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number
