"""Bundles that somebody made to harm a line, each with the words it must be refused with.

Where a case is about the content, the content carries a valid signature by a key that the station allows:
whoever signed it was careless, or was robbed of the key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from taktsight.stored_zip import Stored, write_stored

from .conftest import GOLDEN, Entries, entries_of, pem_pair, redigest, write

Change = Callable[[dict[str, Any]], object]


class Shop:
    """A folder with a good bundle, a key that stations allow, and one that they do not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "flange.taktsight"
        self.records = folder / "records"
        self.key, self.public = pem_pair(folder, "plant")
        self.strange_key, self.strange_public = pem_pair(folder, "stranger")
        write(self.path, key=self.key)
        self.good = entries_of(self.path)
        self.whole = self.path.read_bytes()

    def put(self, entries: Mapping[str, bytes]) -> None:
        """Writes them as a bundle is written."""
        self.path.write_bytes(b"".join(write_stored(entries)))

    def sign(self, entries: Entries) -> None:
        """Writes them signed by the allowed key."""
        self.put(redigest(entries, self.key))

    def replace(self, old: bytes, new: bytes) -> None:
        """Changes bytes of the good bundle where they stand last: in the index."""
        assert len(old) == len(new)
        head, found, tail = self.whole.rpartition(old)
        assert found
        self.path.write_bytes(head + new + tail)

    def change_card(self, change: Change) -> None:
        """Signs a bundle with another card."""
        content = json.loads(self.good["card.json"])
        change(content)
        self.sign(self.good | {"card.json": json.dumps(content).encode()})

    def change_signature(self, change: Change) -> None:
        """Changes the signature file and leaves the rest."""
        content = json.loads(self.good["model.sig"])
        change(content)
        self.put(self.good | {"model.sig": json.dumps(content).encode()})


@dataclass(frozen=True)
class Case:
    """How it is made, and what the refusal must say."""

    build: Callable[[Shop], object]
    says: str


CASES: dict[str, Case] = {}


def case(says: str) -> Callable[[Callable[[Shop], object]], Callable[[Shop], object]]:
    """Makes a case of the function below, under its name."""

    def keep(build: Callable[[Shop], object]) -> Callable[[Shop], object]:
        assert build.__name__ not in CASES
        CASES[build.__name__] = Case(build, says)
        return build

    return keep


def add(names: Mapping[str, tuple[Callable[[Shop], object], str]]) -> None:
    """Cases that differ in a word only."""
    for name, (build, says) in names.items():
        case(says)(_named(build, name))


def _named(build: Callable[[Shop], object], name: str) -> Callable[[Shop], object]:
    build.__name__ = name
    return build


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


# Who signed it.


@case("is not signed")
def unsigned(shop: Shop) -> None:
    shop.put(redigest(shop.good))


@case("is signed by none of")
def wrong_key(shop: Shop) -> None:
    shop.put(redigest(shop.good, shop.strange_key))


@case("is signed by none of")
def revoked_key(shop: Shop) -> None:
    shop.public.write_bytes(b"# taken out: plant, the key was lost\n" + shop.strange_public.read_bytes())


@case("is not a P-256 public key")
def key_of_another_curve_that_was_allowed(shop: Shop) -> None:
    _, public = pem_pair(shop.public.parent, "p384", ec.SECP384R1())
    shop.public.write_bytes(public.read_bytes())


def _signed_otherwise(curve: ec.EllipticCurve, frame: Callable[[bytes], bytes]) -> Callable[[Shop], object]:
    """The same statement under another curve or another framing."""

    def build(shop: Shop) -> None:
        envelope = json.loads(shop.good["model.sig"])["dsseEnvelope"]
        private: Any = serialization.load_pem_private_key(shop.key.read_bytes(), None)
        key = private if curve.name == "secp256r1" else ec.generate_private_key(curve)
        signature = key.sign(frame(base64.b64decode(envelope["payload"])), ec.ECDSA(hashes.SHA256()))
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        shop.change_signature(lambda whole: whole.update(dsseEnvelope=envelope))

    return build


def _framed(payload: bytes) -> bytes:
    return f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} ".encode() + payload


def _framed_before_1_0(payload: bytes) -> bytes:
    """As model-signing 0.2 did by mistake, and its verifier still accepts."""
    return f"DSSEV1 28 application/vnd.in-toto+json {len(payload)} {payload!r}".encode()


add(
    {
        "signature_of_another_curve": (_signed_otherwise(ec.SECP384R1(), _framed), "is signed by none of"),
        "signature_of_a_bitcoin_curve": (
            _signed_otherwise(ec.SECP256K1(), _framed),
            "is signed by none of",
        ),
        "signature_framed_as_before_1_0": (
            _signed_otherwise(ec.SECP256R1(), _framed_before_1_0),
            "is signed by none of",
        ),
        "signature_over_the_bare_statement": (
            _signed_otherwise(ec.SECP256R1(), lambda payload: payload),
            "is signed by none of",
        ),
    }
)


@case("is not what was signed")
def signature_of_another_bundle(shop: Shop) -> None:
    other = redigest(shop.good | {"card.json": b"{}"}, shop.key)
    shop.put(shop.good | {"model.sig": other["model.sig"]})


@case(f"{GOLDEN} is not what was signed: it was added")
def signature_over_other_names(shop: Shop) -> None:
    renamed = {name.replace("good-1", "other"): content for name, content in shop.good.items()}
    shop.put(shop.good | {"model.sig": redigest(renamed, shop.key)["model.sig"]})


@case("model.sig is not what was signed")
def signature_that_lists_itself(shop: Shop) -> None:
    from taktsight.signing import sign

    digests = {name: hashlib.sha256(content).hexdigest() for name, content in shop.good.items()}
    shop.put(shop.good | {"model.sig": sign("flange", digests, shop.key)})


@case("is signed by none of")
def statement_that_was_changed(shop: Shop) -> None:
    forged = json.loads(redigest(shop.good | {"card.json": b"{}"})["model.sig"])["dsseEnvelope"]["payload"]
    shop.change_signature(lambda whole: whole["dsseEnvelope"].update(payload=forged))


@case("holds 2 signatures")
def two_signatures(shop: Shop) -> None:
    shop.change_signature(lambda whole: whole["dsseEnvelope"]["signatures"].append({"sig": "AAAA"}))


@case("no application/vnd.in-toto+json")
def statement_of_another_type(shop: Shop) -> None:
    shop.change_signature(lambda whole: whole["dsseEnvelope"].update(payloadType="text/plain"))


def _signature(content: bytes) -> Callable[[Shop], object]:
    return lambda shop: shop.put(shop.good | {"model.sig": content})


add(
    {
        "signature_nested_too_deep": (_signature(b"[" * 500_000), "nested too deep"),
        "signature_with_nan": (_signature(b'{"mediaType": NaN}'), "NaN is no number"),
        "signature_with_a_key_twice": (_signature(b'{"a": 1, "a": 2}'), "'a' stands twice"),
        "signature_of_two_megabytes": (_signature(b" " * (2 << 20)), "none is so large"),
        "signature_that_is_no_text": (_signature(b"\xff\xfe\x00"), "model.sig cannot be read"),
        "number_of_a_million_digits": (_signature(b'{"a": ' + b"9" * 1_000_000 + b"}"), "cannot be read"),
    }
)

# What was changed after it was signed.


@case("card.json is not what was signed")
def card_that_was_changed(shop: Shop) -> None:
    shop.put(shop.good | {"card.json": shop.good["card.json"].replace(b"0.8", b"0.9")})


@case("is not what was signed")
def entries_that_were_swapped(shop: Shop) -> None:
    shop.put(shop.good | {"card.json": shop.good[GOLDEN], GOLDEN: shop.good["card.json"]})


@case("golden/more.png is not what was signed: it was added")
def entry_that_was_added(shop: Shop) -> None:
    shop.put(shop.good | {"golden/more.png": shop.good[GOLDEN]})


@case("model.int8.onnx is not what was signed: it was added")
def precision_that_was_added(shop: Shop) -> None:
    shop.put(shop.good | {"model.int8.onnx": shop.good["model.onnx"]})


@case(f"{GOLDEN} is not what was signed: it is missing")
def entry_that_was_taken_out(shop: Shop) -> None:
    shop.put({name: content for name, content in shop.good.items() if name != GOLDEN})


@case("model.onnx is missing")
def no_network(shop: Shop) -> None:
    shop.sign({name: content for name, content in shop.good.items() if name != "model.onnx"})


# Signed by an allowed key, and wrong all the same: the card.


def _card(change: Change) -> Callable[[Shop], object]:
    return lambda shop: shop.change_card(change)


def _card_text(content: bytes) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {"card.json": content})


def _card_with(old: bytes, new: bytes) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {"card.json": shop.good["card.json"].replace(old, new)})


def _other_labels(card: dict[str, Any]) -> None:
    card["labels"] = ["pit", "crack"]
    card["limits"].append(card["limits"][0] | {"label": "crack"})
    card["golden"][0]["scores"] = [0.1, 0.1]


UNREADABLE = "not a card this version reads"
add(
    {
        "card_with_an_unknown_key": (_card(lambda card: card.update(run_after="curl")), UNREADABLE),
        "card_without_labels": (_card(lambda card: card.pop("labels")), UNREADABLE),
        "card_of_a_later_format": (_card(lambda card: card.update(format=2)), UNREADABLE),
        "card_with_nan": (_card_with(b'"mm_per_px": 0.05', b'"mm_per_px": NaN'), "NaN is no number"),
        "card_with_a_number_beyond_all": (_card_with(b"0.05", b"1e999"), "too large for a number"),
        "card_with_a_key_twice": (
            _card_with(b'"version": 1', b'"version": 9, "version": 1'),
            "stands twice",
        ),
        "card_nested_too_deep": (_card_text(b'{"a":' * 200_000), UNREADABLE),
        "card_of_two_megabytes": (_card_text(b" " * (2 << 20)), "none is so large"),
        "card_that_names_a_file_elsewhere": (
            _card(lambda card: card["golden"][0].update(file="golden/../../../etc/passwd")),
            UNREADABLE,
        ),
        "card_whose_golden_frame_is_not_there": (
            _card(lambda card: card["golden"][0].update(file="golden/other.png")),
            "are on the card and not in the bundle",
        ),
        "card_with_other_labels_than_the_network": (_card(_other_labels), "the card says [2]"),
        "card_with_another_canvas_than_the_network": (
            _card(lambda card: card["canvas"].update(height=128)),
            "the card says [128, 64, 1]",
        ),
        "card_with_a_canvas_beyond_all": (
            _card(lambda card: card["canvas"].update(height=1 << 40, width=1 << 40)),
            "the card says",
        ),
        "expired": (
            _card(lambda card: card.update(expires="2026-06-30")),
            "expired: its last day was 2026-06",
        ),
        "version_of_zero": (_card(lambda card: card.update(version=0)), UNREADABLE),
    }
)


@case("golden/more.png is in the bundle and not on the card")
def golden_frame_that_is_not_on_the_card(shop: Shop) -> None:
    shop.sign(shop.good | {"golden/more.png": shop.good[GOLDEN]})


@case("is version 1 of 'flange', and version 5 has run on this station")
def rollback(shop: Shop) -> None:
    shop.records.mkdir()
    (shop.records / "versions.json").write_text('{"flange": 5}')


@case("it says which bundles ran here")
def rollback_with_a_broken_memory(shop: Shop) -> None:
    shop.records.mkdir()
    (shop.records / "versions.json").write_text('{"flange": "none"}')


# The golden frames.


def _png(
    width: int, height: int, *, bits: int = 8, colour: int = 0, data: bytes = b"", more: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + more + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _golden(content: Callable[[bytes], bytes]) -> Callable[[Shop], object]:
    return lambda shop: shop.sign(shop.good | {GOLDEN: content(shop.good[GOLDEN])})


def _many_pngs(shop: Shop) -> None:
    """None of them is large; together they are."""
    names = [f"golden/{number}.png" for number in range(60)]
    card = json.loads(shop.good["card.json"])
    card["golden"] = [card["golden"][0] | {"file": name} for name in names]
    frames = dict.fromkeys(names, _png(2048, 2048, data=zlib.compress(bytes(2048 * 2049))))
    kept = {name: content for name, content in shop.good.items() if name != GOLDEN}
    shop.sign(kept | frames | {"card.json": json.dumps(card).encode()})


def _jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes())


add(
    {
        "png_bomb": (
            _golden(lambda good: _png(30_000, 30_000, data=zlib.compress(bytes(30_000 * 1000)))),
            "would fill 858 MiB",
        ),
        "png_of_two_to_the_62_pixels": (_golden(lambda good: _png(1 << 31, 1 << 31)), "would fill"),
        "many_pngs_that_are_a_bomb": (_many_pngs, "would fill 240 MiB"),
        "png_with_a_compressed_text_bomb": (
            _golden(
                lambda good: _png(8, 8, more=_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50 << 20))))
            ),
            "has a part b'zTXt'",
        ),
        "png_with_many_frames": (
            _golden(lambda good: _png(8, 8, more=_chunk(b"acTL", struct.pack(">2I", 1 << 30, 0)))),
            "has a part b'acTL'",
        ),
        "png_of_16_bits": (_golden(lambda good: _png(8, 8, bits=16)), "no plain PNG"),
        "png_with_a_palette": (_golden(lambda good: _png(8, 8, colour=3)), "no plain PNG"),
        "png_with_bytes_after_its_end": (_golden(lambda good: good + b"x"), "bytes after its end"),
        "png_that_is_cut_short": (_golden(lambda good: good[:-20]), "cut short"),
        "png_without_pixels": (_golden(lambda good: _png(64, 64, data=b"")), "that can be decoded"),
        "jpeg_by_the_name_of_a_png": (_golden(lambda good: _jpeg()), "not an image in PNG"),
        "pickle_by_the_name_of_a_png": (_golden(pickle.dumps), "not an image in PNG"),
    }
)
