"""Checks a station before it runs: file, bundle, machine, PLC, cameras, disk, golden samples, speed.

Each line is one finding; "fix" says what to do, and the exit status is 1 where it would stop the line.
What stands behind "$" can be typed. Without a station the machine alone is looked at: board, JetPack,
CUDA, TensorRT, power mode, clocks, processor, memory, engines, real-time rights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from taktsight.bundle import read_bundle
from taktsight.card import Card
from taktsight.errors import TaktsightError
from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.cameras.findings import camera_findings, tried_cameras
from taktsight.inspect.certified import found_at
from taktsight.inspect.config import Station, load_station
from taktsight.inspect.disk_check import check_disk
from taktsight.inspect.endpoint_port import why_unheard
from taktsight.inspect.field_check import check_field
from taktsight.inspect.fit import Setup, read_setup
from taktsight.inspect.machine.demand import Demand
from taktsight.inspect.machine.examine import examine
from taktsight.inspect.machine.finding import Finding, Grade
from taktsight.inspect.machine.network import check_network
from taktsight.inspect.machine.probe import this_machine
from taktsight.inspect.quality_check import check_quality
from taktsight.quality.standing import standing
from taktsight.recipe import View

STYLES: dict[Grade, str] = {"ok": "green", "note": "yellow", "fix": "bold red"}
SOON_DAYS = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The station, or none."""
    parser.add_argument(
        "station", type=Path, nargs="?", metavar="STATION.yaml", help="absent: the machine alone is checked"
    )
    parser.add_argument(
        "--machine", action="store_true", help="the machine alone, as to the station where one is given"
    )


def main(arguments: argparse.Namespace) -> int:
    """Exit status 1 if something would stop the line, 2 if the station file is wrong."""
    console = Console(highlight=False, soft_wrap=True)
    station = None if arguments.station is None else load_station(arguments.station)
    would_stop = False
    today = datetime.now(timezone.utc).date()
    if arguments.machine or station is None:
        findings = check_machine(station, today)
    else:
        findings = check(station, today)
    for finding in findings:
        would_stop |= finding.grade == "fix"
        grade = f"[{STYLES[finding.grade]}]{finding.grade:<5}[/]"
        console.print(f"{grade}{finding.subject:<12} {escape(finding.text)}")
        if finding.command:
            console.print(f"{'':<18}[bold]$ {escape(finding.command)}[/]")
    return int(would_stop)


def check_machine(station: Station | None, today: date) -> Iterator[Finding]:
    """The machine, and what it means for a station's engine and bundle."""
    if station is None:
        yield from examine(this_machine())
        return
    try:
        setup = read_setup(station, today)
    except TaktsightError as error:
        yield Finding("fix", "bundle", str(error))
        yield from examine(this_machine(), Demand(engine_name(station.backend)))
    else:
        yield from examine(this_machine(), _demand(station, setup))


def check(station: Station, today: date) -> Iterator[Finding]:
    """Every finding, the cheap ones first."""
    yield Finding("ok", "station", f"{station.name!r}: no mistake in the file")
    hinders = digest = ""
    try:
        setup = read_setup(station, today)
    except TaktsightError as error:
        yield Finding("fix", "bundle", str(error))
        demand, hinders = Demand(engine_name(station.backend)), "bundle"
    else:
        yield from _check_setup(station, setup, today)
        yield from camera_findings(station, setup.bundle.card.canvas.channels)
        demand, digest = _demand(station, setup), setup.bundle.digest
    yield from check_network(this_machine(), station.cameras)
    for finding in examine(this_machine(), demand):
        if (finding.grade, finding.subject) == ("fix", "gpu"):
            hinders = "gpu"  # where the driver hangs, the engine would wait for it without end
        yield finding
    yield _check_clock()
    yield _check_cores(station)
    yield from check_field(station)
    yield from _check_metrics(station)
    yield from check_disk(station)
    yield from check_quality(station, digest)
    if hinders:
        yield from tried_cameras(station.cameras, _channels(station))
        yield Finding("note", "vision", f"not tried, nor the speed: mend the {hinders} first")
    else:
        yield from _check_speed(station, today)


def _channels(station: Station) -> int:
    """As the bundle wants frames; of one that nobody can read, grey ones."""
    try:
        return read_bundle(station.bundle).card.canvas.channels
    except TaktsightError:
        return 1


def _check_metrics(station: Station) -> Iterator[Finding]:
    if station.metrics is None:
        return
    where = f"{station.metrics.address} port {station.metrics.port}"
    why = why_unheard(station.metrics)
    if why:
        said = f"{where} cannot be listened at: {why}; does this line run already? Else name another port"
        yield Finding("note", "metrics", said)
    else:
        yield Finding("ok", "metrics", f"{where} is free")


def _check_setup(station: Station, setup: Setup, today: date) -> Iterator[Finding]:
    bundle, recipe = setup.bundle, setup.recipe
    grade: Grade = "ok" if bundle.signed_by else "note"
    signed = (
        f"signed by {bundle.signed_by:.16}"
        if bundle.signed_by
        else "signature not looked at: allowed_keys is empty, any whole bundle would be accepted"
    )
    version = f"version {bundle.card.version}"
    yield Finding(grade, "bundle", f"{bundle.card.name}: whole, {version}, {bundle.digest:.12}, {signed}")
    yield from _check_age(station, bundle.card, today)
    source = station.recipe or "the card's own limits"
    labels = ", ".join(bundle.card.labels)
    yield Finding("ok", "recipe", f"{recipe.product!r} ({source}) fits: labels {labels}")
    for view in recipe.views:
        if view.reference is not None and view.reference_sha256 is not None:
            text = f"view {view.camera} is compared with {view.reference}, {view.reference_sha256:.12}"
            yield Finding("ok", "template", text)
        yield _check_health(view)
    if station.golden is not None:
        names = ", ".join(part.name for part in station.golden.parts)
        every_h = station.golden.every_h
        when = "at each start" if every_h is None else f"at each start and every {every_h:g} h"
        yield Finding("ok", "golden parts", f"{names} must be judged right {when}, or the line holds")
    point = bundle.card.operating_point
    rate = f"{point.escapes} of {point.defective} defective parts passed, at most {point.escape_upper:.1%}"
    yield Finding("ok", "proof", f"{rate} of such (95 %), measured on {point.measured_on}")
    yield _check_certificate(station, setup)


def _check_certificate(station: Station, setup: Setup) -> Finding:
    certificate = setup.bundle.certificate
    if certificate is None:
        return Finding("note", "certificate", "none: no bound on escapes was certified; taktsight certify")
    now = standing(certificate, found_at(station, setup))
    if now.state == "VALID":
        text = f"VALID: {'; '.join(claim.subject for claim in certificate.claims)} as certified"
        return Finding("ok", "certificate", f"{text} on {certificate.issued}")
    return Finding("note", "certificate", str(now))


def _check_health(view: View) -> Finding:
    if view.health is None or not view.health.bands:
        text = f"view {view.camera} has no bands, so blurred frames are judged: taktsight health learn"
        return Finding("note", "health", text)
    then = "UNINSPECTED" if view.health.when_out == "uninspected" else "an alarm"
    bands = ", ".join(view.health.bands)
    return Finding("ok", "health", f"view {view.camera}: {bands}; out of band: {then}")


def _demand(station: Station, setup: Setup) -> Demand:
    models = setup.bundle.models
    model = models.get(station.backend.precision, setup.bundle.model)
    return Demand(engine_name(station.backend), len(model) / 1e6)


def _check_age(station: Station, card: Card, today: date) -> Iterator[Finding]:
    if card.expires is not None:
        days = (card.expires - today).days
        grade: Grade = "ok" if days >= SOON_DAYS else "note"
        yield Finding(grade, "expiry", f"the bundle's last day is {card.expires}, {days} days from today")
    if station.rollback_to is not None:
        text = f"rollback_to: {station.rollback_to} lets an older bundle run; remove it once that is over"
        yield Finding("note", "rollback", text)


def _check_clock() -> Finding:
    resolution_ns = time.get_clock_info("monotonic").resolution * 1e9
    return Finding(
        "ok" if resolution_ns <= 1000 else "fix", "clock", f"monotonic, resolution {resolution_ns:.0f} ns"
    )


def _check_cores(station: Station) -> Finding:
    cores = len(os.sched_getaffinity(0))
    threads = station.backend.threads or cores
    if cores < 2:
        return Finding("note", "cores", "1 core: the line and the engine take turns; 2 or more are wanted")
    if threads > cores:
        return Finding("note", "cores", f"backend.threads {threads} on {cores} cores: set it to {cores}")
    return Finding("ok", "cores", f"{cores}, of which the engine uses {threads}")


def _check_speed(station: Station, today: date) -> Iterator[Finding]:
    """Cameras, engine, golden samples, and whether there is time: all as vision does it."""
    from taktsight.inspect.pace import measure_cycles_ms, wait_for_a_wire

    try:
        times_ms = measure_cycles_ms(station, today)
    except TaktsightError as error:
        yield Finding("fix", "vision", str(error))
        return
    yield Finding(
        "ok", "vision", "cameras deliver, the engine is the one asked for, golden samples are judged right"
    )
    for name in sorted(wait_for_a_wire(station)):
        yield Finding(
            "note", "camera", f"{name}: is as asked for, and waits for its sensor: no frame was seen"
        )
    median_ms, slowest_ms = times_ms[len(times_ms) // 2], times_ms[int(0.99 * (len(times_ms) - 1))]
    within_ms = station.answer_within_ns / 1e6
    text = f"p50 {median_ms:.1f} ms, p99 {slowest_ms:.1f} ms of {len(times_ms)} inspections"
    if median_ms >= within_ms:
        yield Finding("fix", "speed", f"{text}: no verdict would be there within {within_ms:g} ms")
    elif slowest_ms >= within_ms:
        yield Finding("note", "speed", f"{text}: parts will be late, {within_ms:g} ms are there for each")
    elif station.takt_ms is not None and median_ms >= station.takt_ms:
        yield Finding("fix", "speed", f"{text}: slower than the takt of {station.takt_ms:g} ms")
    else:
        yield Finding("ok", "speed", f"{text}; {within_ms:g} ms are there for each")
