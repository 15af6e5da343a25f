"""The page on Jetsons says what the code knows: its table, its verbs, its links."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from taktsight.cli import VERBS
from taktsight.inspect.machine.jetpack import JETPACKS, WANTED, jetpack_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jetson.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^taktsight .*?(?=\s+#|$)", PAGE)


def test_table_of_the_page_is_that_of_the_code() -> None:
    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in re.findall(r"(?m)^\| \d.*$", PAGE)
    ]
    known = [
        (row.name, ", ".join(row.l4t), row.cuda, row.cudnn or "?", row.tensorrt, row.python)
        for row in JETPACKS
    ]
    assert rows == known


def test_release_that_a_board_is_told_to_flash_is_known_and_runs_tensorrt() -> None:
    by_name = {row.name: row for row in JETPACKS}
    for family, name in WANTED.items():
        assert name is None or by_name[name].runs_tensorrt, family
        assert name is None or re.search(rf"\*\*{family}\*\*[^.]*takes {name}", PAGE)
    assert jetpack_of("36.5.0") is by_name["6.2.2"]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    if verb == "engine" and verb not in VERBS:
        pytest.skip("taktsight engine comes with the TensorRT backend")
    parser = argparse.ArgumentParser()
    importlib.import_module(VERBS[verb][0]).add_arguments(parser)
    parser.parse_args(arguments)


def test_page_says_what_was_not_tried() -> None:
    assert "Nothing on this page ran on a real board" in PAGE


@pytest.mark.parametrize("page", ["docs/jetson.md", "deploy/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
