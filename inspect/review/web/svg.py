"""Charts as SVG, drawn by the server: they need no script, and the table beneath them says the same.

Colours and type are in ``css/quality.css``; nothing here names one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from taktsight.inspect.review.web.scales import Scale

Said = Callable[[float], str]
"""A number as the axis writes it."""
WIDTH = 960


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a control chart."""

    label: str
    value: float
    centre: float | None
    lower: float | None
    upper: float
    is_out: bool
    is_hit: bool
    """Part of a pattern that a rule found."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its interval."""

    label: str
    value: float
    low: float | None
    high: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate with its interval; None where it is not known."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    said: str


def control(
    dots: Sequence[Dot],
    first: int,
    said: Said,
    names: tuple[str, str, str],
    title: str,
    least: float | None = 0.0,
) -> Markup:
    """Points, centre and limits; ``names`` are those of the upper limit, the centre and the lower one.

    Args:
        dots: from left to right.
        first: number of the first one.
        said: writes a value.
        names: beside the lines.
        title: what the picture shows, for those who do not see it.
        least: where the axis begins, if not at the least value.
    """
    height, left, right, top, bottom = 320, 64, 124, 16, 276
    values = [
        value
        for dot in dots
        for value in (dot.value, dot.upper, dot.lower, dot.centre)
        if value is not None
    ]
    low = min(values) if least is None else least
    high = max(values)
    y = Scale(low, high + 0.06 * ((high - low) or 1), bottom, top)
    x = Scale(0, max(1, len(dots) - 1), left + 12, WIDTH - right - 12)
    parts = [_grid(y, left, WIDTH - right, said)]
    for name, kind, of in zip(
        names, ("limit", "centre", "limit"), ("upper", "centre", "lower"), strict=True
    ):
        parts.append(_steps(dots, of, x, y, kind))
        last = getattr(dots[-1], of)
        if last is not None:
            parts.append(_text(WIDTH - right + 6, y(last) + 4, f"{name} {said(last)}", f"line-name {kind}"))
    path = " ".join(f"{x(place)},{y(dot.value)}" for place, dot in enumerate(dots))
    parts.append(Markup('<polyline class="series" points="{}"/>').format(path))
    parts += [_dot(x(place), y(dot.value), dot) for place, dot in enumerate(dots)]
    every = max(1, -(-len(dots) // 12))
    parts += [
        _text(x(place), bottom + 20, str(first + place), "tick middle")
        for place in range(0, len(dots), every)
    ]
    return _svg(height, parts, title)


def bars(rows: Sequence[Bar], title: str, width: int = 560) -> Markup:
    """Bars from the left, most first, each with its interval and what is said of it."""
    step, left, right, top = 34, 150, 150, 8
    most = max((row.high or row.value for row in rows), default=1.0) or 1.0
    x = Scale(0, most, left, width - right)
    parts = []
    for place, row in enumerate(rows):
        at = top + place * step
        parts.append(_text(left - 8, at + 19, _short(row.label, 20), "name end"))
        length = max(1.0, x(row.value) - left)
        parts.append(
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="20"/>').format(left, at + 4, length)
        )
        if row.low is not None and row.high is not None:
            parts.append(_whisker(x(row.low), x(row.high), at + 14))
        parts.append(_text(max(x(row.value), x(row.high or 0)) + 8, at + 19, row.said, "value"))
    return _svg(top * 2 + step * len(rows), parts, title, width)


def spans(
    rows: Sequence[Span],
    ends: tuple[float, float],
    marks: Sequence[tuple[float, str]],
    title: str,
    width: int = 640,
) -> Markup:
    """Estimates with intervals, one below the other; ``marks`` are lines across, with what they say."""
    step, left, right, top = 32, 190, 150, 30
    x = Scale(*ends, left, width - right)
    height = top + step * len(rows) + 8
    parts = []
    for value, said in marks:
        parts.append(_line(x(value), top - 6, x(value), height - 6, "mark"))
        parts.append(_text(x(value), top - 12, said, "tick middle"))
    for place, row in enumerate(rows):
        at = top + place * step + 14
        parts.append(_text(left - 12, at + 5, _short(row.label, 24), "name end"))
        parts.append(_line(left, at, width - right, at, "grid"))
        if row.low is not None and row.high is not None:
            parts.append(_whisker(x(row.low), x(row.high), at))
        if row.value is not None:
            parts.append(
                Markup('<circle class="estimate" cx="{}" cy="{}" r="6"/>').format(x(row.value), at)
            )
        parts.append(_text(width - right + 12, at + 5, row.said, "value"))
    return _svg(height, parts, title, width)


def bound(
    points: Sequence[tuple[int, float]], claim: float, claim_said: str, said: Said, title: str
) -> Markup:
    """How a bound came down while parts were looked at; the claim is a line across."""
    height, left, right, top, bottom = 280, 84, 130, 16, 236
    low = min([claim, *(value for _, value in points)]) / 2
    y = Scale(low, max([claim * 2, *(value for _, value in points)]), bottom, top, is_log=True)
    x = Scale(0, points[-1][0], left, WIDTH - right)
    parts = [_grid(y, left, WIDTH - right, said)]
    parts.append(_line(left, y(claim), WIDTH - right, y(claim), "limit"))
    parts.append(_text(WIDTH - right + 8, y(claim) + 4, claim_said, "line-name limit"))
    path = " ".join(f"{x(count)},{y(value)}" for count, value in points)
    parts.append(Markup('<polyline class="series" points="{}"/>').format(path))
    count, value = points[-1]
    parts.append(Markup('<circle class="dot" cx="{}" cy="{}" r="5"/>').format(x(count), y(value)))
    parts += [
        _text(x(tick), bottom + 20, said(tick), "tick middle") for tick in x.ticks(8) if tick == int(tick)
    ]
    return _svg(height, parts, title)


def _svg(height: float, parts: Sequence[Markup], title: str, width: int = WIDTH) -> Markup:
    kind = "drawn" if width == WIDTH else "drawn small"
    begin = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return begin.format(kind, width, height, title) + Markup("").join(parts) + Markup("</svg>")


def _grid(y: Scale, left: float, right: float, said: Said) -> Markup:
    lines = []
    for tick in y.ticks():
        lines += [
            _line(left, y(tick), right, y(tick), "grid"),
            _text(left - 8, y(tick) + 4, said(tick), "tick end"),
        ]
    return Markup("").join(lines)


def _steps(dots: Sequence[Dot], of: str, x: Scale, y: Scale, kind: str) -> Markup:
    half = (x(1) - x(0)) / 2
    corners = []
    for place, dot in enumerate(dots):
        value = getattr(dot, of)
        if value is not None:
            corners += [f"{x(place) - half:.1f},{y(value)}", f"{x(place) + half:.1f},{y(value)}"]
    return (
        Markup('<polyline class="{}" points="{}"/>').format(kind, " ".join(corners))
        if corners
        else Markup("")
    )


def _dot(x: float, y: float, dot: Dot) -> Markup:
    said = Markup("<title>{}</title>").format(dot.label)
    if dot.is_out:  # another shape, not only another colour
        corners = f"{x},{y - 8} {x + 8},{y} {x},{y + 8} {x - 8},{y}"
        return Markup('<polygon class="out" points="{}">{}</polygon>').format(corners, said)
    kind = "dot hit" if dot.is_hit else "dot"
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}">{}</circle>').format(
        kind, x, y, 5 if dot.is_hit else 3.5, said
    )


def _whisker(low: float, high: float, at: float) -> Markup:
    ends = [_line(end, at - 5, end, at + 5, "whisker") for end in (low, high)]
    return _line(low, at, high, at, "whisker") + Markup("").join(ends)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
        kind, round(x, 1), round(y, 1), escape(text)
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
