"""The tree: what lies where, under which name, and what no file of it may hold."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from taktsight import errors

from .conftest import FOLDERS, KERNEL, ROOT, modules_of, parsed, required, said, sources

LONGEST_LINES = 400
VENDOR_IMPORTS = {
    "PIL",
    "cv2",
    "cuda",
    "jsonargparse",
    "opcua",
    "pydantic_core",
    "serial",
    "skimage",
    "sklearn",
    "smp",
    "tensorrt",
    "torch",
    "yaml",
}
"""Import names that differ from the name of the package, and vendors that a station may have."""
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:home|root|work|Users|mnt|media)/\w|\b[A-Z]:\\Users\\")
REGISTRY_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|huggingface\.co|proxy\.golang\.org|conda\.anaconda\.org"
    r"|--(?:extra-)?index-url|PIP_INDEX_URL|artifactory|nexus3?\.",
    re.IGNORECASE,
)


HELD_UNTIL_LATER = {"inspect/backends/trt/monitor.py"}
"""Catches whatever comes: nothing may pass through the vendor's code, and it is raised behind that."""


def handlers() -> list[tuple[str, ast.ExceptHandler]]:
    """Every ``except`` of the shipped code, with its place."""
    return [
        (f"{said(path)}:{node.lineno}", node)
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
    ]


def test_top_level_folders_hide_no_module_of_the_same_name() -> None:
    """An ``inspect`` with an ``__init__.py`` would hide the standard library's from whoever runs here."""
    assert [
        name for name in (*FOLDERS, "configs", "deploy", "tests") if (ROOT / name / "__init__.py").exists()
    ] == []


@pytest.mark.parametrize("folder", ["inspect", "training", "datasets", "export"])
def test_folders_below_are_packages(folder: str) -> None:
    homes = {path.parent for path in modules_of(ROOT / folder)} - {ROOT / folder}
    assert [said(home) for home in sorted(homes) if not (home / "__init__.py").is_file()] == []


@pytest.mark.parametrize("folder", [*FOLDERS, "configs"])
def test_kernel_links_to_the_top_level_folder(folder: str) -> None:
    link = KERNEL / folder
    assert link.is_symlink()
    assert link.readlink() == Path("..") / ".." / folder
    assert link.resolve() == ROOT / folder


def test_no_module_takes_the_name_of_a_standard_or_a_vendors_module() -> None:
    packages = {name.replace("-", "_") for name in required(extras=True)}
    taken = sys.stdlib_module_names | packages | VENDOR_IMPORTS
    names = {path for path in sources() if path.stem in taken}
    names |= {path.parent for path in sources() if path.stem == "__init__" and path.parent.name in taken}
    assert sorted(said(path) for path in names) == []


def test_every_error_is_raised_somewhere() -> None:
    ours = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    raised = {
        ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc).split(".")[-1]
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Raise) and node.exc
    }
    assert ours - raised == {"TaktsightError"}  # the root of the tree: caught, never raised itself


def test_every_error_of_ours_derives_from_one_root_and_stands_in_the_drawn_tree() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type):
            assert issubclass(value, errors.TaktsightError)
            assert name in (errors.__doc__ or "")


def test_no_exception_is_caught_that_nobody_expected() -> None:
    broad = []
    for place, handler in handlers():
        caught = ast.unparse(handler.type) if handler.type else "everything"
        reraises = any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)
        held = place.partition(":")[0] in HELD_UNTIL_LATER
        if re.search(r"\b(everything|Exception|BaseException)\b", caught) and not (reraises or held):
            broad.append(f"{place} catches {caught}")
    assert broad == []


def test_no_exception_is_dropped() -> None:
    dropped = [
        place
        for place, handler in handlers()
        if all(isinstance(node, ast.Pass) or ast.unparse(node) == "..." for node in handler.body)
    ]
    assert dropped == []


def test_nothing_broad_is_suppressed() -> None:
    calls = [
        (f"{said(path)}:{node.lineno}", ast.unparse(node))
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress"
    ]
    assert [place for place, call in calls if re.search(r"\b(Base)?Exception\b", call)] == []


def text_of(path: Path) -> str | None:
    """What a person could read in a file; None where it is no text."""
    if path.is_symlink():
        return str(path.readlink())
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["machine path", "registry host"])
def test_no_file_names_the_machine_it_was_written_on(tracked: list[Path], pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked:
        if path == Path(__file__):  # holds the patterns
            continue
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{said(path)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_patterns_find_what_they_are_for() -> None:
    for text in ("root: /home/anna/data", "see " + "/work" + "/x", "(/Users/x", r"C:\Users\x"):
        assert MACHINE_PATH.search(text)
    for text in ("../shared/data", "image/home/x", "https://example.org/home/x", "/var/lib/taktsight"):
        assert not MACHINE_PATH.search(text)
    for text in ("https://pypi.org/simple", "pip install --index-url x", "huggingface.co/x"):
        assert REGISTRY_HOST.search(text)


def test_no_file_is_longer_than_one_can_read_at_a_sitting() -> None:
    lengths = {said(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_LINES} == {}
