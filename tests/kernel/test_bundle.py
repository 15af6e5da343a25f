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
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from taktsight.bundle import Bundle, read_bundle, write_bundle
from taktsight.card import Card, GoldenSample, OperatingPoint, Origin, Parity
from taktsight.errors import BundleError, ExportError
from taktsight.imaging import Canvas
from taktsight.recipe import Limit
from taktsight.records import Image, Outcome

MODEL = bytes(range(256)) * 2
GOLDEN = "golden/good-1.png"
Entries = dict[str, bytes]


def golden_frame() -> Image:
    return np.arange(64, dtype=np.uint8).reshape(8, 8, 1)


def card(*golden: str) -> Card:
    samples = tuple(
        GoldenSample(file=name, outcome=Outcome.PASS, scores=(0.1,)) for name in golden or (GOLDEN,)
    )
    return Card(
        name="flange",
        task="segmentation",
        labels=("pit",),
        canvas=Canvas(64, 64, 1, 1, 32),
        mm_per_px=0.05,
        limits=(Limit(label="pit", reject_score=0.8, review_score=0.4),),
        operating_point=OperatingPoint(
            chosen_on="val",
            measured_on="test",
            defective=10,
            escapes=0,
            escape_upper=0.31,
            good=20,
            overkills=1,
            overkill_upper=0.25,
        ),
        parity=Parity(
            reference="torch",
            parts=30,
            flips=0,
            flips_upper=0.1,
            max_map_difference=1e-6,
            max_score_difference=1e-6,
        ),
        golden=samples,
        origin=Origin(data="d", config="c", code="e", weights="w", taktsight="0.1.0"),
    )


def write(path: Path, *, key: Path | None = None) -> str:
    return write_bundle(path, card(), MODEL, {GOLDEN: golden_frame()}, key=key)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "flange.taktsight"
    write(path)
    return path


def pem_pair(folder: Path, name: str, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
    """A private and a public key file; P-256 where no curve is named."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    private, public = folder / f"{name}.key", folder / f"{name}.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def entries_of(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(path: Path, entries: Entries, compression: int = zipfile.ZIP_STORED) -> None:
    """As a careful forger would: the same clock and owner as a bundle."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, compression
            archive.writestr(info, entries[name])


def redigest(entries: Entries, **changed: bytes | None) -> Entries:
    """Entries with some replaced, and a signature file that lists the digests of what is there."""
    kept = {name: content for name, content in entries.items() if name != "model.sig"}
    files = {name: hashlib.sha256(content).hexdigest() for name, content in kept.items()}
    signature = {"files": files, "key": None, "signature": None} | changed
    return kept | {"model.sig": json.dumps(signature).encode()}


def refusal(path: Path, *keys: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(path, allowed_keys=keys)
    return str(caught.value)


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
    digest = write_bundle(bundle, card(), MODEL + b"better", {GOLDEN: golden_frame()})
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
        b'{"files": ["model.onnx"]}',
        b'{"files": 5}',
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


def test_signed_bundle_is_accepted_from_any_allowed_key(bundle: Path, tmp_path: Path) -> None:
    private, public = pem_pair(tmp_path, "plant")
    _, other = pem_pair(tmp_path, "other")
    write(bundle, key=private)
    for keys in ([public], [other, public], [public, other]):
        assert len(read_bundle(bundle, allowed_keys=keys).signed_by or "") == 64


def test_bundle_signed_by_a_stranger_is_refused(bundle: Path, tmp_path: Path) -> None:
    private, _ = pem_pair(tmp_path, "stranger")
    _, public = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    assert f"is signed by none of {public}" in refusal(bundle, public)


def test_unsigned_bundle_is_refused_where_keys_are_demanded(bundle: Path, tmp_path: Path) -> None:
    _, public = pem_pair(tmp_path, "plant")
    assert "is not signed" in refusal(bundle, public)


def test_signature_of_another_model_is_not_taken(bundle: Path, tmp_path: Path) -> None:
    private, public = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    signed = json.loads(entries_of(bundle)["model.sig"])
    forged = entries_of(bundle) | {"model.onnx": b"another model"}
    rezip(bundle, redigest(forged, key=signed["key"], signature=signed["signature"]))
    assert "is signed by none of" in refusal(bundle, public)


@pytest.mark.parametrize("signature", [5, ["a"], "é", "no base64!", "AAAA", True])
def test_signature_that_is_none_is_refused(bundle: Path, tmp_path: Path, signature: object) -> None:
    _, public = pem_pair(tmp_path, "plant")
    changed = {"key": "k", "signature": signature}
    rezip(bundle, redigest(entries_of(bundle), **changed))  # type: ignore[arg-type]  # a forger's values
    assert "is signed by none of" in refusal(bundle, public)


def test_signer_that_a_file_claims_is_not_believed(bundle: Path) -> None:
    claimed = {"key": "the plant's key", "signature": "AAAA"}
    rezip(bundle, redigest(entries_of(bundle), **claimed))  # type: ignore[arg-type]  # a forger's values
    assert read_bundle(bundle).signed_by is None


def test_key_that_is_no_p256_public_key_is_named(bundle: Path, tmp_path: Path) -> None:
    private, _ = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    _, p384 = pem_pair(tmp_path, "p384", ec.SECP384R1())
    edwards = tmp_path / "edwards.pem"
    edwards.write_bytes(
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for key in (p384, edwards):
        assert f"{key}: is not a P-256 public key" in refusal(bundle, key)
    for key in (private, tmp_path / "absent.pem"):
        assert f"{key}: is not a PEM public key" in refusal(bundle, key)


def test_bundle_is_signed_with_a_p256_private_key_or_not_written(tmp_path: Path) -> None:
    _, public = pem_pair(tmp_path, "plant")
    p384, _ = pem_pair(tmp_path, "p384", ec.SECP384R1())
    for key, says in (
        (public, "is not a PEM private key"),
        (tmp_path / "absent.key", "is not a PEM private key"),
        (p384, "is not a P-256 key"),
    ):
        with pytest.raises(ExportError, match=says):
            write(tmp_path / "new.taktsight", key=key)
    assert not (tmp_path / "new.taktsight").exists()


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
            write_bundle(bundle, card(), bytes(200_000), {GOLDEN: golden_frame()})
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
        write_bundle(small_disk / "large.taktsight", card(), bytes(200_000), {GOLDEN: golden_frame()})
    assert list(small_disk.iterdir()) == []
    write(small_disk / "small.taktsight")
    assert read_bundle(small_disk / "small.taktsight").model == MODEL
