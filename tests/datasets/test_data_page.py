"""The data page says what is so: its commands parse, its layouts exist, its book is one."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from taktsight.datasets.readers import Layout
from taktsight.defect_book import load_book
from taktsight.export.commands import data

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [
    command
    for language, block in BLOCKS
    if not language
    for command in block.replace("\\\n", " ").splitlines()
    if command.startswith("taktsight data")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_understood(command: str) -> None:
    parser = argparse.ArgumentParser()
    data.add_arguments(parser)
    parser.parse_args(shlex.split(command)[2:])


def test_every_command_has_its_place_on_the_page() -> None:
    assert {command.split()[2] for command in COMMANDS} == set(data.COMMANDS)


def test_every_layout_stands_in_the_table() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)) == get_args(Layout)


def test_book_of_the_page_is_a_book(tmp_path: Path) -> None:
    (book,) = (block for language, block in BLOCKS if language == "yaml")
    (tmp_path / "book.yaml").write_text(book, encoding="utf-8")
    assert [entry.name for entry in load_book(tmp_path / "book.yaml").labels] == ["pit"]


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
