"""Limits of phase I, kept in the chained log: who froze which, and why."""

from __future__ import annotations

from datetime import datetime, timezone

from taktsight.errors import ReviewError
from taktsight.inspect.review.figures.control import Asked, Charted
from taktsight.inspect.review.figures.noted import noted
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.quality.spc_limits import FrozenLimits

FREEZE, RELEASE = "freeze limits", "release limits"


def frozen_limits(store: ReviewStore, asked: Asked) -> FrozenLimits | None:
    """The limits that hold for a chart; None where none were frozen, or they were let go."""
    rows = [row for row in noted(store, (FREEZE, RELEASE), 0) if row.subject == asked.subject]
    if not rows or rows[-1].action == RELEASE:
        return None
    return FrozenLimits.model_validate(rows[-1].new | {name: tuple(rows[-1].new[name]) for name in _TUPLES})


_TUPLES = ("excluded", "stayed")


def freeze(store: ReviewStore, actor: str, asked: Asked, charted: Charted, why: str) -> None:
    """From now on later points are held against the limits of this chart.

    Raises:
        ReviewError: If they are frozen already, or a point is out and nothing says why it stays in.
    """
    if charted.frozen is not None:
        raise ReviewError("these limits are frozen; release them first")
    if charted.chart.out and not why.strip():
        raise ReviewError(
            f"point {', '.join(map(str, charted.chart.out))} is out: say why it stays in, or that no cause "
            "was found"
        )
    limits = FrozenLimits(
        limits=charted.chart.limits,
        rules="nelson",
        points=len(charted.chart.points),
        stayed=charted.chart.out,
        why=why.strip(),
        data_sha256="",
        frozen_utc=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
    )
    store.note(actor, FREEZE, asked.subject, None, limits.model_dump(mode="json"), why[:2000])


def release(store: ReviewStore, actor: str, asked: Asked, why: str) -> None:
    """Limits come from the points shown again.

    Raises:
        ReviewError: If none are frozen, or nothing says why.
    """
    held = frozen_limits(store, asked)
    if held is None:
        raise ReviewError("no limits are frozen for this chart")
    if not why.strip():
        raise ReviewError("say why the limits no longer hold")
    store.note(actor, RELEASE, asked.subject, held.model_dump(mode="json"), None, why[:2000])
