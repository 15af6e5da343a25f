"""The gates that a station file can name. Strict; the unit is in every name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.inspect.gpio.settings import Chip, LineName
from taktsight.strict_model import StrictModel


class DryRunSettings(StrictModel):
    """A gate that moves nothing."""

    kind: Literal["dry_run"]
    file: Path | None = None
    """Each action is appended to this file: trigger, outcome, monotonic ns."""


class PlcGateSettings(StrictModel):
    """The station's PLC moves the gate; it gets each part's number and verdict."""

    kind: Literal["plc"]
    heartbeat_ms: float = Field(default=100, ge=10, le=10_000)
    """So often the line's heartbeat changes, ms."""
    acknowledge_within_ms: float = Field(default=500, ge=10, le=60_000)
    """The PLC's program has taken a verdict after so long, or the gate counts as out of order, ms."""


class GpioGateSettings(StrictModel):
    """Outputs of this computer. The resting level of every one of them is the safe one."""

    kind: Literal["gpio"]
    chip: Chip = Path("/dev/gpiochip0")
    pass_line: LineName
    """Active while the gate may let a part through; at rest parts are rejected."""
    not_pass_line: LineName | None = None
    """Active for each part that did not pass, for an ejector. Not fail-safe alone: see heartbeat_line."""
    heartbeat_line: LineName | None = None
    """Changes every heartbeat_ms while the line works: a relay that drops out without it stops the belt."""
    active_low: bool = False
    """The active level of all of them is low."""
    heartbeat_ms: float = Field(default=50, ge=5, le=10_000)
    delay_ms: float | None = Field(default=None, gt=0, le=600_000)
    """Trigger → pulse, ms. Absent, as distance_mm: the pulse begins with the verdict."""
    distance_mm: float | None = Field(default=None, gt=0, le=100_000)
    """Trigger → pulse by the way of the belt, mm; the station needs an encoder."""
    width_ms: float = Field(gt=0, le=60_000)
    """Length of a pulse, ms. The next part's pulse ends it: it never reaches into another part."""
    late_ms: float = Field(default=5.0, gt=0)
    """A pulse that would begin so much after its time is not given, ms: it would meet another part."""
    late_mm: float = Field(default=5.0, gt=0)
    """The same by the way of the belt, mm."""

    @model_validator(mode="after")
    def _contradictions(self) -> GpioGateSettings:
        if self.delay_ms is not None and self.distance_mm is not None:
            raise ValueError("delay_ms and distance_mm both say when the pulse begins: leave one out")
        lines = [self.pass_line, self.not_pass_line, self.heartbeat_line]
        used = [line for line in lines if line is not None]
        if len({*used}) < len(used):
            raise ValueError("one output stands for two things: pass_line, not_pass_line, heartbeat_line")
        return self


GateSettings = Annotated[DryRunSettings | PlcGateSettings | GpioGateSettings, Field(discriminator="kind")]
