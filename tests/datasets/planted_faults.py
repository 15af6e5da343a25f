"""Every way to spoil a data set, and the kinds of finding it must lead to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.checks import Kind
from taktsight.image_files import read_image

from .check_shop import Shop

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def encoded(image: Path, suffix: str, *how: int) -> bytes:
    return cv2.imencode(suffix, read_image(image), how)[1].tobytes()


def write_mask(path: Path, change: Change) -> None:
    path.write_bytes(cv2.imencode(".png", change(read_image(path)[:, :, 0]))[1].tobytes())


def cut_png(shop: Shop) -> Path:
    path = shop.image("good")
    path.write_bytes(path.read_bytes()[:-20])
    return path


def cut_jpeg(shop: Shop) -> Path:
    row = shop.rows("good")[0]
    path = shop.root / "images" / "good" / "half.jpg"
    path.write_bytes(encoded(shop.image("good"), ".jpg")[:-30])
    shop.add(path, row)
    return path


def broken(content: bytes, *, mask: bool = False) -> Callable[[Shop], Path]:
    def plant(shop: Shop) -> Path:
        path = shop.mask("stain") if mask else shop.image("good")
        path.write_bytes(content)
        return path

    return plant


def flipped_byte(shop: Shop) -> Path:
    """Whole, with its end mark, and one byte of the pixels is another."""
    path = shop.image("good")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def sixteen_bits(shop: Shop) -> Path:
    path = shop.image("good")
    path.write_bytes(cv2.imencode(".png", read_image(path)[:, :, 0].astype(np.uint16) * 256)[1].tobytes())
    return path


def even_grey(shop: Shop) -> Path:
    path = shop.image("good")
    noise = np.random.default_rng(1).normal(12, 2, (192, 192)).clip(0, 255).astype(np.uint8)
    path.write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    return path


def masked(change: Change, *, names_mask: bool) -> Callable[[Shop], Path]:
    def plant(shop: Shop) -> Path:
        write_mask(shop.mask("stain"), change)
        return shop.mask("stain") if names_mask else shop.image("stain")

    return plant


def mask_on_good(shop: Shop) -> Path:
    mask = shop.root / "masks" / "good" / shop.image("good").name
    mask.parent.mkdir()
    shutil.copy(shop.mask("stain"), mask)
    return shop.image("good")


def lost_mask(shop: Shop) -> Path:
    shop.mask("pit").unlink()
    return shop.image("pit")


def lost_image(shop: Shop) -> Path:
    row = shop.rows("pit")[0]
    shop.write([other for other in shop.read() if other["image"] != row["image"]])
    (shop.root / row["image"]).unlink()
    return shop.root / row["mask"]


def in_no_folder(shop: Shop) -> Path:
    path = shop.root / "images" / "stray.png"
    shutil.copy(shop.image("good"), path)
    return path


def no_row(shop: Shop) -> Path:
    path = shop.image("good")
    name = path.relative_to(shop.root).as_posix()
    shop.write([row for row in shop.read() if row["image"] != name])
    return path


def copied(suffix: str, *how: int, split: str = "train", **changes: str) -> Callable[[Shop], Path]:
    """A good part saved again under another name."""

    def plant(shop: Shop) -> Path:
        path = shop.image("good")
        again = path.with_name(f"zz-again{suffix}")
        again.write_bytes(
            path.read_bytes() if suffix == ".png" and not how else encoded(path, suffix, *how)
        )
        home = shop.rows("good", split)[0]
        shop.add(again, home, **changes)
        return path

    return plant


def copied_as_defect(shop: Shop) -> Path:
    path, row = shop.image("good"), shop.rows("stain")[0]
    again = shop.root / "images" / "stain" / "zz-again.png"
    shutil.copy(path, again)
    shutil.copy(shop.mask("stain"), shop.root / "masks" / "stain" / again.name)
    shop.add(again, row)
    return path


def copied_marked_otherwise(shop: Shop) -> Path:
    path = shop.image("stain")
    again = path.with_name("zz-marked.png")
    shutil.copy(path, again)
    mask = shop.root / "masks" / "stain" / again.name
    shutil.copy(shop.mask("stain"), mask)
    write_mask(mask, lambda mask: np.roll(mask, 40, 0))
    shop.add(again, shop.rows("stain")[0])
    return path


def part_in_two_splits(shop: Shop) -> Path:
    first, second = shop.rows("good", "test")[0], shop.rows("good", "val")[0]
    shop.change(shop.root / second["image"], part=first["part"])
    return shop.root / first["image"]


def lot_in_two_splits(shop: Shop) -> Path:
    first, second = shop.rows("good", "test")[0], shop.rows("good", "val")[0]
    shop.change(shop.root / second["image"], lot=first["lot"])
    return shop.root / second["image"]


def untaught(shop: Shop) -> None:
    shop.write([row for row in shop.read() if (row["label"], row["split"]) != ("crack", "train")])
    for path in (shop.root / "images" / "crack").iterdir():
        if path.name not in {Path(row["image"]).name for row in shop.read()}:
            path.unlink()
            (shop.root / "masks" / "crack" / path.name).unlink()


PLANTED: list[tuple[tuple[Kind, ...], Callable[[Shop], Path | None]]] = [
    (("cut short",), cut_png),
    (("cut short",), cut_jpeg),
    (("empty file",), broken(b"")),
    (("empty file",), broken(b"", mask=True)),
    (("pointer",), broken(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")),
    (("unreadable",), broken(b"no image at all")),
    (("unreadable",), broken(b"no mask at all", mask=True)),
    (("unreadable",), flipped_byte),
    (("unreadable",), sixteen_bits),
    (("blank image",), even_grey),
    (("empty mask",), masked(np.zeros_like, names_mask=False)),
    (("mask scale",), masked(lambda mask: mask // 255, names_mask=True)),
    (("mask size",), masked(lambda mask: mask[:-1], names_mask=True)),
    (("mask on good",), mask_on_good),
    (("no mask",), lost_mask),
    (("orphan",), lost_image),
    (("misplaced",), in_no_folder),
    (("index",), no_row),
    (("copy",), copied(".png")),
    (("copy",), copied(".bmp")),
    (("copy across splits",), copied(".png", split="test")),
    (("near copy across splits",), copied(".jpg", cv2.IMWRITE_JPEG_QUALITY, 80, split="val")),
    (("copies disagree", "copy"), copied_as_defect),
    (("copies disagree", "copy"), copied_marked_otherwise),
    (("part across splits",), part_in_two_splits),
    (("lot across splits",), lot_in_two_splits),
    (("untrainable",), untaught),
]
