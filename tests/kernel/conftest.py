"""A small bundle, its keys, and the tools of a careful forger."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from onnx import numpy_helper

from taktsight.bundle import read_bundle, write_bundle
from taktsight.card import Card, GoldenSample
from taktsight.errors import BundleError
from taktsight.records import Image, Outcome
from taktsight.signing import sign

from ..cards import make_card
from ..inspect.spots import spot_model

MODEL = spot_model()
GOLDEN = "golden/good-1.png"
Entries = dict[str, bytes]


def large_model() -> bytes:
    """The same with 200 kB that nobody uses."""
    model = onnx.load_model_from_string(MODEL)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(200_000, np.uint8), "ballast"))
    return bytes(model.SerializeToString())


def golden_frame() -> Image:
    return np.arange(64, dtype=np.uint8).reshape(8, 8, 1)


def card(*golden: str) -> Card:
    samples = tuple(
        GoldenSample(file=name, outcome=Outcome.PASS, scores=(0.1,)) for name in golden or (GOLDEN,)
    )
    return make_card(golden=samples)


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


def redigest(entries: Entries, key: Path | None = None) -> Entries:
    """Entries with a signature file that lists the digests of what is there, signed if there is a key."""
    kept = {name: content for name, content in entries.items() if name != "model.sig"}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in kept.items()}
    return kept | {"model.sig": sign("flange", digests, key)}


def refusal(path: Path, *keys: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(path, allowed_keys=keys)
    return str(caught.value)
