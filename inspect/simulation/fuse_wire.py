"""The kernel's side of a file system in user space: /dev/fuse, spoken without a library.

Only what a data base and folders of files need. The layout of each message is that of the kernel's header
``linux/fuse.h``, protocol 7.31; it is the same on every processor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taktsight.inspect.simulation.powercut_fs import Disk, Node

MAX_WRITE_BYTES = 1 << 20
BLOCK_BYTES = 4096
ROOT = 1
FOREVER_S = 3600
"""How long the kernel may believe an answer: nobody but the kernel changes anything here."""

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_INIT_OUT = struct.Struct("<IIIIHHIIHH32x")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<QQQQII")
_TRANSFER = struct.Struct("<QQIIQII")
_STATFS = struct.Struct("<5Q4I24x")
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_SIZE_GIVEN = 1 << 3
_UNANSWERED = (2, 36, 42)
"""FORGET, INTERRUPT and BATCH_FORGET."""
_OPEN_OUT = struct.pack("<QII", 0, 0, 0)


class Mount:
    """A disk at a folder, until it is closed. Only root may mount."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder
        self._fuse = os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self._fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
        if libc.mount(b"powercut", os.fsencode(folder), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "cannot be mounted", str(folder))
        self._unmount = libc.umount2
        self._verbs: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup,
            3: self._getattr,
            4: self._setattr,
            9: self._mkdir,
            10: self._unlink,
            11: self._unlink,
            12: lambda at, body: self._rename(at, body, struct.calcsize("<Q")),
            14: lambda _at, _body: _OPEN_OUT,
            15: self._read,
            16: self._write,
            17: self._statfs,
            18: _nothing,
            20: self._sync,
            25: _nothing,
            26: _init,
            27: lambda _at, _body: _OPEN_OUT,
            28: self._listing,
            29: _nothing,
            30: self._sync,
            35: self._create,
            45: lambda at, body: self._rename(at, body, struct.calcsize("<QII")),
        }

    def serve(self, control: int, heard: Callable[[], bool]) -> None:
        """Answers the kernel, until ``heard``, called where the control can be read, says to stop."""
        while True:
            ready, _, _ = select.select([self._fuse, control], [], [])
            if self._fuse in ready:
                self._answer(os.read(self._fuse, MAX_WRITE_BYTES + BLOCK_BYTES))
            elif not heard():
                return

    def close(self) -> None:
        """Takes the disk away, from those who still use it too."""
        detach = 2
        self._unmount(os.fsencode(self._folder), detach)
        os.close(self._fuse)

    def _answer(self, request: bytes) -> None:
        _, verb, unique, inode, *_ = _IN.unpack_from(request)
        if verb in _UNANSWERED:
            return
        error, content = 0, b""
        try:
            if verb not in self._verbs:
                raise OSError(errno.ENOSYS, "not spoken here")
            content = self._verbs[verb](inode, request[_IN.size :])
        except OSError as refused:
            error = -(refused.errno or errno.EIO)
        os.write(self._fuse, _OUT.pack(_OUT.size + len(content), error, unique) + content)

    def _lookup(self, folder: int, body: bytes) -> bytes:
        return _entry(self._disk.child(folder, _names(body)[0]))

    def _getattr(self, inode: int, _body: bytes) -> bytes:
        return struct.pack("<QII", FOREVER_S, 0, 0) + _attributes(self._disk.node(inode))

    def _setattr(self, inode: int, body: bytes) -> bytes:
        given, _, _, size = struct.unpack_from("<IIQQ", body)
        if given & _SIZE_GIVEN:
            self._disk.resize(inode, size)
        return self._getattr(inode, b"")

    def _mkdir(self, folder: int, body: bytes) -> bytes:
        mode, _ = struct.unpack_from("<II", body)
        return _entry(self._disk.make(folder, _names(body[8:])[0], 0o040000 | mode))

    def _create(self, folder: int, body: bytes) -> bytes:
        _, mode, _, _ = struct.unpack_from("<IIII", body)
        return _entry(self._disk.make(folder, _names(body[16:])[0], 0o100000 | mode)) + _OPEN_OUT

    def _unlink(self, folder: int, body: bytes) -> bytes:
        self._disk.unlink(folder, _names(body)[0])
        return b""

    def _rename(self, folder: int, body: bytes, header: int) -> bytes:
        (new_folder,) = struct.unpack_from("<Q", body)
        name, new_name = _names(body[header:])[:2]
        self._disk.rename(folder, name, new_folder, new_name)
        return b""

    def _read(self, inode: int, body: bytes) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(body)
        return bytes(self._disk.node(inode).content[offset : offset + size])

    def _write(self, inode: int, body: bytes) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(body)
        self._disk.write(inode, offset, body[_TRANSFER.size : _TRANSFER.size + size])
        return struct.pack("<II", size, 0)

    def _sync(self, inode: int, _body: bytes) -> bytes:
        self._disk.sync(inode)
        return b""

    def _statfs(self, _inode: int, _body: bytes) -> bytes:
        blocks, free = self._disk.blocks()
        return _STATFS.pack(blocks, free, free, 1 << 20, 1 << 20, BLOCK_BYTES, 255, BLOCK_BYTES, 0)

    def _listing(self, inode: int, body: bytes) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(body)
        content = b""
        for number, (name, node) in enumerate(self._disk.listing(inode)):
            encoded = name.encode()
            head = struct.pack("<QQII", node.inode, number + 1, len(encoded), node.mode >> 12)
            entry = head + encoded + bytes(-len(encoded) % 8)
            if len(content) + len(entry) > size:
                break
            content += entry if number >= offset else b""
        return content


def _init(_inode: int, body: bytes) -> bytes:
    major, minor, ahead, flags = struct.unpack_from("<IIII", body)
    flags &= _BIG_WRITES | _MAX_PAGES
    pages = MAX_WRITE_BYTES // BLOCK_BYTES
    return _INIT_OUT.pack(major, min(minor, 31), ahead, flags, 12, 9, MAX_WRITE_BYTES, 1, pages, 0)


def _nothing(_inode: int, _body: bytes) -> bytes:
    return b""


def _names(body: bytes) -> list[str]:
    return [name.decode() for name in body.split(b"\0")]


def _entry(node: Node) -> bytes:
    return _ENTRY.pack(node.inode, 0, FOREVER_S, FOREVER_S, 0, 0) + _attributes(node)


def _attributes(node: Node) -> bytes:
    seconds, nanoseconds = divmod(node.changed_ns, 10**9)
    size = len(node.content)
    times = (seconds,) * 3, (nanoseconds,) * 3
    blocks = -(-size // 512)
    return _ATTRIBUTES.pack(
        node.inode, size, blocks, *times[0], *times[1], node.mode, 1, 0, 0, 0, BLOCK_BYTES, 0
    )
