"""The tree that the rules of the design are about."""

from __future__ import annotations

import ast
import re
import subprocess
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "src" / "taktsight"
FOLDERS = ("inspect", "training", "datasets", "export", "benchmarks")
"""Top-level folders of code; each is also a link in the kernel."""


def modules_of(folder: Path) -> list[Path]:
    """Python files below a folder; those below a link are another folder's."""
    files = (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    return sorted(path for path in files if not any(parent.is_symlink() for parent in path.parents))


def sources() -> list[Path]:
    """Everything that ships, and the benchmarks."""
    return [path for folder in (KERNEL, *(ROOT / name for name in FOLDERS)) for path in modules_of(folder)]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def required(*, extras: bool) -> set[str]:
    """Names of the packages that the install brings, with or without those of its extras."""
    wanted = [line for line in requires("taktsight") or () if extras or "extra ==" not in line]
    return {re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in wanted}


def said(path: Path) -> str:
    """The path as a message names it."""
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """What git knows or would take, links as links."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if listed.returncode:
        pytest.skip("this tree is no git checkout")
    files = (ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name)
    return [file for file in files if file.is_symlink() or file.is_file()]
