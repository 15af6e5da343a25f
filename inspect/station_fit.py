"""What contradicts itself on the field side of a station: trigger, gate, PLC and encoder."""

from __future__ import annotations

from collections.abc import Iterator, Set

from taktsight.inspect.belt_settings import EncoderSettings
from taktsight.inspect.gates.settings import GateSettings, GpioGateSettings
from taktsight.inspect.plc.settings import PlcSettings
from taktsight.inspect.triggers.settings import TriggerSettings


def field_contradictions(
    trigger: TriggerSettings,
    gate: GateSettings,
    plc: PlcSettings | None,
    encoder: EncoderSettings | None,
    deadline_ms: float,
    cameras: Set[str],
) -> list[str]:
    """Every contradiction, in words."""
    return [
        *_missing(trigger, gate, plc, encoder),
        *_camera(trigger, cameras),
        *_pulse(trigger, gate, deadline_ms),
    ]


def _missing(
    trigger: TriggerSettings, gate: GateSettings, plc: PlcSettings | None, encoder: EncoderSettings | None
) -> Iterator[str]:
    kinds = {"trigger": trigger.kind, "gate": gate.kind, "encoder": encoder.kind if encoder else ""}
    users = [name for name, kind in kinds.items() if kind == "plc"]
    if users and plc is None:
        yield f"{' and '.join(users)} of kind plc: the station names no plc"
    if plc is not None and not users:
        yield "plc: neither trigger nor gate nor encoder is of kind plc: leave it out"
    is_measured = isinstance(gate, GpioGateSettings) and gate.distance_mm is not None
    if encoder is None and trigger.kind == "encoder":
        yield "trigger of kind encoder: the station names no encoder"
    if encoder is None and is_measured:
        yield "gate.distance_mm: the station names no encoder"
    if encoder is not None and trigger.kind != "encoder" and not is_measured:
        yield "encoder: neither the trigger nor gate.distance_mm uses it: leave it out"


def _camera(trigger: TriggerSettings, cameras: Set[str]) -> Iterator[str]:
    if trigger.kind != "camera":
        return
    if trigger.camera not in cameras:
        yield f"trigger.camera {trigger.camera!r}: the cameras are {', '.join(sorted(cameras))}"
    if trigger.takt_ms is not None and trigger.takt_ms < trigger.min_takt_ms:
        yield (
            f"trigger.takt_ms {trigger.takt_ms:g} is below min_takt_ms {trigger.min_takt_ms:g}: every "
            "other part would count as a bounce"
        )


def _pulse(trigger: TriggerSettings, gate: GateSettings, deadline_ms: float) -> Iterator[str]:
    if not isinstance(gate, GpioGateSettings):
        return
    if gate.delay_ms is not None and deadline_ms > gate.delay_ms:
        yield (
            f"deadline_ms {deadline_ms:g} is later than gate.delay_ms {gate.delay_ms:g}: the part is at "
            "the gate then, and its verdict must be there before"
        )
    takt_ms = 0.0
    if trigger.kind == "timer":
        takt_ms = trigger.takt_ms
    elif trigger.kind in ("gpio", "camera"):
        takt_ms = trigger.min_takt_ms
    if takt_ms and gate.width_ms > takt_ms:
        yield f"gate.width_ms {gate.width_ms:g} reaches into the next part, {takt_ms:g} ms behind"
