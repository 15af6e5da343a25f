"""The bands of a view in a recipe's file, put in or replaced; all else stays as it is written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from taktsight.errors import ConfigError
from taktsight.health_bands import Health
from taktsight.inspect.config_text import write_text
from taktsight.recipe import Recipe
from taktsight.strict_yaml import parse_yaml, read_yaml


def health_block(health: Mapping[str, Any], comment: str) -> str:
    """``health`` as a recipe says it, a band a line, with a comment behind the key."""
    lines = yaml.safe_dump(
        dict(health), sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=None
    )
    return f"health:{f'  # {comment}' if comment else ''}\n{textwrap.indent(lines, '  ')}"


def write_health(recipe: Path, camera: str, health: Mapping[str, Any], comment: str) -> None:
    """Puts the bands in the place of the view's ``health``.

    Raises:
        ConfigError: If the recipe cannot be read, or not be changed in this way, or not be written; it is
            then as it was.
    """
    file = recipe.resolve()  # a link stays one
    before = read_yaml(file, Recipe)
    block = health_block(health, comment)
    changed = _with_block(file.read_bytes().decode("utf-8"), camera, block)
    if changed is None or not _is_with(changed, file, before, camera, health):
        raise ConfigError(
            f"{recipe}: its bands cannot be put in in the way the file is written; put in by hand, under "
            f"the view {camera}:\n{block}"
        )
    write_text(recipe, changed)


def _with_block(text: str, camera: str, block: str) -> str | None:
    view = _view_node(yaml.compose(text, Loader=yaml.SafeLoader), camera)
    if view is None or view.flow_style:
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    indented = textwrap.indent(block, " " * view.start_mark.column).lstrip(" ").replace("\n", newline)
    for key, value in view.value:
        if key.value == "health":
            return text[: key.start_mark.index] + indented + text[_next_line(text, _end(value)) :]
    at = _next_line(text, _end(view))
    before = text[:at] if text[:at].endswith("\n") else text[:at] + newline
    return before + " " * view.start_mark.column + indented + text[at:]


def _view_node(root: yaml.Node | None, camera: str) -> yaml.MappingNode | None:
    """The view of a camera; one that names none is that of ``camera``."""
    views = _child(root, "views")
    for view in views.value if isinstance(views, yaml.SequenceNode) else []:
        named = _child(view, "camera")
        if isinstance(view, yaml.MappingNode) and (named.value if named else "camera") == camera:
            return view
    return None


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _end(node: yaml.Node) -> int:
    """Behind the last character of a value; a block's own mark stands before whatever follows it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _next_line(text: str, index: int) -> int:
    line_end = text.find("\n", index)
    return len(text) if line_end < 0 else line_end + 1


def _is_with(text: str, file: Path, before: Recipe, camera: str, health: Mapping[str, Any]) -> bool:
    wanted = Health.model_validate_json(json.dumps(dict(health)))
    views = tuple(
        view.model_copy(update={"health": wanted}) if view.camera == camera else view
        for view in before.views
    )
    try:
        found = parse_yaml(text, Recipe, file)
    except (ConfigError, yaml.YAMLError):
        return False
    references = [view.health.reference if view.health else None for view in found.views]
    return found == before.model_copy(update={"views": views}) and references == [
        view.health.reference if view.health else None for view in views
    ]
