"""The backend in a station file, replaced; all else stays as it is written."""

from __future__ import annotations

from pathlib import Path

import yaml

from taktsight.errors import ConfigError
from taktsight.inspect.config import Engine, Station, with_values
from taktsight.inspect.config_text import write_text
from taktsight.inspect.trials.choice import Measured
from taktsight.inspect.trials.task import candidate
from taktsight.strict_yaml import parse_yaml, read_yaml


def write_backend(station: Path, best: Measured) -> None:
    """Puts the engine in the place of the station's ``backend``.

    Raises:
        ConfigError: If the station cannot be read, or not be changed in this way, or not be written; it is
            then as it was.
    """
    file = station.resolve()  # a link stays one
    before = read_yaml(file, Station)
    engine = candidate(best.engine, best.threads, before.backend)
    changed = with_backend(file.read_bytes().decode("utf-8"), engine)
    if not _is_with(changed, file, with_values(before, backend=engine)):
        raise ConfigError(
            f"{station}: its backend cannot be replaced in the way the file is written; put in by hand:\n"
            f"{_block(engine)}"
        )
    write_text(station, changed)


def with_backend(text: str, engine: Engine) -> str:
    """The text of a station file with another backend, or with one at its end where it had none."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = _block(engine).replace("\n", newline)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    for key, value in pairs:
        if key.value == "backend":
            line_end = text.find("\n", _end(value))
            rest = text[line_end + 1 :] if line_end >= 0 else ""
            return text[: key.start_mark.index] + block + rest
    return text + ("" if text.endswith("\n") else newline) + newline + block


def _block(engine: Engine) -> str:
    said = engine.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump({"backend": said}, sort_keys=False, allow_unicode=True, width=10_000)


def _end(node: yaml.Node) -> int:
    """Behind the last character of a value; a block's own mark stands before whatever follows it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _is_with(text: str, file: Path, wanted: Station) -> bool:
    try:
        return parse_yaml(text, Station, file).model_dump() == wanted.model_dump()
    except ConfigError:
        return False
