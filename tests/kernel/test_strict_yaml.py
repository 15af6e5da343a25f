"""A configuration file is either understood to the last key, or every mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from taktsight.errors import ConfigError
from taktsight.strict_model import StrictModel
from taktsight.strict_yaml import read_yaml


class Light(StrictModel):
    power_percent: float = Field(ge=0, le=100)


class Lamp(StrictModel):
    name: str
    cells: int = 1
    strobed: bool = False
    place_px: tuple[int, int] = (0, 0)
    log: Path = Path("lamp.log")
    lights: tuple[Light, ...] = Field(min_length=1)


WHOLE = """\
name: ring
cells: 4
strobed: true
place_px: [12, 30]
log: out/lamp.log
lights:
  - power_percent: 80
"""


def read(folder: Path, text: str) -> Lamp:
    path = folder / "lamp.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, Lamp)


def mistakes(folder: Path, text: str) -> list[str]:
    """The lines of the error below its first."""
    with pytest.raises(ConfigError, match=r"lamp\.yaml") as caught:
        read(folder, text)
    return str(caught.value).splitlines()[1:]


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError, match=r"lamp\.yaml") as caught:
        read(folder, text)
    return str(caught.value)


def test_whole_file_becomes_the_model(tmp_path: Path) -> None:
    lamp = read(tmp_path, WHOLE)
    assert (lamp.name, lamp.cells, lamp.strobed, lamp.place_px) == ("ring", 4, True, (12, 30))
    assert lamp.log == Path("out/lamp.log")
    assert lamp.lights == (Light(power_percent=80),)


def test_files_that_mean_the_same_have_the_same_digest(tmp_path: Path) -> None:
    shuffled = "# turned round\nlights: [{power_percent: 80.0}]\n" + WHOLE.partition("lights:")[0]
    assert read(tmp_path, WHOLE).digest == read(tmp_path, shuffled).digest
    assert read(tmp_path, WHOLE).digest != read(tmp_path, WHOLE.replace("80", "81")).digest


def test_misspelt_key_is_refused_and_the_right_one_suggested(tmp_path: Path) -> None:
    assert mistakes(tmp_path, WHOLE.replace("cells", "cels")) == [
        "  cels: there is no such key; did you mean 'cells'?"
    ]
    assert mistakes(
        tmp_path, WHOLE.replace("power_percent: 80", "power_percent: 80\n    power_procent: 8")
    ) == ["  lights.0.power_procent: there is no such key; did you mean 'power_percent'?"]


def test_key_like_no_other_gets_the_list_of_keys(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, WHOLE + "zzzzzz: 1\n")
    assert line.endswith("known keys: cells, lights, log, name, place_px, power_percent, strobed")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "cells: many\nstrobd: true\nlights:\n- power_percent: 180\n")
    assert sorted(line.split(":")[0].strip() for line in found) == [
        "cells",
        "lights.0.power_percent",
        "name",
        "strobd",
    ]
    assert "  name: is missing" in found
    assert any("180" in line and "less than or equal to 100" in line for line in found)


def test_empty_list_is_its_own_mistake(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, "name: ring\nlights: []\n")
    assert line.startswith("  lights: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cells", "yes"),
        ("cells", '"4"'),
        ("cells", "4.5"),
        ("name", "7"),
        ("name", "on"),
        ("strobed", "1"),
        ("place_px", "[1, 2, 3]"),
    ],
)
def test_value_of_another_type_is_not_converted(tmp_path: Path, key: str, value: str) -> None:
    lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in WHOLE.splitlines()]
    (line,) = {line.split(":")[0].split(".")[0] for line in mistakes(tmp_path, "\n".join(lines))}
    assert line.strip() == key


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_number_that_is_none_is_outside_every_bound(tmp_path: Path, value: str) -> None:
    (line,) = mistakes(tmp_path, WHOLE.replace("80", value))
    assert line.startswith("  lights.0.power_percent")


def test_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    said = refusal(tmp_path, WHOLE + "cells: 5\n")
    assert "key 'cells' stands twice" in said
    assert "line 8" in said


def test_key_that_stands_twice_deep_in_the_file_is_refused(tmp_path: Path) -> None:
    assert "stands twice" in refusal(
        tmp_path, "name: ring\nlights: [{power_percent: 1, power_percent: 2}]\n"
    )


def test_what_is_merged_may_be_overridden(tmp_path: Path) -> None:
    lamp = read(
        tmp_path,
        "name: ring\nlights: [&first {power_percent: 80}, {<<: *first}, {<<: *first, power_percent: 5}]\n",
    )
    assert [light.power_percent for light in lamp.lights] == [80, 80, 5]


@pytest.mark.parametrize(
    "text",
    [
        "name: {{ name }}\n",
        "? [a, b]\n: c\n",
        "on: 1\n",
        "7: 1\n",
        "name: 2026-02-31\n",
        "name: [ring\n",
        "name: 'ring\n",
        "name: !!python/object:os.system ring\n",
        "name: *nobody\n",
        "name: \x07\n",
        "lights: &lights [*lights]\n",
        "name: " + "[" * 5000,
    ],
)
def test_what_is_not_yaml_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    assert "is not YAML" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "NoneType"), ("- name: ring\n", "list"), ("ring\n", "str"), ("# soon\n", "NoneType")],
)
def test_file_without_keys_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    assert f"holds {kind}, a mapping of keys is wanted" in refusal(tmp_path, text)


def test_missing_file_folder_and_binary_file_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_yaml(tmp_path / "absent.yaml", Lamp)
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_yaml(tmp_path, Lamp)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_yaml(binary, Lamp)
