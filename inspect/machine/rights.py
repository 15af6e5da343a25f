"""What the operating system grants the line: punctuality, locked memory, room for a camera's frames."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import PYTHON, Probe

TRY = (PYTHON, "-m", "taktsight.inspect.machine.punctual")
LIMITS = "/etc/security/limits.d/taktsight.conf"
GRANT = rf"printf '* - rtprio 60\n* - memlock unlimited\n' | sudo tee {LIMITS}   # then log in again"
BUFFER_BYTES = 32 << 20
"""Of a socket: about a GigE camera's frame of 5 MP with what comes while the driver sleeps."""
RMEM = "/proc/sys/net/core/rmem_max"


def check_rights(probe: Probe) -> Iterator[Finding]:
    """What was granted when it was tried, and the limits behind it."""
    said = probe.text("/proc/self/limits")
    priority, locked = _limit(said, "Max realtime priority"), _limit(said, "Max locked memory")
    limits = f"rtprio {priority}, memlock {locked}"
    ran = probe.run(TRY)
    refused = ran.text.splitlines()
    if ran.status != 0:
        yield Finding("note", "schedule", f"could not be tried (status {ran.status}); {limits}")
    elif refused:
        said = " and ".join(sentence.split(":")[0] for sentence in refused)
        text = f"{said} ({limits}): verdicts can be late by 10 ms on a busy machine"
        yield Finding("note", "schedule", text, GRANT)
    else:
        yield Finding("ok", "schedule", f"SCHED_FIFO and mlockall are granted ({limits})")
    yield from _check_buffer(probe.text(RMEM))


def _check_buffer(said: str) -> Iterator[Finding]:
    if not said.isdigit():
        return
    text = f"net.core.rmem_max {int(said) / 2**20:.1f} MiB"
    if int(said) >= BUFFER_BYTES:
        yield Finding("ok", "network", f"{text}: room for a GigE camera's frames")
    else:
        text += f": a GigE camera would want 'sudo sysctl -w net.core.rmem_max={BUFFER_BYTES}'"
        yield Finding("ok", "network", f"{text}, others do not care")


def _limit(said: str, name: str) -> str:
    """The soft limit, as the kernel prints it; memory in KiB."""
    found = re.search(rf"(?m)^{name}\s+(\S+)", said)
    if found is None:
        return "unknown"
    is_memory = name == "Max locked memory" and found[1].isdigit()
    return f"{int(found[1]) >> 10} KiB" if is_memory else found[1]
