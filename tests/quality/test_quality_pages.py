"""The pages about POD, studies and SPC: what they show is what the verbs print."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from taktsight.cli import main

from .published import crack_lengths
from .published_charts import (
    P_DEFECTIVE,
)

ROOT = Path(__file__).resolve().parents[2]
BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "matplotlib", "lightning", "onnx", "timm"}:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
        return None

sys.meta_path.insert(0, Blocked())
from taktsight.cli import main
sys.exit(main(sys.argv[1:]))
"""


def shown(page: str) -> list[str]:
    """The fenced blocks of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [block.strip("\n") for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)]


def arguments(block: str) -> list[list[str]]:
    """The commands of a block, without what is written for later."""
    import shlex

    return [
        shlex.split(line, comments=True)[1:] for line in block.splitlines() if line.startswith("taktsight")
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tables of the pages."""
    monkeypatch.chdir(tmp_path)
    sizes, hit = crack_lengths()
    write(
        "cracks.csv",
        ["size_in,hit", *(f"{size},{int(found)}" for size, found in zip(sizes, hit, strict=True))],
    )
    write("wafers.csv", ["defective", *map(str, P_DEFECTIVE)])
    write("next.csv", ["defective", "9", "25", "11"])
    return tmp_path


def write(name: str, lines: Sequence[str]) -> None:
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_page_about_pod_shows_what_is_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    command, table = shown("pod.md")[:2]
    assert main(arguments(command)[0]) == 0
    assert table in capsys.readouterr().out


def test_page_about_spc_shows_what_is_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    commands, table = shown("spc.md")[:2]
    first, second = arguments(commands)
    assert main(first) == 1
    capsys.readouterr()
    assert main(second) == 1
    assert table in capsys.readouterr().out


@pytest.mark.parametrize("page", ["pod.md", "spc.md", "studies.md"])
def test_every_command_of_a_page_has_arguments_that_exist(
    page: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for block in shown(page):
        for command in arguments(block):
            verb = command[:2] if command[0] == "study" else command[:1]
            with pytest.raises(SystemExit):
                main([*verb, "--help"])
            known = capsys.readouterr().out
            options = [word.split("=")[0] for word in command if word.startswith("--")]
            assert [option for option in options if option not in known] == []


def test_a_line_computer_needs_no_training_libraries_but_for_pictures(here: Path) -> None:
    command = ["pod", "cracks.csv", "--size", "size_in", "--hit", "hit"]
    for more, status, said in (
        ([], 0, "0.1974"),
        (["--plot", "p.svg"], 2, "pip install 'taktsight[train]'"),
    ):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", BLOCKED, *command, *more],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert said in done.stdout + done.stderr
