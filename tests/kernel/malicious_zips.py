"""Containers that are no bundle: entries that hide, overlap, lie or are named for mischief."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

from taktsight.stored_zip import Stored

from .conftest import GOLDEN
from .malicious import Shop, add, case


def _with(name: str) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {name: b"x"})


NO_PART, NOT_WRITTEN = "no part of a bundle", "not what was written"
add(
    {
        "zip_slip": (_with("../evil.onnx"), NO_PART),
        "zip_slip_below_a_folder_that_is_allowed": (_with("golden/../../evil.png"), NO_PART),
        "absolute_path": (_with("/tmp/evil.png"), NO_PART),
        "backslashes": (_with("golden\\..\\..\\evil.png"), NO_PART),
        "drive_letter": (_with("C:evil.png"), NO_PART),
        "line_end_in_a_name": (_with("golden/x.png\n"), NO_PART),
        "nothing_before_the_null": (_with("golden/x.png\0.exe"), NO_PART),
        "empty_name": (_with(""), NO_PART),
        "folder": (_with("golden/"), NO_PART),
        "pickle": (_with("model.pkl"), NO_PART),
        "code": (_with("sitecustomize.py"), NO_PART),
        "zip_in_a_zip": (_with("golden/more.zip"), NO_PART),
        "precision_that_nobody_knows": (_with("model.fp4.onnx"), NO_PART),
        "external_weights_beside_the_network": (_with("model.onnx.data"), NO_PART),
    }
)


@case("is a symbolic link")
def symlink(shop: Shop) -> None:
    shop.replace((0o644 << 16).to_bytes(4, "little"), (0o120777 << 16).to_bytes(4, "little"))


@case("is compressed; bundles are stored")
def compressed_bomb(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in shop.good.items():
            archive.writestr(name, bytes(300 << 20) if name == "model.onnx" else content)


@case("is compressed; bundles are stored")
def bomb_of_overlapping_compressed_entries(shop: Shop) -> None:
    """One kernel of compressed data that every entry unpacks."""
    kernel = zlib.compress(bytes(10 << 20), 9)[2:-4]
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(kernel), 10 << 20, 5, 0) + b"a.png"
    one = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(kernel), 10 << 20, 5, 0, 0, 0, 0, 0, 0
    )
    index = (one + b"a.png") * 900
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 900, 900, len(index), len(local) + len(kernel), 0)
    shop.path.write_bytes(local + kernel + index + end)


@case("overlaps another entry")
def overlapping_entries(shop: Shop) -> None:
    """The golden frame is listed where the card lies."""
    start = len(Stored("card.json", len(shop.good["card.json"]), 0).local()) + len(shop.good["card.json"])
    entry = Stored(GOLDEN, len(shop.good[GOLDEN]), zlib.crc32(shop.good[GOLDEN]))
    shop.replace(entry.central(start), entry.central(0))


@case("overlaps another entry, or bytes lie before it")
def hidden_bytes_between_entries(shop: Shop) -> None:
    card = Stored("card.json", len(shop.good["card.json"]), zlib.crc32(shop.good["card.json"]))
    gap, before = b"#!/bin/sh\nrm -rf /\n", len(card.local()) + card.size
    entries = [
        Stored(name, len(content), zlib.crc32(content)) for name, content in sorted(shop.good.items())
    ]
    start, index = 0, b""
    for entry in entries:
        index += entry.central(start + (len(gap) if start else 0))
        start += len(entry.local()) + entry.size
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, len(entries), len(entries), len(index), start + len(gap), 0
    )
    shop.path.write_bytes(shop.whole[:before] + gap + shop.whole[before:start] + index + end)


def _lying(name: str, size: int) -> Callable[[Shop], object]:
    def build(shop: Shop) -> None:
        true = len(shop.good[name])
        old, new = (struct.pack("<3I", zlib.crc32(shop.good[name]), each, each) for each in (true, size))
        shop.replace(old, new)

    return build


add(
    {
        "size_that_lies_upwards": (_lying("model.onnx", 0xFFFFFF00), "overlaps another entry"),
        "size_that_lies_downwards": (_lying("model.onnx", 1), "overlaps another entry"),
        "size_of_the_last_entry_that_lies": (_lying("model.sig", 1 << 30), NOT_WRITTEN),
    }
)


@case(NOT_WRITTEN)
def header_that_contradicts_the_index(shop: Shop) -> None:
    content = bytearray(shop.whole)
    struct.pack_into("<I", content, 22, 1)  # the size in front of the first entry
    shop.path.write_bytes(content)


@case("is a zip64")
def zip64(shop: Shop) -> None:
    end = shop.whole[-22:]
    shop.path.write_bytes(shop.whole[:-22] + end[:8] + b"\xff" * 12 + end[20:])


@case("carries more than a name")
def zip64_field_of_an_entry(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "w") as archive:
        for name, content in shop.good.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<2H2Q", 1, 16, 1 << 40, 1 << 40)
            archive.writestr(info, content)


@case("carries more than a name")
def comment_of_an_entry(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "w") as archive:
        for name, content in shop.good.items():
            info = zipfile.ZipInfo(name)
            info.comment = b"hello"
            archive.writestr(info, content)


@case("does not end as one")
def comment(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "a") as archive:
        archive.comment = b"x" * 1000


@case("is encrypted")
def encrypted(shop: Shop) -> None:
    start = 0
    for name, content in sorted(shop.good.items())[:-1]:
        start += len(Stored(name, len(content), 0).local()) + len(content)
    old = Stored("model.sig", len(shop.good["model.sig"]), zlib.crc32(shop.good["model.sig"])).central(
        start
    )
    shop.replace(old, old[:8] + b"\1" + old[9:])


@case("holds an entry twice")
def duplicate_name(shop: Shop) -> None:
    contents = [*sorted(shop.good.items()), ("model.sig", shop.good["model.sig"])]
    body = index = b""
    for name, content in contents:
        entry = Stored(name, len(content), zlib.crc32(content))
        index += entry.central(len(body))
        body += entry.local() + content
    count = len(contents)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(index), len(body), 0)
    shop.path.write_bytes(body + index + end)


@case("differ by case alone")
def names_that_differ_by_case(shop: Shop) -> None:
    shop.sign(shop.good | {GOLDEN.replace("good", "GOOD"): shop.good[GOLDEN]})


@case("is not a name in ASCII")
def names_that_differ_by_unicode_form(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "w") as archive:
        for name in (*shop.good, "golden/\N{LATIN SMALL LETTER E WITH ACUTE}.png", "golden/e\u0301.png"):
            archive.writestr(zipfile.ZipInfo(name), shop.good.get(name, b""))


@case("holds 5000 entries")
def thousands_of_entries(shop: Shop) -> None:
    shop.put({f"golden/{number}.png": b"" for number in range(5000)})


def _content(content: Callable[[bytes], bytes]) -> Callable[[Shop], object]:
    return lambda shop: shop.path.write_bytes(content(shop.whole))


def _prefixed(whole: bytes) -> bytes:
    """A shell script that is a zip: with every place in the index moved on, zip tools see nothing wrong."""
    script = b"#!/bin/sh\nexit 0\n"
    content = bytearray(script + whole)
    size, start = struct.unpack_from("<2I", content, len(content) - 10)
    struct.pack_into("<I", content, len(content) - 6, start + len(script))
    position = start + len(script)
    while position < start + len(script) + size:
        (listed,) = struct.unpack_from("<I", content, position + 42)
        struct.pack_into("<I", content, position + 42, listed + len(script))
        position += 46 + struct.unpack_from("<H", content, position + 28)[0]
    return bytes(content)


add(
    {
        "empty_file": (_content(lambda whole: b""), "too few"),
        "end_of_a_zip_alone": (_content(lambda whole: b"PK\5\6" + bytes(18)), "holds 0 entries"),
        "half_a_bundle": (_content(lambda whole: whole[: len(whole) // 2]), "does not end as one"),
        "one_byte_short": (_content(lambda whole: whole[:-1]), "does not end as one"),
        "one_byte_long": (_content(lambda whole: whole + b"\0"), "does not end as one"),
        "byte_in_front": (_content(lambda whole: b"\0" + whole), NOT_WRITTEN),
        "polyglot": (_content(_prefixed), "bytes lie before it"),
        "two_bundles_in_one_file": (_content(lambda whole: whole + whole), NOT_WRITTEN),
        "pickle_instead": (_content(lambda whole: pickle.dumps({"weights": whole})), "does not end as one"),
        "zeros": (_content(lambda whole: bytes(1 << 20)), "does not end as one"),
    }
)


@case(NOT_WRITTEN)
def another_order(shop: Shop) -> None:
    with zipfile.ZipFile(shop.path, "w") as archive:
        for name in sorted(shop.good, reverse=True):
            archive.writestr(zipfile.ZipInfo(name), shop.good[name])


@case("is larger than 1024 MiB")
def file_of_two_gigabytes(shop: Shop) -> None:
    os.truncate(shop.path, 2 << 30)


@case("it is no file")
def pipe_that_never_ends(shop: Shop) -> None:
    shop.path.unlink()
    os.mkfifo(shop.path)
