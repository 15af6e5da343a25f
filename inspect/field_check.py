"""What ``taktsight check`` finds between the line and its hardware: PLC, inputs, outputs."""

from __future__ import annotations

from collections.abc import Iterator

from taktsight.errors import LineError
from taktsight.inspect.config import Station
from taktsight.inspect.gates.settings import GpioGateSettings
from taktsight.inspect.gpio.chip import LineState, look_at
from taktsight.inspect.gpio.settings import Chip, GpioInput
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.plc.blocks import VERDICT_REGISTERS, PartBlock
from taktsight.inspect.plc.probe import Heard, PlcProbe
from taktsight.inspect.plc.settings import PlcSettings

WRITES = 2
"""Answers that a verdict may have to wait for: of the reading before it, and its own."""


def check_field(station: Station) -> Iterator[Finding]:
    """PLC first, then inputs and outputs. Nothing is written, requested or moved."""
    if station.plc is not None:
        yield from _check_plc(station, station.plc)
    for name, settings in (("trigger", station.trigger), ("encoder", station.encoder)):
        if isinstance(settings, GpioInput):
            yield _check_line(settings.chip, settings.line, name)
    gate = station.gate
    if isinstance(gate, GpioGateSettings):
        for line in (gate.pass_line, gate.not_pass_line, gate.heartbeat_line):
            if line is not None:
                yield _check_line(gate.chip, line, "gate")


def _check_plc(station: Station, settings: PlcSettings) -> Iterator[Finding]:
    name = f"{settings.kind} {settings.host}:{settings.port}"
    try:
        heard = PlcProbe(settings).hear()
    except LineError as error:
        yield Finding("fix", "plc", str(error))
        return
    if heard.block is None:
        yield Finding("fix", "plc", f"{name}: {heard.trouble}")
        return
    yield Finding("ok", "plc", f"{name} answers, p50 {heard.answer_ms:.1f} ms")
    yield _check_heartbeat(settings, heard, heard.block)
    yield Finding("ok", "plc", _said(settings, heard.block))
    if station.gate.kind == "plc":
        yield _check_verdicts(settings, heard)
        yield from _check_times(station, settings, heard)


def _check_heartbeat(settings: PlcSettings, heard: Heard, block: PartBlock) -> Finding:
    register = settings.read_from + 1
    if settings.heartbeat_within_ms is None:
        text = "heartbeat_within_ms is null: a PLC whose program has stopped goes unnoticed"
        return Finding("note", "plc", text)
    if heard.heartbeats < 2:
        text = f"its heartbeat stands at {block.heartbeat}: its program has stopped, or leaves out register"
        return Finding("fix", "plc", f"{text} {register}")
    return Finding("ok", "plc", f"its heartbeat changes, register {register}")


def _said(settings: PlcSettings, block: PartBlock) -> str:
    said = f"part counter {block.counter}, acknowledged {block.acknowledged}, encoder {block.encoder}"
    if not settings.serial_registers:
        return said
    serial = repr(block.serial) if block.is_serial_readable else "not printable ASCII"
    return f"{said}, serial {serial}"


def _check_verdicts(settings: PlcSettings, heard: Heard) -> Finding:
    first, last = settings.write_to, settings.write_to + VERDICT_REGISTERS - 1
    if heard.verdict_trouble:
        text = f"its verdict block cannot be read back: {heard.verdict_trouble}"
        return Finding("fix", "plc", text)
    return Finding("ok", "plc", f"it has the verdict block, registers {first} to {last}; not written now")


def _check_times(station: Station, settings: PlcSettings, heard: Heard) -> Iterator[Finding]:
    wanted_ms = WRITES * heard.answer_ms
    if station.gate_margin_ms < wanted_ms:
        text = (
            f"gate_margin_ms {station.gate_margin_ms:g} is less than {WRITES} of its answers take: passes"
        )
        yield Finding("note", "plc", f"{text} will be late; take {wanted_ms:.1f} and the PLC's own cycle")
    if station.trigger.kind == "plc" and settings.poll_ms + heard.answer_ms > station.deadline_ms / 4:
        noticed_ms = settings.poll_ms + heard.answer_ms
        text = f"a part is noticed {noticed_ms:.0f} ms late at most, much of its deadline: shorten poll_ms"
        yield Finding("note", "plc", text)


def _check_line(chip: Chip, line: int | str, what: str) -> Finding:
    try:
        state = look_at(chip, line)
    except LineError as error:
        return Finding("fix", "gpio", str(error))
    return _said_of(state, f"{what}: line {line} of {chip}")


def _said_of(state: LineState, name: str) -> Finding:
    if state.user:
        return Finding("fix", "gpio", f"{name} is used by {state.user!r}: end it, or take another line")
    return Finding(
        "ok", "gpio", f"{name} ({state.name or 'without a name'}) is free, an {state.direction} now"
    )
