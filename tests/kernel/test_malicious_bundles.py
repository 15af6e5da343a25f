"""No malicious bundle is accepted: refused by name, in little memory and time, with nothing written.

Each is read as a station reads it, in a process of its own that may take 256 MiB and 2 s of a core.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from . import (
    malicious_contents,
    malicious_networks,
    malicious_operators,
    malicious_signatures,
    malicious_sizes,
    malicious_weights,
    malicious_zips,
)
from .malicious import CASES, Shop

CASE_FILES = (
    malicious_contents,
    malicious_networks,
    malicious_operators,
    malicious_signatures,
    malicious_sizes,
    malicious_weights,
    malicious_zips,
)
"""Each adds its cases when it is imported."""
READER = """
import json, math, os, resource, sys, time
from datetime import date
from pathlib import Path
from taktsight.errors import TaktsightError
from taktsight.inspect.cameras.settings import FolderSettings
from taktsight.inspect.config import Records, Station
from taktsight.inspect.gates.settings import DryRunSettings
from taktsight.inspect.triggers.settings import TimerSettings
from taktsight.inspect.fit import read_setup

MEMORY_BYTES, CPU_S = 256 << 20, 2
written = []

def heard(event, given):
    if event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(given[0]))
    if event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "subprocess.Popen", "socket.connect"):
        written.append(event)

def station(folder):
    return Station(
        name="hall 2", bundle=folder / "flange.taktsight", allowed_keys=(folder / "plant.pem",),
        cameras=(FolderSettings(kind="folder", folder=folder),),
        trigger=TimerSettings(kind="timer", takt_ms=20), gate=DryRunSettings(kind="dry_run"),
        deadline_ms=10, records=Records(folder=folder / "records"),
    )

def answer(folder):
    try:
        read_setup(station(folder), date(2026, 7, 1))
    except TaktsightError as error:
        return type(error).__name__, str(error)
    return "accepted", ""

def limit():
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES,) * 2)
    seconds = math.ceil(time.process_time() + CPU_S)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

shops = Path(sys.argv[1])
assert answer(shops / "good") == ("accepted", "")  # its imports are no malicious bundle's doing
sys.addaudithook(heard)
ended = {}
for folder in sorted(shops.iterdir()):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        limit()
        error, said = answer(folder)
        os.write(writes, json.dumps([error, said[:2000], written]).encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended[folder.name] = json.loads(said) if said else ["died", str(status), []]
print(json.dumps(ended))
"""
"""Answers for each folder of a shop: kind of error, what it says, what was written."""
Answer = tuple[str, str, list[str]]


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and the time of its last change."""
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found.items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What a station answers to each case."""
    folder = tmp_path_factory.mktemp("staging")
    shops = folder / "shops"
    shops.mkdir()
    Shop(shops / "good")
    for name, case in CASES.items():
        case.build(Shop(shops / name))
    before = files_below(folder)
    ended = subprocess.run(
        [sys.executable, "-c", READER, str(shops)],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert files_below(folder) == before
    return {name: tuple(answer) for name, answer in json.loads(ended.stdout).items()}


@pytest.mark.parametrize("name", sorted(CASES))
def test_malicious_bundle_is_refused_by_name(name: str, answers: dict[str, Answer]) -> None:
    error, said, written = answers[name]
    assert error == "BundleError", said
    assert CASES[name].says in said
    assert written == []


def test_good_bundle_is_accepted_within_the_same_limits(answers: dict[str, Answer]) -> None:
    assert answers["good"] == ("accepted", "", [])


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


def test_no_file_of_cases_is_left_out() -> None:
    there = {path.stem for path in Path(__file__).parent.glob("malicious_*.py")}
    assert {file.__name__.rsplit(".", 1)[-1] for file in CASE_FILES} == there


@pytest.mark.parametrize(
    ("greed", "signals"),
    [("bytearray(300 << 20)", None), ("while True: pass", (signal.SIGXCPU, signal.SIGKILL))],
)
def test_limits_of_these_tests_hold(
    tmp_path: Path, greed: str, signals: tuple[signal.Signals, ...] | None
) -> None:
    """A reader that takes too much is really found out."""
    Shop(tmp_path / "good")
    script = READER.replace(
        "        error, said = answer(folder)\n", f"        {greed}\n        raise SystemExit\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    if signals is None:
        assert "MemoryError" in ended.stderr
    else:
        assert json.loads(ended.stdout)["good"][1] in {str(-number) for number in signals}
