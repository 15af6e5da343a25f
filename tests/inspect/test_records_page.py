"""The page about records says what is so: its settings load, its commands parse, its figures hold."""

from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from taktsight.cli import VERBS
from taktsight.inspect.backlog import MAX_BACKLOG_BYTES
from taktsight.inspect.config import Records
from taktsight.inspect.image_store import LEDGER_ROOM_BYTES
from taktsight.inspect.recorder import GROUP_S
from taktsight.inspect.recorder_port import MAX_UNRECORDED
from taktsight.records import Outcome

PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [
    line
    for language, block in BLOCKS
    if language == "bash"
    for line in block.splitlines()
    if line.startswith("taktsight")
]


def test_settings_of_the_page_are_settings() -> None:
    (block,) = (block for language, block in BLOCKS if language == "yaml")
    records = Records.model_validate(yaml.safe_load(block)["records"])
    assert records.mode == "strict"
    assert records.images.max_age_days_of == {Outcome.PASS: 7, Outcome.REJECT: 365}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command, comments=True)
    parser = argparse.ArgumentParser()
    import_module(VERBS[verb][0]).add_arguments(parser)
    parser.parse_args(arguments)


def test_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"within {GROUP_S * 1e3:.0f} ms" in PAGE
    assert f"{MAX_UNRECORDED:,} at most" in PAGE
    assert f"{MAX_BACKLOG_BYTES >> 20} MB wait" in PAGE
    assert f"less than {LEDGER_ROOM_BYTES // 10**6} MB are free" in PAGE
