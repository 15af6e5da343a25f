"""From a part in the PLC to its verdict in the PLC's program: our link, and pymodbus's client in a thread.

The PLC is ``tests/peers/modbus_plc.c`` on loopback, with a scan of 5 ms; both variants read it every 2 ms
and answer at once, in turns. What either adds to scan and poll is what differs. Needs a C compiler and
libmodbus-dev.

    python benchmarks/plc_round_trip.py --parts 1000 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.plc import PlcGate
from taktsight.inspect.gates.settings import PlcGateSettings
from taktsight.inspect.notes import unheard
from taktsight.inspect.plc.blocks import verdict_block
from taktsight.inspect.plc.link import PlcLink
from taktsight.inspect.plc.settings import PlcSettings
from taktsight.inspect.realtime import become_punctual
from taktsight.inspect.triggers.plc import PlcTrigger
from taktsight.inspect.triggers.settings import PlcTriggerSettings
from taktsight.records import Outcome, Verdict

SOURCE = Path(__file__).parents[1] / "tests" / "peers" / "modbus_plc.c"
TAKT_MS = 23  # no multiple of the scan: parts meet it everywhere
POLL_S = 0.002
PASS = Verdict(Outcome.PASS)


class Plc:
    """The PLC as a process; what it says is read when it has ended."""

    def __init__(self, program: Path, parts: int) -> None:
        self._process = subprocess.Popen(
            [program, "0", "8"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline().split()[1])
        self._parts = parts

    def start(self) -> None:
        """Parts begin to come."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"takt {TAKT_MS} {self._parts}\n")

    def delays_ms(self) -> list[float]:
        """Part → verdict taken, of each part that got one."""
        said, _ = self._process.communicate()
        times: dict[str, dict[int, int]] = {"part": {}, "take": {}}
        for word, number, *_, at_ns in (line.split() for line in said.splitlines() if line.count(" ") > 1):
            times.get(word, {})[int(number)] = int(at_ns)
        return [(taken_ns - times["part"][number]) / 1e6 for number, taken_ns in times["take"].items()]


def run_link(plc: Plc, parts: int) -> None:
    """As the line does: one thread, one select loop."""
    selector, notes = selectors.SelectSelector(), unheard()
    settings = PlcSettings(
        kind="modbus_tcp", host=IPv4Address("127.0.0.1"), port=plc.port, serial_registers=8, poll_ms=2
    )
    link = PlcLink(settings, selector, notes)
    trigger = PlcTrigger(PlcTriggerSettings(kind="plc"), link, notes)
    gate = PlcGate(PlcGateSettings(kind="plc"), link, trigger.number_of, notes)
    link.start(time.monotonic_ns())
    answered, is_armed = 0, False
    while answered < parts or not gate.is_settled:
        due_ns = link.next_due_ns() or 0
        for key, _ in selector.select(max(0, due_ns - time.monotonic_ns()) / 1e9):
            key.data()
        now_ns = time.monotonic_ns()
        link.advance(now_ns)
        gate.advance(now_ns)
        gate.acted()
        if not is_armed and not link.outage.reason:
            is_armed = True
            trigger.arm(now_ns, None)
            plc.start()
        while (arrival := trigger.fire(now_ns)) is not None:
            answered += 1
            came_ns = arrival.triggered_ns
            gate.act(Answer(answered, PASS, came_ns, came_ns + 10**10, None))
        link.advance(time.monotonic_ns())
    _linger(0.05)
    link.close()


def run_thread(plc: Plc, parts: int) -> None:
    """pymodbus's client in a thread with an asyncio loop; ours answers through a socket pair."""
    ours, theirs = socket.socketpair()
    loop = asyncio.new_event_loop()
    waiting: list[tuple[int, Outcome]] = []
    ended = threading.Event()

    def talk() -> None:
        loop.run_until_complete(_poll(plc, waiting, theirs, ended))

    thread = threading.Thread(target=talk)
    thread.start()
    for _ in range(parts):
        number = int.from_bytes(ours.recv(2), "big")
        loop.call_soon_threadsafe(waiting.append, (number, Outcome.PASS))
    _linger(0.1)
    ended.set()
    thread.join()
    loop.close()
    ours.close()
    theirs.close()


async def _poll(
    plc: Plc, waiting: list[tuple[int, Outcome]], told: socket.socket, ended: threading.Event
) -> None:
    from pymodbus.client import AsyncModbusTcpClient

    client = AsyncModbusTcpClient("127.0.0.1", port=plc.port, timeout=1)
    await client.connect()
    plc.start()
    counter, handshake = 0, 0
    while not ended.is_set():
        read = await client.read_holding_registers(0, count=13, device_id=1)
        for number in range(counter + 1, read.registers[0] + 1):
            told.send(number.to_bytes(2, "big"))
        counter = read.registers[0]
        if waiting:
            handshake += 1
            block = verdict_block(handshake, handshake, True, waiting[::-1])
            waiting.clear()
            await client.write_registers(100, block, device_id=1)
        await asyncio.sleep(POLL_S)
    client.close()


def _linger(time_s: float) -> None:
    """Until the PLC has scanned its last verdict."""
    time.sleep(time_s)


def main() -> None:
    """Measures, prints, writes ``results/plc_round_trip.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    variants: dict[str, Callable[[Plc, int], None]] = {"link": run_link, "thread": run_thread}
    delays: dict[str, list[float]] = {name: [] for name in variants}
    refused = become_punctual()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "plc"
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "--libs", "libmodbus"], text=True
        ).split()
        subprocess.run(["cc", "-O1", "-o", program, SOURCE, *flags], check=True)
        for _ in range(arguments.rounds):
            for name, run in variants.items():
                plc = Plc(program, arguments.parts)
                run(plc, arguments.parts)
                delays[name] += plc.delays_ms()
    rows = []
    for name, times_ms in delays.items():
        p50, p99, p999 = (round(float(value), 2) for value in np.percentile(times_ms, (50, 99, 99.9)))
        print(
            f"{name:<8} p50 {p50} ms, p99 {p99} ms, p99.9 {p999} ms, max {max(times_ms):.2f} ms, "
            f"{len(times_ms)} of {arguments.parts * arguments.rounds} parts"
        )
        worst = round(max(times_ms), 2)
        parts = len(times_ms)
        rows.append(
            {
                "variant": name,
                "p50_ms": p50,
                "p99_ms": p99,
                "p999_ms": p999,
                "max_ms": worst,
                "parts": parts,
            }
        )
    write_result("plc_round_trip", {"rows": rows, "refused": refused, **circumstances()})


if __name__ == "__main__":
    main()
