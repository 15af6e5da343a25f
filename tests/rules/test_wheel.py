"""The wheel: whole, free of links, and built without a network."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import FOLDERS, KERNEL, ROOT, modules_of


@pytest.fixture(scope="module")
def wheel(tracked: list[Path], tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy: a build folder in the tree would be packed into the next wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in tracked:
        if "tests" not in path.relative_to(ROOT).parts:
            copy = folder / "tree" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy, follow_symlinks=False)
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "-q",
        "-w",
        str(folder),
    ]
    built = subprocess.run(
        [*command, str(folder / "tree")], env=offline, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("taktsight-*.whl")
    return zipfile.ZipFile(file)


def test_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    expected = {f"taktsight/{path.relative_to(KERNEL).as_posix()}" for path in modules_of(KERNEL)}
    for folder in FOLDERS:
        expected |= {f"taktsight/{path.relative_to(ROOT).as_posix()}" for path in modules_of(ROOT / folder)}
    packed = {name for name in wheel.namelist() if name.endswith(".py")}
    assert packed == expected
    assert {"taktsight/inspect/line.py", "taktsight/training/learner.py"} <= packed


def test_wheel_holds_what_the_modules_read(wheel: zipfile.ZipFile, tracked: list[Path]) -> None:
    packed = set(wheel.namelist())
    assert "taktsight/py.typed" in packed
    assert "taktsight/training/evaluation/report.html" in packed
    configs = [path.relative_to(ROOT).as_posix() for path in tracked if ROOT / "configs" in path.parents]
    assert {f"taktsight/{name}" for name in configs} <= packed
    beside = {".html", ".css", ".yaml", ".js", ".svg", ".sql", ".po"}
    read = [
        path for path in tracked if path.suffix in beside and path.relative_to(ROOT).parts[0] in FOLDERS
    ]
    assert {f"taktsight/{path.relative_to(ROOT).as_posix()}" for path in read} <= packed


def test_wheel_holds_no_link_and_nothing_twice(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert len(names) == len(set(names))
    assert [info.filename for info in wheel.infolist() if stat.S_ISLNK(info.external_attr >> 16)] == []


def test_wheel_brings_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert len(tops) == 2
    assert "taktsight" in tops
    assert not any(
        "/tests/" in name or name.endswith((".pyc", ".onnx", ".ckpt")) for name in wheel.namelist()
    )


def test_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    (points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "taktsight = taktsight.cli:main" in wheel.read(points).decode()
