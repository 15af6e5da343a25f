"""A strict reader of protobuf messages: what it does not know, or finds twice, it refuses.

The engine's own reader merges messages that stand twice, takes the last of two values and skips what it
does not know. Whoever checks a model must not see another one than the engine does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from taktsight.errors import BundleError

MAX_FIELDS = 500_000
"""Fifty times what the U-Nets here have; it bounds the time that a hostile file can take."""
MAX_VARINT_BYTES = 10

Kind = Literal["int", "ints", "float", "floats", "bytes", "many"]
"""One integer, several; one float, several; one string or message, several."""
Schema = Mapping[int, Kind]
"""What may stand in a message, by field number."""
_WIRE = {"int": 0, "ints": 0, "float": 5, "floats": 5, "bytes": 2, "many": 2}
_ONCE = ("int", "float", "bytes")


class Message:
    """The fields of one message."""

    __slots__ = ("_found",)

    def __init__(self, found: dict[int, list[int | memoryview]]) -> None:
        self._found = found

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def integers(self, number: int) -> list[int]:
        """Signed, 64 bits."""
        values = [value for value in self._found.get(number, ()) if isinstance(value, int)]
        return [value - (1 << 64) if value >> 63 else value for value in values]

    def integer(self, number: int) -> int:
        """Of a field that stands once; 0 where it is absent."""
        return next(iter(self.integers(number)), 0)

    def contents(self, number: int) -> list[memoryview]:
        """Strings, messages, or the bytes of floats."""
        return [value for value in self._found.get(number, ()) if not isinstance(value, int)]

    def content(self, number: int) -> memoryview:
        """Of a field that stands once; empty where it is absent."""
        return next(iter(self.contents(number)), memoryview(b""))

    def text(self, number: int) -> str:
        """Of a field that stands once; bytes that are no UTF-8 are escaped."""
        return bytes(self.content(number)).decode("utf-8", "backslashreplace")


class WireReader:
    """Reads the messages of one file."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._left = MAX_FIELDS

    def read(self, content: memoryview, schema: Schema, name: str) -> Message:
        """The fields of a message.

        Args:
            content: the message.
            schema: what may stand in it.
            name: what an error calls it.

        Raises:
            BundleError: If it is cut short, holds a field that is not in the schema, or one twice.
        """
        found: dict[int, list[int | memoryview]] = {}
        position, end = 0, len(content)
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise BundleError(f"{self._where}: has more than {MAX_FIELDS} fields, no network has")
            tag, position = self._varint(content, position, name)
            number, wire = tag >> 3, tag & 7
            kind = schema.get(number)
            if kind is None:
                raise BundleError(f"{self._where}: {name} has a field {number} that no network here needs")
            values = found.setdefault(number, [])
            if values and kind in _ONCE:
                raise BundleError(f"{self._where}: {name} has the field {number} twice")
            if wire != _WIRE[kind] and not (wire == 2 and kind in ("ints", "floats")):
                raise BundleError(f"{self._where}: the field {number} of {name} is of another type")
            position = self._value(content, position, wire, kind, values, name)
        return Message(found)

    def _value(
        self,
        content: memoryview,
        position: int,
        wire: int,
        kind: Kind,
        values: list[int | memoryview],
        name: str,
    ) -> int:
        if wire == 0:
            value, position = self._varint(content, position, name)
            values.append(value)
            return position
        length = 4
        if wire == 2:
            length, position = self._varint(content, position, name)
        if length > len(content) - position:
            raise BundleError(f"{self._where}: {name} is cut short")
        piece = content[position : position + length]
        if kind == "ints":
            values.extend(self.varints(piece, name))
        else:
            values.append(piece)
        return position + length

    def varints(self, content: memoryview, name: str) -> list[int]:
        """Integers that stand one after the other."""
        position, values = 0, []
        while position < len(content):
            self._left -= 1
            if self._left < 0:
                raise BundleError(f"{self._where}: has more than {MAX_FIELDS} fields, no network has")
            value, position = self._varint(content, position, name)
            values.append(value)
        return values

    def _varint(self, content: memoryview, position: int, name: str) -> tuple[int, int]:
        value = shift = 0
        for byte in content[position : position + MAX_VARINT_BYTES]:
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
        raise BundleError(f"{self._where}: {name} is cut short, or is no message")
