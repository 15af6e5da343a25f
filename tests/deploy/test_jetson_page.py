"""The page on Jetsons says what the code knows: its table, its verbs, its links."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from taktsight.cli import VERBS
from taktsight.inspect.config import TensorRt, load_station
from taktsight.inspect.machine.jetpack import JETPACKS, WANTED, jetpack_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jetson.md").read_text(encoding="utf-8")
README = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "taktsight@.service").read_text(encoding="utf-8")
COMMAND = re.compile(r"(?m)^(sudo (?:-u \w+ )?\S+/)?(taktsight .*?)(?=\s+#|$)")
COMMANDS = [command for text in (PAGE, README) for _, command in COMMAND.findall(text)]


def of_the_unit(key: str) -> str:
    (found,) = re.findall(rf"(?m)^{key}=(.*)$", UNIT)
    return str(found)


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
    parser = argparse.ArgumentParser()
    importlib.import_module(VERBS[verb][0]).add_arguments(parser)
    parser.parse_args(arguments)


@pytest.mark.parametrize("text", [PAGE, README], ids=["jetson.md", "deploy/README.md"])
def test_station_of_the_page_writes_where_the_service_may(text: str, tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(name: .*?)```", text, flags=re.DOTALL)
    (tmp_path / "press4.yaml").write_text(block, encoding="utf-8")
    station = load_station(tmp_path / "press4.yaml")
    assert isinstance(station.backend, TensorRt)
    state, cache = (Path("/var") / name for name in ("lib", "cache"))
    assert station.records.folder.is_relative_to(state / of_the_unit("StateDirectory"))
    assert station.backend.cache.is_relative_to(cache / of_the_unit("CacheDirectory"))
    assert station.allowed_keys


@pytest.mark.parametrize("text", [PAGE, README], ids=["jetson.md", "deploy/README.md"])
def test_what_makes_files_for_the_service_is_typed_as_its_user(text: str) -> None:
    program = Path(of_the_unit("ExecStart").split()[0])
    as_its_user = f"sudo -u {of_the_unit('User')} {program.parent}/"
    typed = [(before, command.split()) for before, command in COMMAND.findall(text)]
    for_the_station = [pair for pair in typed if "/etc/taktsight/press4.yaml" in pair[1]]
    made = [(before, words[1]) for before, words in for_the_station if words[1] != "bench"]
    assert {"engine", "check"} <= {verb for _, verb in made}
    assert {before for before, _ in made} == {as_its_user}
    engines = [words for _, words in typed if words[1] == "engine" and "--list" not in words]
    assert all("--station" in words for words in engines)  # else precision, settings and folder are others


def test_folders_of_the_service_are_made_before_the_engine_is() -> None:
    for text in (PAGE, README):
        made = text.index("sudo install --directory --owner taktsight")
        assert "/var/lib/taktsight /var/cache/taktsight" in text[made:].splitlines()[0]
        assert text.index("useradd") < made < text.index("taktsight engine --station")


def test_page_says_what_was_not_tried() -> None:
    assert "Nothing on this page ran on a real board" in PAGE


@pytest.mark.parametrize("page", ["docs/jetson.md", "deploy/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
