"""Inputs and outputs by gpiod 2, imported here and nowhere else. Kernel timestamps are monotonic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import LineError

if TYPE_CHECKING:
    from gpiod import LineRequest, LineSettings
    from gpiod.line import Edge

    from taktsight.inspect.gpio.settings import GpioInput

CONSUMER = "taktsight"
EVENTS = 1024
"""Edges that the kernel keeps while the line is busy; more are lost, and their numbers tell."""


def input_settings(settings: GpioInput, edge: str) -> LineSettings:
    """How an input is asked for: ``edge`` is rising, falling or both, of the active level."""
    _require_gpiod()
    from gpiod import LineSettings
    from gpiod.line import Bias, Clock, Direction

    return LineSettings(
        direction=Direction.INPUT,
        edge_detection=_edge(edge),
        bias=Bias[settings.bias.upper()],
        active_low=settings.active_low,
        debounce_period=timedelta(milliseconds=settings.debounce_ms),
        event_clock=Clock.MONOTONIC,
    )


def output_settings(*, active_low: bool) -> LineSettings:
    """How an output is asked for: at rest until it is set."""
    _require_gpiod()
    from gpiod import LineSettings
    from gpiod.line import Direction, Value

    return LineSettings(direction=Direction.OUTPUT, active_low=active_low, output_value=Value.INACTIVE)


def request(chip: Path, lines: Sequence[int | str], settings: LineSettings) -> LineRequest:
    """The lines of a chip, for this process alone until it lets go.

    Raises:
        LineError: If there is no such chip or line, or somebody else has it.
    """
    _require_gpiod()
    import gpiod

    if not gpiod.is_gpiochip_device(str(chip)):
        raise LineError(f"gpio: there is no chip {chip}; 'gpiodetect' lists those that there are")
    config: dict[Iterable[int | str] | int | str, LineSettings | None] = {tuple(lines): settings}
    try:  # one request, so that all of them come and go together
        return gpiod.request_lines(str(chip), config, CONSUMER, EVENTS)
    except PermissionError as error:
        raise LineError(f"gpio: {chip} belongs to others: put the line's user into its group") from error
    except (OSError, ValueError) as error:
        names = ", ".join(map(str, lines))
        raise LineError(
            f"gpio: line {names} of {chip} cannot be had: {error}; 'gpioinfo' lists lines and who has them"
        ) from error


@dataclass(frozen=True, slots=True)
class LineState:
    """What the kernel says of a line."""

    name: str
    """"" where the chip has none for it."""
    user: str
    """Who has it; "" where nobody has."""
    direction: str
    """input or output."""


def look_at(chip: Path, line: int | str) -> LineState:
    """How a line is now, without requesting it.

    Raises:
        LineError: If there is no such chip or line.
    """
    _require_gpiod()
    import gpiod

    if not gpiod.is_gpiochip_device(str(chip)):
        raise LineError(f"gpio: there is no chip {chip}; 'gpiodetect' lists those that there are")
    try:
        with gpiod.Chip(str(chip)) as opened:
            state = opened.get_line_info(line)
    except (OSError, ValueError) as error:
        raise LineError(f"gpio: line {line} of {chip} cannot be looked at: {error}") from error
    user = (state.consumer or "the kernel") if state.used else ""
    return LineState(state.name or "", user, state.direction.name.lower())


def set_levels(outputs: LineRequest, levels: dict[int | str, bool]) -> None:
    """Sets outputs, all at once.

    Raises:
        LineError: If the chip does not take it.
    """
    from gpiod.line import Value

    try:
        outputs.set_values({line: Value(int(is_active)) for line, is_active in levels.items()})
    except OSError as error:
        raise LineError(f"gpio: output {', '.join(map(str, levels))} cannot be set: {error}") from error


def _edge(edge: str) -> Edge:
    from gpiod.line import Edge

    return Edge[edge.upper()]


def _require_gpiod() -> None:
    try:
        import gpiod  # noqa: F401
    except ImportError as error:
        raise LineError("gpio: gpiod is not installed; pip install 'taktsight[gpio]'") from error
