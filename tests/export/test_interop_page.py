"""The interop page says what is so: its commands parse, its flags exist, its links lead somewhere."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from taktsight.cli import VERBS
from taktsight.export.commands import convert, import_onnx

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [
    line
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith("taktsight")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    parser = argparse.ArgumentParser()
    importlib.import_module(VERBS[verb][0]).add_arguments(parser)
    parser.parse_args(arguments)


def test_every_flag_on_the_page_is_a_flag() -> None:
    known: set[str] = set()
    for verb in (convert, import_onnx):
        parser = argparse.ArgumentParser()
        verb.add_arguments(parser)
        known |= set(parser._option_string_actions)
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= known


def test_every_statement_about_a_network_stands_in_the_table() -> None:
    parser = argparse.ArgumentParser()
    import_onnx.add_arguments(parser)
    (stated,) = (
        group for group in parser._action_groups if group.title and "what the model is" in group.title
    )
    flags = {flag for action in stated._group_actions for flag in action.option_strings}
    told = set(re.findall(r"`(--[a-z-]+)`", "\n".join(re.findall(r"^\| .*$", PAGE, flags=re.MULTILINE))))
    assert flags - told == {"--overlap"}  # as for every canvas


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
