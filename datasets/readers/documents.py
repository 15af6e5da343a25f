"""Annotation files opened: which they are, and the text, JSON or XML in them.

What is wrong is raised as a DataError without the file's name; the reader that knows the entry adds both.
"""

from __future__ import annotations

import json
import math
import reprlib
from pathlib import Path
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, ConfigDict, ValidationError

from taktsight.datasets.readers.files import files_below
from taktsight.errors import ConfigError, DataError


class Entry(BaseModel):
    """A part of an annotation file: what is not named is ignored, what is named is of its type."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


EntryT = TypeVar("EntryT", bound=Entry)


def documents_at(annotations: Path, suffix: str) -> list[Path]:
    """The file itself, or every file with the suffix below the folder.

    Raises:
        ConfigError: If there is none.
    """
    if annotations.is_file():
        return [annotations]
    files = files_below(annotations, {suffix})
    if not files:
        raise ConfigError(f"{annotations}: there is no such file, nor a folder with {suffix} files")
    return files


def only_document(root: Path, suffix: str) -> list[Path]:
    """The one file with the suffix below ``root``.

    Raises:
        ConfigError: If there is none, or several.
    """
    files = files_below(root, {suffix})
    if len(files) == 1:
        return files
    if not files:
        raise ConfigError(f"{root}: holds no {suffix} file; say with 'annotations' where it lies")
    named = ", ".join(str(file.relative_to(root)) for file in files[:10])
    raise ConfigError(
        f"{root}: holds {len(files)} {suffix} files ({named}{', …' * (len(files) > 10)}); "
        "say with 'annotations' which file is meant, or name a folder to read all in it"
    )


def read_text(path: Path) -> str:
    """The whole file, in UTF-8 with or without its mark.

    Raises:
        DataError: If it cannot be read, or is in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def read_json(path: Path) -> object:
    """What the file holds.

    Raises:
        DataError: If it is not JSON in UTF-8, or a key stands twice in one place: the program that wrote
            it meant both, and only one could be kept.
    """
    try:
        content: object = json.loads(read_text(path), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON ({error}); export it again") from error
    return content


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    held = dict(pairs)
    if len(held) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {reprlib.repr(twice)} stands twice in one place")
    return held


def read_xml(path: Path, tag: str) -> Element:
    """The outermost element.

    Raises:
        DataError: If it is not XML, its outermost element is not ``tag``, or it declares entities.
    """
    try:
        element: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from error
    except DefusedXmlException as error:
        raise DataError("declares a document type or entities; remove them") from error
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"is not XML ({error}); export it again") from error
    if element.tag != tag:
        raise DataError(f"holds <{element.tag}>, wanted is <{tag}>")
    return element


def only_child(element: Element, tag: str) -> Element | None:
    """The element within; None where there is none.

    Raises:
        DataError: If there are several: which one counts nobody knows.
    """
    found = element.findall(tag)
    if len(found) > 1:
        raise DataError(f"<{element.tag}> has {len(found)} <{tag}>; keep one")
    return found[0] if found else None


def text_within(element: Element, tag: str) -> str:
    """The text of the element within, without blanks around it; empty where there is none.

    Raises:
        DataError: If there are several.
    """
    child = only_child(element, tag)
    return "" if child is None else (child.text or "").strip()


def parsed(kind: type[EntryT], value: object) -> EntryT:
    """The value as an entry of that kind.

    Raises:
        DataError: If a key is absent or holds something else; says which, and what it holds.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(place) for place in first["loc"])
        said = f"{first['msg']}, got {reprlib.repr(first['input'])}"
        raise DataError(f"{key}: {said}" if key else said) from error


def number(text: str | None, name: str) -> float:
    """A finite number; ``name`` is what a complaint calls it.

    Raises:
        DataError: If it is absent or no number.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in (text or ""):
        raise DataError(f"{name} is {reprlib.repr(text)}, wanted is a number")
    return value


def whole_number(text: str | None, name: str) -> int:
    """A whole number ≥ 0; ``name`` is what a complaint calls it.

    Raises:
        DataError: If it is absent or something else.
    """
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise DataError(f"{name} is {reprlib.repr(text)}, wanted is a whole number ≥ 0")
    return int(text)


def attribute(element: Element, name: str) -> str:
    """The attribute of an XML element.

    Raises:
        DataError: If it has none.
    """
    value = element.get(name)
    if value is None:
        raise DataError(f"<{element.tag}> has no attribute {name!r}")
    return value
