"""A disk that loses at a power cut what a disk may lose.

Whatever was written and not synced: each sector of it may be on the disk or not, in any order, whatever
was written before or after. A new name, a removed one, a rename: in order, and only as far as the folder
was synced, or chance took it along. A sync that was answered is kept.

    python -m taktsight.inspect.simulation.powercut_fs MOUNTPOINT STORE

Orders come by standard input, one a line, and each is answered by one line:

    cut SEED          from now on every call fails; what is on the disk is what survived
    sync_ms N         a sync takes so much longer
    fail_syncs N      the next so many syncs fail
    free_kb N         room for new content; without it there is plenty

At the end of its input it unmounts and writes into the folder STORE what a machine finds there that is
switched on: the survivors after a cut, everything else otherwise.
"""

from __future__ import annotations

import errno
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from taktsight.inspect.simulation.fuse_wire import BLOCK_BYTES, ROOT, Mount

SECTOR_BYTES = 512
DISK_BYTES = 1 << 34
FOLDER, FILE = 0o040755, 0o100644


@dataclass
class Node:
    """A file or a folder: as the machine sees it, and as it is on the disk."""

    inode: int
    mode: int
    content: bytearray = field(default_factory=bytearray)
    entries: dict[str, Node] = field(default_factory=dict)
    changed_ns: int = field(default_factory=time.time_ns)
    stored: bytearray = field(default_factory=bytearray)
    stored_entries: dict[str, Node] = field(default_factory=dict)
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and what was written there; without content, the file's new size."""
    unsynced_names: list[Callable[[], object]] = field(default_factory=list)

    @property
    def is_folder(self) -> bool:
        return self.mode & 0o170000 == 0o040000

    def sync(self) -> None:
        """Everything so far is on the disk."""
        for offset, written in self.unsynced:
            put(self.stored, offset, written)
        for change in self.unsynced_names:
            change()
        self.unsynced.clear()
        self.unsynced_names.clear()

    def lose_power(self, chance: random.Random) -> None:
        """Of what was not synced some reached the disk."""
        share = chance.choice((0.0, 0.5, 1.0))
        for offset, written in self.unsynced:
            if written is None:
                if chance.random() < share:
                    put(self.stored, offset, None)
                continue
            for start in range(0, len(written), SECTOR_BYTES):
                if chance.random() < share:
                    put(self.stored, offset + start, written[start : start + SECTOR_BYTES])
        for change in self.unsynced_names[: chance.randint(0, len(self.unsynced_names))]:
            change()


def put(content: bytearray, offset: int, written: bytes | None) -> None:
    """Writes into a file's content, or gives it a new size."""
    end = offset if written is None else offset + len(written)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if written is None:
        del content[offset:]
    else:
        content[offset:end] = written


class Disk:
    """All files, in memory."""

    def __init__(self, store: Path) -> None:
        self.is_cut = False
        self.sync_s = 0.0
        self.syncs_to_fail = 0
        self.free_bytes = DISK_BYTES
        self._nodes: dict[int, Node] = {}
        self._load(self._new(FOLDER), store)

    def node(self, inode: int) -> Node:
        """What the kernel knows by this number."""
        self._check_power()
        return self._nodes[inode]

    def child(self, folder: int, name: str) -> Node:
        """What lies in a folder under a name."""
        entries = self.node(folder).entries
        if name not in entries:
            raise OSError(errno.ENOENT, "there is no such file")
        return entries[name]

    def make(self, folder: int, name: str, mode: int) -> Node:
        """A new file or folder."""
        parent, made = self.node(folder), self._new(mode)
        parent.entries[name] = made
        parent.unsynced_names.append(lambda: parent.stored_entries.update({name: made}))
        return made

    def unlink(self, folder: int, name: str) -> None:
        """Takes a name away."""
        parent, gone = self.node(folder), self.child(folder, name)
        if gone.entries:
            raise OSError(errno.ENOTEMPTY, "the folder is not empty")
        del parent.entries[name]
        parent.unsynced_names.append(lambda: parent.stored_entries.pop(name, None))
        self.free_bytes += len(gone.content)

    def rename(self, folder: int, name: str, new_folder: int, new_name: str) -> None:
        """One step, on the disk too; between two folders it is on the disk once the new one is synced."""
        old, new, moved = self.node(folder), self.node(new_folder), self.child(folder, name)
        del old.entries[name]
        new.entries[new_name] = moved

        def change() -> None:
            old.stored_entries.pop(name, None)
            new.stored_entries[new_name] = moved

        new.unsynced_names.append(change)

    def resize(self, inode: int, size: int) -> None:
        """A file's new size; what is added is zero."""
        node = self.node(inode)
        self._take_room(size - len(node.content))
        put(node.content, size, None)
        node.unsynced.append((size, None))

    def write(self, inode: int, offset: int, written: bytes) -> None:
        """Writes, into memory for now."""
        node = self.node(inode)
        self._take_room(offset + len(written) - len(node.content))
        put(node.content, offset, written)
        node.unsynced.append((offset, written))
        node.changed_ns = time.time_ns()

    def sync(self, inode: int) -> None:
        """A file's content, or a folder's names, are on the disk once this has answered."""
        node = self.node(inode)
        time.sleep(self.sync_s)
        if self.syncs_to_fail:
            self.syncs_to_fail -= 1
            # As Linux does: what failed to be written is forgotten, the next sync knows nothing of it.
            node.unsynced.clear()
            raise OSError(errno.EIO, "the disk failed")
        node.sync()

    def listing(self, inode: int) -> list[tuple[str, Node]]:
        """Names of a folder and what they stand for."""
        node = self.node(inode)
        return [(".", node), ("..", node), *node.entries.items()]

    def blocks(self) -> tuple[int, int]:
        """Room of the disk and what of it is free, in blocks."""
        return DISK_BYTES // BLOCK_BYTES, self.free_bytes // BLOCK_BYTES

    def cut(self, seed: int) -> None:
        """The power goes."""
        chance = random.Random(seed)
        for inode in sorted(self._nodes):
            self._nodes[inode].lose_power(chance)
        self.is_cut = True

    def save(self, store: Path) -> None:
        """What a machine finds that is switched on."""
        self._save(self._nodes[ROOT], store)

    def _check_power(self) -> None:
        if self.is_cut:
            raise OSError(errno.EIO, "there is no power")

    def _take_room(self, more: int) -> None:
        if more > self.free_bytes:
            raise OSError(errno.ENOSPC, "the disk is full")
        self.free_bytes -= more

    def _new(self, mode: int) -> Node:
        inode = len(self._nodes) + ROOT
        self._nodes[inode] = Node(inode, mode)
        return self._nodes[inode]

    def _load(self, node: Node, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            child = self._new(FOLDER if path.is_dir() else FILE)
            node.entries[path.name] = node.stored_entries[path.name] = child
            if path.is_dir():
                self._load(child, path)
            else:
                child.content[:] = child.stored[:] = path.read_bytes()

    def _save(self, node: Node, folder: Path) -> None:
        entries = node.stored_entries if self.is_cut else node.entries
        for path in folder.iterdir():
            if path.name not in entries and not path.is_dir():
                path.unlink()
        for name, child in entries.items():
            if child.is_folder:
                (folder / name).mkdir(exist_ok=True)
                self._save(child, folder / name)
            else:
                (folder / name).write_bytes(child.stored if self.is_cut else child.content)


def obey(disk: Disk, order: str) -> None:
    """Does what one line of the input says."""
    word, number = order.split()
    if word == "cut":
        disk.cut(int(number))
    elif word == "sync_ms":
        disk.sync_s = int(number) / 1e3
    elif word == "fail_syncs":
        disk.syncs_to_fail = int(number)
    elif word == "free_kb":
        disk.free_bytes = int(number) * 1024
    else:
        raise ValueError(f"there is no order {word!r}")


def main(mountpoint: Path, store: Path) -> None:
    """Serves until the input ends."""
    disk = Disk(store)
    mount = Mount(disk, mountpoint)

    def heard() -> bool:
        orders = os.read(0, 4096).decode().splitlines()
        for order in orders:
            obey(disk, order)
            os.write(1, b"done\n")
        return bool(orders)

    os.write(1, b"ready\n")
    try:
        mount.serve(0, heard)
    finally:
        mount.close()
        disk.save(store)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
