"""A zip in its plainest form: stored, sorted, no clock, no owner; for the same entries the same bytes.

Every zip tool reads it. What is read here is this form and no other, so that no two readers can see
different entries in one file, and nothing in it is larger than the file is.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from taktsight.errors import BundleError

MAX_ENTRIES = 1000
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _MADE_BY_UNIX, _FIRST_DAY = 20, 20 | 3 << 8, 1 << 5 | 1
_REGULAR = 0o644 << 16
_ENCRYPTED = 1
_SYMLINK, _FILE_KIND = 0o120000, 0o170000


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry, as the index at the end of the zip lists it."""

    name: str
    size: int
    crc: int

    def local(self) -> bytes:
        """What stands in front of its content."""
        name = self.name.encode()
        sizes = (self.crc, self.size, self.size, len(name), 0)
        return _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, 0, 0, _FIRST_DAY, *sizes) + name

    def central(self, start: int) -> bytes:
        """What stands in the index."""
        name = self.name.encode()
        sizes = (self.crc, self.size, self.size, len(name), 0, 0, 0, 0, _REGULAR, start)
        return _CENTRAL.pack(b"PK\x01\x02", _MADE_BY_UNIX, _VERSION, 0, 0, 0, _FIRST_DAY, *sizes) + name


def write_stored(entries: Mapping[str, bytes]) -> Iterator[bytes]:
    """The pieces of the zip, to be written one after the other."""
    listed = []
    for name in sorted(entries):
        content = entries[name]
        listed.append(Stored(name, len(content), zlib.crc32(content)))
        yield listed[-1].local()
        yield content
    yield _index(listed)


def read_index(file: BinaryIO, size: int, where: str) -> list[Stored]:
    """The entries of a zip of that size; none of them is read yet.

    Raises:
        BundleError: If the file is no such zip, naming ``where`` and what is wrong.
    """
    if size < _END.size:
        raise BundleError(f"{where}: is damaged or no bundle: {size} bytes are too few; copy it again")
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    signature, *disks, here, count, length, start, comment = end
    if signature != b"PK\x05\x06" or any(disks) or here != count or comment:
        raise BundleError(f"{where}: is damaged or no bundle: it does not end as one; copy it again")
    if 0xFFFF in (count, here) or 0xFFFFFFFF in (length, start):
        raise BundleError(f"{where}: is a zip64, and no bundle is so large")
    if not 0 < count <= MAX_ENTRIES:
        raise BundleError(f"{where}: holds {count} entries, a bundle has 1 to {MAX_ENTRIES}; copy it again")
    if start + length + _END.size != size:
        raise BundleError(f"{where}: has bytes that are not what was written; copy it again")
    file.seek(start)
    index = file.read(length)
    entries = list(_listed(index, count, where))
    _check_names(entries, where)
    _check_places(index, entries, where)
    if index + _END.pack(*end) != _index(entries):
        raise BundleError(f"{where}: has bytes that are not what was written; copy it again")
    return entries


def read_entry(file: BinaryIO, entries: Sequence[Stored], name: str) -> bytes:
    """The content of one entry, not yet compared with anything."""
    start = 0
    for entry in entries:
        if entry.name == name:
            file.seek(start + len(entry.local()))
            return file.read(entry.size)
        start += len(entry.local()) + entry.size
    raise ValueError(f"there is no {name}")


def read_stored(
    file: BinaryIO, entries: Sequence[Stored], digests: Mapping[str, str], where: str
) -> tuple[dict[str, bytes], str]:
    """Every entry, and the SHA-256 of the whole file. Each byte is read once.

    Args:
        file: the zip.
        entries: its index.
        digests: SHA-256 that each entry must have, hex.
        where: what an error calls the file.

    Raises:
        BundleError: At the first entry that is not what its digest says.
    """
    whole = hashlib.sha256()
    contents = {}
    file.seek(0)
    for entry in entries:
        local = file.read(len(entry.local()))
        if local != entry.local():
            raise BundleError(f"{where}: has bytes that are not what was written; copy it again")
        content = file.read(entry.size)
        if hashlib.sha256(content).hexdigest() != digests[entry.name] or zlib.crc32(content) != entry.crc:
            raise BundleError(f"{where}: {entry.name} is not what was signed; copy the bundle again")
        contents[entry.name] = content
        whole.update(local)
        whole.update(content)
    whole.update(_index(entries))
    return contents, whole.hexdigest()


def _index(entries: Sequence[Stored]) -> bytes:
    start, index = 0, b""
    for entry in entries:
        index += entry.central(start)
        start += len(entry.local()) + entry.size
    count = len(entries)
    return index + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(index), start, 0)


def _listed(index: bytes, count: int, where: str) -> Iterator[Stored]:
    position = 0
    for _ in range(count):
        if len(index) < position + _CENTRAL.size:
            raise BundleError(f"{where}: is damaged or no bundle: its index is cut short; copy it again")
        fields = _CENTRAL.unpack_from(index, position)
        flags, method, crc, packed, size, name_length, extra, comment = (*fields[3:5], *fields[7:13])
        position += _CENTRAL.size
        raw = index[position : position + name_length]
        name = raw.decode("ascii", "backslashreplace")
        position += name_length + extra + comment
        if not raw.isascii():
            raise BundleError(f"{where}: {name} is not a name in ASCII: others can look the same")
        if flags & _ENCRYPTED:
            raise BundleError(f"{where}: {name} is encrypted; bundles are signed, not secret")
        if method or packed != size:
            raise BundleError(f"{where}: {name} is compressed; bundles are stored")
        if fields[15] >> 16 & _FILE_KIND == _SYMLINK:
            raise BundleError(f"{where}: {name} is a symbolic link; bundles hold files")
        if extra or comment:
            raise BundleError(f"{where}: {name} carries more than a name: {extra + comment} bytes")
        yield Stored(name, size, crc)


def _check_names(entries: Sequence[Stored], where: str) -> None:
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        raise BundleError(f"{where}: holds an entry twice")
    if len({name.casefold() for name in names}) < len(names):
        raise BundleError(f"{where}: holds entries whose names differ by case alone")
    if names != sorted(names):
        raise BundleError(f"{where}: has bytes that are not what was written: its entries are not sorted")


def _check_places(index: bytes, entries: Sequence[Stored], where: str) -> None:
    """One after the other from the first byte on: none lies in another, and nothing lies between."""
    start = position = 0
    for entry in entries:
        listed = _CENTRAL.unpack_from(index, position)[16]
        if listed != start:
            raise BundleError(f"{where}: {entry.name} overlaps another entry, or bytes lie before it")
        start += len(entry.local()) + entry.size
        position += _CENTRAL.size + len(entry.name)
