"""Who imports whom: kernel ← datasets ← training ← export, and kernel ← inspect ← export. Nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import FOLDERS, KERNEL, ROOT, modules_of, parsed, required, said

MAY_IMPORT = {
    "kernel": {"kernel"},
    "datasets": {"kernel", "datasets"},
    "training": {"kernel", "datasets", "training"},
    "inspect": {"kernel", "inspect"},
    "export": {"kernel", "datasets", "training", "inspect", "export"},
    "benchmarks": {"kernel", "datasets", "training", "inspect", "export", "benchmarks"},
}
NEVER_AT_THE_LINE = (
    "torch",
    "torchvision",
    "lightning",
    "pytorch_lightning",
    "albumentations",
    "timm",
    "onnx",
    "onnxscript",
    "segmentation_models_pytorch",
    "matplotlib",
)
BLOCKED = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked: a line PC does not have it", name=name)
        return None

sys.meta_path.insert(0, Blocked())
import taktsight.{folder} as folder
names = [module.name for module in pkgutil.walk_packages(folder.__path__, "taktsight.{folder}.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def folder_of(module: str) -> str:
    """The folder that a module of ours belongs to."""
    second = module.split(".")[1] if "." in module else ""
    return second if second in FOLDERS else "kernel"


def imported(path: Path, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every import, wherever it stands in the file."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1])
            yield node.lineno, f"{base}.{node.module}" if node.module else base
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            if node.module == "taktsight":  # from taktsight import training
                yield from ((node.lineno, f"taktsight.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and "import_module" in ast.unparse(node.func):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value


def all_imports(folder: str) -> Iterator[tuple[str, str]]:
    """File with line, and imported name, of one folder or the kernel."""
    home = KERNEL if folder == "kernel" else ROOT / folder
    for path in modules_of(home):
        place = ("taktsight",) if folder == "kernel" else ("taktsight", folder)
        package = ".".join((*place, *path.relative_to(home).parent.parts))
        for line, name in imported(path, package):
            yield f"{said(path)}:{line}", name


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_folder_imports_what_stands_above_it(folder: str) -> None:
    ours = [(place, name) for place, name in all_imports(folder) if name.split(".")[0] == "taktsight"]
    wrong = [f"{place} imports {name}" for place, name in ours if folder_of(name) not in MAY_IMPORT[folder]]
    assert wrong == []


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_rule_looks_at_real_imports(folder: str) -> None:
    if folder == "kernel" or modules_of(ROOT / folder):
        assert any(name.startswith("taktsight") for _, name in all_imports(folder))


@pytest.mark.parametrize("folder", ["kernel", "inspect"])
def test_line_names_nothing_that_only_training_installs(folder: str) -> None:
    named = [f"{place} imports {name}" for place, name in all_imports(folder)]
    assert [line for line in named if line.split(" imports ")[1].split(".")[0] in NEVER_AT_THE_LINE] == []


def test_line_imports_only_what_its_install_brings() -> None:
    """An import that stands at the top of a module must work after ``pip install taktsight``."""
    import_names = {"opencv-python-headless": "cv2", "pyyaml": "yaml"}
    allowed = (
        {import_names.get(name, name) for name in required(extras=False)}
        | set(sys.stdlib_module_names)
        | {"taktsight"}
    )
    allowed.add("pydantic_core")  # pydantic is made of it
    strangers = []
    for home in (KERNEL, ROOT / "inspect"):
        for path in modules_of(home):
            if "review" in path.parts:  # an extra of its own
                continue
            for node in parsed(path).body:
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    names = (
                        [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                    )
                strangers += [
                    f"{said(path)}: {name}" for name in names if name.split(".")[0] not in allowed
                ]
    assert strangers == []


def test_every_module_of_the_line_imports_without_the_training_libraries() -> None:
    script = BLOCKED.format(blocked=set(NEVER_AT_THE_LINE), folder="inspect")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) >= len(modules_of(ROOT / "inspect")) - 1


def test_blocked_library_is_really_blocked() -> None:
    script = BLOCKED.format(blocked={"numpy"}, folder="inspect")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "numpy is blocked" in done.stderr
