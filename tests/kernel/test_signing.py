"""Who signed a bundle: a key that the station allows, or nobody as far as the line is concerned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from taktsight.bundle import read_bundle
from taktsight.errors import ExportError

from .conftest import entries_of, pem_pair, redigest, refusal, rezip, write


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
