"""Contents that an allowed key signed and no line may take: card, golden frames, no network at all."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from taktsight.card import not_yet_compared

from .conftest import GOLDEN
from .malicious import Change, Shop, add, case


@case("model.onnx is missing")
def no_network(shop: Shop) -> None:
    shop.sign({name: content for name, content in shop.good.items() if name != "model.onnx"})


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
        "engine_that_was_never_compared": (
            _card(lambda card: card["parity"][0].update(not_yet_compared("onnxruntime:f32").model_dump())),
            "onnxruntime:f32 that it was not yet compared",
        ),
    }
)


@case("golden/more.png is in the bundle and not on the card")
def golden_frame_that_is_not_on_the_card(shop: Shop) -> None:
    shop.sign(shop.good | {"golden/more.png": shop.good[GOLDEN]})


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
