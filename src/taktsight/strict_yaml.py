"""YAML files read into strict models; every mistake in the file is reported at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taktsight.errors import ConfigError
from taktsight.strict_model import Model


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; on a line that is a lost limit."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue  # what is merged may be overridden
        key = loader.construct_object(key_node)
        mistake = None
        if not isinstance(key, str):  # YAML reads on, no and 7 as something else than text
            mistake = f"key {key!r} is no text; put it in quotes"
        elif key in seen:
            mistake = f"key {key!r} stands twice"
        if mistake:
            raise yaml.constructor.ConstructorError(None, None, mistake, key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """The file at ``path`` as a ``model``.

    Types are taken strictly: ``yes`` or ``"1"`` is no number.

    Raises:
        ConfigError: If the file is absent, is not YAML, or does not fit; it lists every mistake with
            its key, what was found and what was wanted.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from error
    return parse_yaml(text, model, path)


def parse_yaml(text: str, model: type[Model], path: Path) -> Model:
    """The text as a ``model``.

    Args:
        text: YAML.
        model: what it must fit.
        path: where it stands, or is to stand.

    Raises:
        ConfigError: As :func:`read_yaml` raises it.
    """
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506  a SafeLoader
        # As JSON: only there does a strict model take a list for a tuple and text for a path.
        as_json = json.dumps(content, default=str)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the date 2026-02-31
        raise ConfigError(f"{path}: is not YAML: {_one_line(error)}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: holds {type(content).__name__}, a mapping of keys is wanted")
    try:
        return model.model_validate_json(as_json, strict=True)
    except ValidationError as error:
        raise ConfigError(_explain(path, error, model)) from None


def _explain(path: Path, error: ValidationError, model: type[BaseModel]) -> str:
    found = error.errors(include_url=False)
    # A sequence whose items are all wrong is also called too short: one mistake, not two.
    mistakes = [one for one in found if one["type"] != "too_short" or not _has_mistakes_within(one, found)]
    lines = [f"{path}: {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"]
    for mistake in mistakes:
        key = ".".join(str(step) for step in mistake["loc"])
        if mistake["type"] == "extra_forbidden":
            lines.append(f"  {key}: there is no such key{_nearest(mistake['loc'], model)}")
        elif mistake["type"] == "missing":
            lines.append(f"  {key}: is missing")
        elif key:
            lines.append(f"  {key}: {_said(mistake)} (got {mistake['input']!r})")
        else:
            lines.append(f"  {_said(mistake)}")
    return "\n".join(lines)


def _said(mistake: ErrorDetails) -> str:
    return mistake["msg"].removeprefix("Value error, ")


def _has_mistakes_within(mistake: ErrorDetails, found: list[ErrorDetails]) -> bool:
    place = mistake["loc"]
    return any(other["loc"][: len(place)] == place and other is not mistake for other in found)


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    from difflib import get_close_matches

    names = _field_names(model, set())
    close = get_close_matches(str(location[-1]), sorted(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(sorted(names))}"


def _field_names(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    """The keys of a model and of every model within it."""
    from typing import get_args

    seen.add(model)
    names = set(model.model_fields)
    pending: list[Any] = [field.annotation for field in model.model_fields.values()]
    while pending:
        annotation = pending.pop()
        pending.extend(get_args(annotation))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
            names |= _field_names(annotation, seen)
    return names


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
