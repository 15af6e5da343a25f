"""The bundle: what was written is what is read, and anything else never reaches the line."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from taktsight import bundle as bundle_module
from taktsight.bundle import Bundle, read_bundle, write_bundle
from taktsight.card import not_yet_compared
from taktsight.errors import BundleError, ExportError

from ..inspect.spots import spot_model
from .conftest import (
    GOLDEN,
    MODEL,
    card,
    entries_of,
    golden_frame,
    large_model,
    pem_pair,
    redigest,
    refusal,
    rezip,
    write,
)


def test_what_was_written_is_what_is_read(bundle: Path) -> None:
    read = read_bundle(bundle)
    assert isinstance(read, Bundle)
    assert read.card == card()
    assert read.model == MODEL
    assert np.array_equal(read.golden[GOLDEN], golden_frame())
    assert read.digest == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert read.signed_by is None


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    private, _ = pem_pair(tmp_path, "plant")
    digests = {write(tmp_path / name, key=private) for name in ("first", "second")}
    assert len(digests) == 1
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_order_in_which_the_frames_are_given_does_not_matter(tmp_path: Path) -> None:
    names = ("golden/a.png", "golden/b.png")
    frames = dict.fromkeys(names, golden_frame())
    one = write_bundle(tmp_path / "one", card(*names), MODEL, frames)
    other = write_bundle(tmp_path / "other", card(*names), MODEL, dict(reversed(frames.items())))
    assert one == other


def test_bundle_is_replaced_by_a_whole_one_and_readable_by_the_line(bundle: Path) -> None:
    better = spot_model(slowness=2)
    digest = write_bundle(bundle, card(), better, {GOLDEN: golden_frame()})
    assert read_bundle(bundle).digest == digest
    assert bundle.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in bundle.parent.iterdir()] == [bundle.name]


def test_every_flipped_byte_is_refused(bundle: Path) -> None:
    whole = bundle.read_bytes()
    draw = Random(11)
    for position in draw.sample(range(len(whole)), 400):
        broken = bytearray(whole)
        broken[position] ^= draw.randint(1, 255)
        bundle.write_bytes(broken)
        with pytest.raises(BundleError):
            read_bundle(bundle)


@pytest.mark.parametrize("more", [b"\0", b"x", b"PK\x05\x06" + b"\0" * 18])
def test_bytes_before_or_after_the_bundle_are_refused(bundle: Path, more: bytes) -> None:
    whole = bundle.read_bytes()
    for content in (whole + more, more + whole, whole + whole, more):
        bundle.write_bytes(content)
        assert "copy it again" in refusal(bundle) or "is missing" in refusal(bundle)


def test_bundle_that_was_cut_short_is_refused(bundle: Path) -> None:
    whole = bundle.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        bundle.write_bytes(whole[: int(len(whole) * share)])
        assert "copy it again" in refusal(bundle)


def test_absent_bundle_and_folder_are_bundle_errors(tmp_path: Path) -> None:
    assert "write one with 'taktsight export'" in refusal(tmp_path / "absent.taktsight")
    assert "cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("entry", ["model.onnx", "card.json", GOLDEN])
def test_entry_that_was_replaced_is_named(bundle: Path, entry: str) -> None:
    rezip(bundle, entries_of(bundle) | {entry: b"something else"})
    assert f"{entry} is not what was signed" in refusal(bundle)


@pytest.mark.parametrize("entry", ["model.onnx", "card.json", "model.sig"])
def test_entry_that_is_missing_is_named(bundle: Path, entry: str) -> None:
    entries = entries_of(bundle)
    del entries[entry]
    rezip(bundle, entries)
    assert f"{entry} is missing" in refusal(bundle)


def test_golden_sample_that_was_taken_out_is_missed(bundle: Path) -> None:
    entries = entries_of(bundle)
    del entries[GOLDEN]
    rezip(bundle, entries)
    assert f"{GOLDEN} is not what was signed" in refusal(bundle)
    rezip(bundle, redigest(entries))
    assert "on the card and not in the bundle" in refusal(bundle)


@pytest.mark.parametrize(
    "name",
    [
        "model.pkl",
        "weights.bin",
        "golden/../../evil.png",
        "../model.onnx",
        "/model.onnx",
        "golden/deep/x.png",
        "golden/x.png\n",
        "golden/x.exe",
        "golden\\x.png",
    ],
)
def test_entry_that_is_no_part_of_a_bundle_is_refused(bundle: Path, name: str) -> None:
    rezip(bundle, redigest(entries_of(bundle) | {name: b"x"}))
    assert "no part of a bundle" in refusal(bundle)
    assert [file.name for file in bundle.parent.iterdir()] == [bundle.name]


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entry_is_refused_before_it_is_unpacked(bundle: Path, compression: int) -> None:
    rezip(bundle, entries_of(bundle) | {"model.onnx": bytes(1 << 20)}, compression)
    assert "is compressed; bundles are stored" in refusal(bundle)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entry_that_stands_twice_is_refused(bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("model.onnx", b"the other model")
    assert "holds an entry twice" in refusal(bundle)


def test_every_zip_tool_sees_what_the_line_sees(bundle: Path) -> None:
    """The standard library writes the same bytes and finds each of them whole."""
    written = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
    rezip(bundle, entries_of(bundle))
    assert bundle.read_bytes() == written


def test_network_in_other_precisions_comes_along_and_is_covered(tmp_path: Path) -> None:
    path, half = tmp_path / "flange.taktsight", spot_model(slowness=2)
    write_bundle(path, card(), MODEL, {GOLDEN: golden_frame()}, precisions={"fp16": half})
    assert read_bundle(path).precisions == {"fp16": half}
    rezip(path, entries_of(path) | {"model.fp16.onnx": MODEL})
    assert "model.fp16.onnx is not what was signed" in refusal(path)


def test_network_that_a_line_would_refuse_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="a line would refuse it"):
        write_bundle(tmp_path / "new.taktsight", card(), b"\x08\x08", {GOLDEN: golden_frame()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2_000_000}, "less than or equal to 1000000"),
        ({"name": ""}, "at least 1 character"),
        ({"mm_per_px": float("inf")}, "Infinity is no number"),
        ({"parity": (not_yet_compared("onnxruntime:f32"),)}, "it was not yet compared"),
        ({"limits": ()}, "at least 1 item"),
    ],
)
def test_card_that_a_line_would_refuse_is_not_written(
    changes: dict[str, object], says: str, tmp_path: Path
) -> None:
    """A copy of a card is checked by nobody else."""
    with pytest.raises(ExportError, match=says) as caught:
        write_bundle(
            tmp_path / "new.taktsight", card().model_copy(update=changes), MODEL, {GOLDEN: golden_frame()}
        )
    assert "a line would refuse it, so it was not written" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bundle_larger_than_a_line_reads_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", 100_000)
    with pytest.raises(ExportError, match="no bundle is; a line would refuse it"):
        write_bundle(tmp_path / "new.taktsight", card(), large_model(), {GOLDEN: golden_frame()})
    assert list(tmp_path.iterdir()) == []


def test_bundle_with_another_clock_is_not_what_was_written(bundle: Path) -> None:
    entries = entries_of(bundle)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0)), content)
    bundle.write_bytes(buffer.getvalue())
    assert "bytes that are not what was written" in refusal(bundle)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"dsseEnvelope": {}}',
        b'{"dsseEnvelope": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_signature_file_that_lists_no_digests_is_refused(bundle: Path, signature: bytes) -> None:
    rezip(bundle, entries_of(bundle) | {"model.sig": signature})
    assert "model.sig" in refusal(bundle)


@pytest.mark.parametrize(
    ("entry", "content", "says"),
    [
        ("card.json", b"{}", "not a card this version reads"),
        ("card.json", b"[" * 100_000, "not a card this version reads"),
        ("card.json", b'{"format": 2}', "not a card this version reads"),
        (GOLDEN, b"no image", "not an image"),
        (GOLDEN, b"", "is empty"),
    ],
)
def test_whole_bundle_of_broken_parts_is_refused(
    bundle: Path, entry: str, content: bytes, says: str
) -> None:
    rezip(bundle, redigest(entries_of(bundle) | {entry: content}))
    assert says in refusal(bundle)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("labels", ["pit", "crack"], "each label has one limit"),
        ("labels", ["crack"], "each label has one limit"),
        ("golden", [{"file": GOLDEN, "outcome": "PASS", "scores": [0.1, 0.2]}], "2 scores for 1 labels"),
    ],
)
def test_card_that_contradicts_itself_is_refused(bundle: Path, key: str, value: object, says: str) -> None:
    entries = entries_of(bundle)
    changed = json.loads(entries["card.json"]) | {key: value}
    rezip(bundle, redigest(entries | {"card.json": json.dumps(changed).encode()}))
    assert says in refusal(bundle)


def test_frames_that_are_not_on_the_card_are_the_callers_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="golden samples"):
        write_bundle(tmp_path / "new.taktsight", card(), MODEL, {})


def test_place_that_cannot_be_written_is_an_export_error(bundle: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        write(bundle / "below-a-file.taktsight")
    folder = bundle.parent / "folder.taktsight"
    folder.mkdir()
    with pytest.raises(ExportError, match="cannot be written"):
        write(folder)
    assert sorted(file.name for file in bundle.parent.iterdir()) == [bundle.name, folder.name]


def test_write_that_stops_halfway_keeps_the_old_bundle(bundle: Path) -> None:
    before = bundle.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ExportError, match="nothing was left behind"):
            write_bundle(bundle, card(), large_model(), {GOLDEN: golden_frame()})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bundle.read_bytes() == before
    assert [file.name for file in bundle.parent.iterdir()] == [bundle.name]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    if not sys.platform.startswith("linux") or os.geteuid():
        pytest.skip("mounting a small disk needs root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_is_an_export_error_and_leaves_nothing_behind(small_disk: Path) -> None:
    with pytest.raises(ExportError, match=r"No space left on device.*nothing was left behind.*0\.2 MB"):
        write_bundle(small_disk / "large.taktsight", card(), large_model(), {GOLDEN: golden_frame()})
    assert list(small_disk.iterdir()) == []
    write(small_disk / "small.taktsight")
    assert read_bundle(small_disk / "small.taktsight").model == MODEL
