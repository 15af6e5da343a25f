"""The container recipes: what can be told of them without building one."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from importlib.metadata import metadata
from pathlib import Path

import pytest

from taktsight.cli import VERBS

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "RUN", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
"""Not among them: ADD, which would fetch, and SHELL, which would change what RUN means."""


def steps(recipe: Path) -> list[tuple[str, str]]:
    """Instruction and the rest, comments gone, continued lines joined."""
    lines = [line for line in recipe.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(pair[0], pair[1]) for pair in pairs]


def of(recipe: Path, instruction: str) -> list[str]:
    return [rest for name, rest in steps(recipe) if name == instruction]


@pytest.fixture(params=RECIPES, ids=lambda path: path.name)
def recipe(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_there_is_one_for_a_pc_and_one_for_a_jetson() -> None:
    assert [recipe.name for recipe in RECIPES] == ["jetson.Dockerfile", "pc.Dockerfile"]


def test_every_instruction_is_known(recipe: Path) -> None:
    assert {name for name, _ in steps(recipe)} <= INSTRUCTIONS


def test_base_image_is_an_argument_with_a_default_that_names_its_release(recipe: Path) -> None:
    assert steps(recipe)[0][0] == "ARG"
    (argument,) = of(recipe, "ARG")
    name, _, image = argument.partition("=")
    assert re.search(r":[a-z]?\d", image), "a default without a release changes under one's feet"
    assert {line.split()[0] for line in of(recipe, "FROM")} == {f"${{{name}}}"}


def test_line_does_not_run_as_root(recipe: Path) -> None:
    names = [name for name, _ in steps(recipe)]
    assert of(recipe, "USER") == ["taktsight"]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name == "RUN")


def test_default_command_is_a_verb(recipe: Path) -> None:
    assert of(recipe, "ENTRYPOINT") == ['["taktsight"]']
    (command,) = of(recipe, "CMD")
    assert command.strip('[]"') in VERBS


def test_shell_understands_every_step(recipe: Path) -> None:
    for step in of(recipe, "RUN"):
        checked = subprocess.run(["sh", "-n", "-c", step], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert not re.search(r"\b(curl|wget|git clone)\b|https?://", step)


def test_extras_exist_and_none_brings_torch(recipe: Path) -> None:
    extras = set(re.findall(r"\[([\w,-]+)\]", " ".join(of(recipe, "RUN")))[0].split(","))
    assert extras <= set(metadata("taktsight").get_all("Provides-Extra") or ())
    assert not extras & {"train", "anomalib", "dev"}
    assert "torch" not in " ".join(of(recipe, "RUN"))


def test_what_is_copied_exists_or_is_the_wheel(recipe: Path) -> None:
    sources = [
        word for line in of(recipe, "COPY") if "--from" not in line for word in shlex.split(line)[:-1]
    ]
    assert "dist/taktsight-*.whl" in sources
    assert [name for name in sources if not name.startswith("dist/") and not (ROOT / name).exists()] == []


def test_jetson_sees_the_systems_tensorrt() -> None:
    (jetson,) = (recipe for recipe in RECIPES if recipe.name.startswith("jetson"))
    assert "--system-site-packages" in " ".join(of(jetson, "RUN"))


def test_engines_of_a_jetson_outlive_the_container_and_are_its_users() -> None:
    (jetson,) = (recipe for recipe in RECIPES if recipe.name.startswith("jetson"))
    (volumes,) = of(jetson, "VOLUME")
    assert "/var/cache/taktsight" in volumes.split()
    assert re.search(r"install .*--owner taktsight .*/var/cache/taktsight", " ".join(of(jetson, "RUN")))
    assert "--volume taktsight-engines:/var/cache/taktsight" in (ROOT / "deploy/README.md").read_text()


def test_no_recipe_sets_a_variable_that_nothing_reads(recipe: Path) -> None:
    names = {pair.partition("=")[0] for line in of(recipe, "ENV") for pair in line.split()}
    assert names == {"PATH", "PYTHONUNBUFFERED"}


def test_docker_finds_no_mistake(recipe: Path) -> None:
    has_check = (
        shutil.which("docker")
        and not subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode
    )
    if not has_check:
        pytest.skip("docker buildx, which checks recipes, is not installed")
    checked = subprocess.run(
        ["docker", "buildx", "build", "--check", "--file", str(recipe), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
