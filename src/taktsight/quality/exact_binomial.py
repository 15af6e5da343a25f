"""The exact binomial test of "at most α of such parts": how many misses it allows, how many parts it needs.

A claim "the rate is at most α" is shown with confidence 1 − δ by k events in n independent parts just where
BinomCDF(k; n, α) ≤ δ: were the rate any higher, so few events would be rarer than δ.
"""

from __future__ import annotations

from collections.abc import Callable

from scipy.special import bdtr

from taktsight.errors import ConfigError

MAX_PARTS = 10**9
"""More parts than any study has; a plan that would need more is refused."""


def p_value(events: int, parts: int, alpha: float) -> float:
    """The chance of so few events or fewer, were the true rate ``alpha``.

    >>> round(p_value(0, 299, 0.01), 4), round(p_value(0, 298, 0.01), 4)
    (0.0495, 0.05)
    """
    _check(alpha)
    if not 0 <= events <= parts:
        raise ValueError(f"0 ≤ events ≤ parts is needed, got {events} of {parts}")
    return float(bdtr(events, parts, alpha)) if parts else 1.0


def allowed_events(parts: int, alpha: float, delta: float) -> int | None:
    """The most events in so many parts that still show a rate of at most ``alpha``; None where none do.

    >>> allowed_events(1000, 0.01, 0.05), allowed_events(299, 0.01, 0.05), allowed_events(298, 0.01, 0.05)
    (4, 0, None)
    """
    _check(alpha, delta)
    if p_value(0, parts, alpha) > delta:
        return None
    return _last(lambda events: p_value(events, parts, alpha) <= delta, 0, parts)


def parts_needed(events: int, alpha: float, delta: float) -> int:
    """The fewest parts in which so many events still show a rate of at most ``alpha``.

    >>> parts_needed(0, 0.01, 0.05), parts_needed(4, 0.01, 0.05)
    (299, 913)

    Raises:
        ConfigError: If it takes more than any study has.
    """
    _check(alpha, delta)
    too_few = max(events, 1)
    if p_value(min(events, too_few), too_few, alpha) <= delta:
        return too_few
    enough = 2 * too_few
    while p_value(events, enough, alpha) > delta:
        enough *= 2
        if enough > MAX_PARTS:
            raise ConfigError(
                f"a rate of at most {alpha:g} takes more than {MAX_PARTS:,} parts; claim less"
            )
    return _last(lambda parts: p_value(events, parts, alpha) > delta, too_few, enough) + 1


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last number that it holds for: it does at ``low`` and does not at ``high``."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _check(alpha: float, delta: float = 0.05) -> None:
    for name, value in (("alpha", alpha), ("delta", delta)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
