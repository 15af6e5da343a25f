"""The command line: quick to answer, and clear about what it was asked."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from taktsight import __version__
from taktsight.cli import VERBS, main

HELP = """
import json, sys
from taktsight.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


def test_help_lists_every_verb_and_imports_next_to_nothing() -> None:
    script = HELP.format(arguments=["--help"])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    status, modules = json.loads(done.stderr)
    assert status == 0
    for verb, (_, summary) in VERBS.items():
        assert f"  {verb} " in done.stdout
        assert summary in done.stdout
    ours = [name for name in modules if name.split(".")[0] == "taktsight"]
    assert sorted(ours) == ["taktsight", "taktsight.cli", "taktsight.errors"]
    heavy = {"torch", "cv2", "numpy", "scipy", "pydantic", "yaml", "onnxruntime", "lightning", "sqlalchemy"}
    assert heavy.isdisjoint(modules)


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"taktsight {__version__}\n"


def test_unknown_verb_is_a_wrong_command_line_and_the_verbs_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["inspekt"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "inspekt" in said
    assert "replay" in said


def test_no_verb_prints_the_help_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "verbs:" in capsys.readouterr().out


def test_wrong_configuration_exits_2_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "synth", "nowhere", "--seed", "-1"]) == 2
    assert capsys.readouterr().err == "taktsight data: --seed must be ≥ 0, got -1\n"


def test_unknown_argument_of_a_verb_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["data", "synth", "nowhere", "--sead", "1"])
    assert end.value.code == 2
    assert "--sead" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_module_that_does_it(verb: str) -> None:
    module = importlib.import_module(VERBS[verb][0])
    assert module.__doc__
    assert callable(module.add_arguments)
    assert callable(module.main)
