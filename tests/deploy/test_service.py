"""The systemd unit: systemd understands it, it grants what a line needs and no more."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from taktsight.cli import VERBS
from taktsight.inspect.commands import run
from taktsight.inspect.realtime import FIFO_PRIORITY

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "taktsight@.service").read_text(encoding="utf-8")
EXPOSURE = 20
"""Tenths of systemd's scale. What is left open is the GPU, generated code and real time."""
# Of the 76 that strace saw of 'taktsight run', those which a stricter filter would be likeliest to lack.
CALLS = (
    "mbind",
    "sched_setaffinity",
    "clone3",
    "ioctl",
    "mlockall",
    "sched_setscheduler",
    "memfd_create",
    "prctl",
    "socketpair",
    "fdatasync",
)
"""System calls without which a line is late or does not start."""


def value(key: str) -> str:
    """Of a key that stands once in the unit."""
    (found,) = re.findall(rf"(?m)^{key}=(.*)$", UNIT)
    return str(found)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What systemd says; no service manager is asked."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def installed(folder: Path, unit: str = UNIT) -> Path:
    """The unit of a station, with a program where the unit looks for one."""
    program = folder / "taktsight"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    file = folder / "taktsight@press4.service"
    file.write_text(unit.replace("/opt/taktsight/bin/taktsight", str(program)), encoding="utf-8")
    return file


def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    verified = analyze("verify", "--man=no", installed(tmp_path))
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Restart=on-abnormal", "Restart=on-crash"),
        ("LimitRTPRIO", "LimitRealtime"),
        ("KillMode=mixed", "KillMode=one"),
    ],
)
def test_systemd_finds_a_planted_mistake(right: str, wrong: str, tmp_path: Path) -> None:
    verified = analyze("verify", "--man=no", installed(tmp_path, UNIT.replace(right, wrong)))
    assert wrong.rsplit("=", maxsplit=1)[-1] in verified.stderr


def test_service_is_not_exposed(tmp_path: Path) -> None:
    unit = installed(tmp_path)
    judged = analyze("security", "--offline=yes", f"--threshold={EXPOSURE}", unit)
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert judged.returncode == 0, judged.stdout
    open_unit = installed(
        tmp_path, re.sub(r"(?m)^(Protect\w+|NoNewPrivileges|SystemCallFilter)=.*\n", "", UNIT)
    )
    assert analyze("security", "--offline=yes", f"--threshold={EXPOSURE}", open_unit).returncode != 0


def test_filter_lets_the_line_call_what_it_needs() -> None:
    listed = analyze("syscall-filter")
    if listed.returncode:
        pytest.skip("this systemd-analyze lists no system calls")
    groups: dict[str, set[str]] = {}
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            groups[name := line.strip()] = set()
        elif line.startswith("    ") and groups and not line.strip().startswith("#"):
            groups[name].add(line.strip())
    (allowed,) = value("SystemCallFilter").split()
    assert set(CALLS) <= calls_of(allowed, groups)
    assert "reboot" not in calls_of(allowed, groups)


def calls_of(name: str, groups: dict[str, set[str]]) -> set[str]:
    """System calls of a group, and of the groups in it."""
    if not name.startswith("@"):
        return {name}
    return set().union(*(calls_of(member, groups) for member in groups[name]))


def test_rights_are_those_that_the_line_asks_for() -> None:
    assert int(value("LimitRTPRIO")) >= FIFO_PRIORITY
    assert value("LimitMEMLOCK") == "infinity"
    assert set(value("AmbientCapabilities").split()) == {"CAP_SYS_NICE", "CAP_IPC_LOCK"}
    assert value("CapabilityBoundingSet") == value("AmbientCapabilities")
    assert value("User") not in ("root", "0", "")


def test_line_takes_the_command_of_the_unit() -> None:
    program, verb, *arguments = shlex.split(value("ExecStart").replace("%i", "press4"))
    assert (program, VERBS[verb][0]) == ("/opt/taktsight/bin/taktsight", run.__name__)
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    assert (parsed.station, parsed.no_live) == (Path("/etc/taktsight/press4.yaml"), True)


def test_unit_sets_no_variable_that_nothing_reads() -> None:
    assert [pair.partition("=")[0] for pair in value("Environment").split()] == ["HOME"]


def test_line_that_stopped_by_itself_waits_for_a_person() -> None:
    """on-abnormal: after a signal, not after an exit status, or nobody would see that it gave up."""
    assert value("Restart") == "on-abnormal"
    assert int(value("StartLimitBurst")) == 5
    assert value("OOMPolicy") == "continue"  # a vision that is killed is the line's business


def test_no_watchdog_is_promised_that_nobody_feeds() -> None:
    """The line does not speak sd_notify: with WatchdogSec, systemd would kill it in mid-shift."""
    sources = (DEPLOY.parent / "inspect").rglob("*.py")
    speaks = any("NOTIFY_SOCKET" in path.read_text(encoding="utf-8") for path in sources)
    assert speaks == bool(re.search(r"(?m)^WatchdogSec=", UNIT))
