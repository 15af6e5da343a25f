"""Who signed a bundle: a key that the station allows, or nobody as far as the line is concerned."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from taktsight.bundle import read_bundle
from taktsight.errors import ExportError

from .conftest import entries_of, pem_pair, redigest, refusal, rezip, write

Change = Callable[[dict[str, Any]], object]


def altered(bundle: Path, change: Change) -> None:
    """Changes the signature file of a bundle and leaves the rest."""
    signature = json.loads(entries_of(bundle)["model.sig"])
    change(signature)
    rezip(bundle, entries_of(bundle) | {"model.sig": json.dumps(signature).encode()})


def restated(bundle: Path, change: Change) -> None:
    """Changes the statement within the signature file."""

    def in_payload(signature: dict[str, Any]) -> None:
        statement = json.loads(base64.b64decode(signature["dsseEnvelope"]["payload"]))
        change(statement)
        signature["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()

    altered(bundle, in_payload)


def test_signed_bundle_is_accepted_from_any_allowed_key(bundle: Path, tmp_path: Path) -> None:
    private, public = pem_pair(tmp_path, "plant")
    _, other = pem_pair(tmp_path, "other")
    write(bundle, key=private)
    fingerprint = hashlib.sha256(public.read_bytes()).hexdigest()
    for keys in ([public], [other, public], [public, other]):
        assert read_bundle(bundle, allowed_keys=keys).signed_by == fingerprint


def test_key_file_may_hold_the_keys_of_several_people(bundle: Path, tmp_path: Path) -> None:
    private, public = pem_pair(tmp_path, "anna")
    _, other = pem_pair(tmp_path, "ben")
    allowed = tmp_path / "allowed.pem"
    write(bundle, key=private)
    allowed.write_text(f"# Ben, hall 2\n{other.read_text()}\n# Anna\n{public.read_text()}")
    assert read_bundle(bundle, allowed_keys=[allowed]).signed_by
    allowed.write_text(f"# Ben, hall 2\n{other.read_text()}")  # Anna's was taken out
    assert f"is signed by none of {allowed}" in refusal(bundle, allowed)


@pytest.mark.parametrize(
    "more", ["what is this", "-----BEGIN PUBLIC KEY-----\nAAAA\n", "\N{MULTIPLICATION SIGN}"]
)
def test_key_file_that_is_not_understood_to_its_end_is_refused(
    bundle: Path, tmp_path: Path, more: str
) -> None:
    private, public = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    public.write_text(public.read_text() + more, encoding="utf-8")
    assert f"{public}: is not a PEM public key" in refusal(bundle, public)


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
    rezip(bundle, redigest(entries_of(bundle) | {"model.onnx": b"another model"}))
    altered(
        bundle,
        lambda signature: signature["dsseEnvelope"].update(signatures=signed["dsseEnvelope"]["signatures"]),
    )
    altered(bundle, lambda signature: signature.update(verificationMaterial=signed["verificationMaterial"]))
    assert "is signed by none of" in refusal(bundle, public)


@pytest.mark.parametrize("signature", [5, ["a"], None, "é", "no base64!", "AAAA", True])
def test_signature_that_is_none_is_refused(bundle: Path, tmp_path: Path, signature: object) -> None:
    private, public = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    altered(bundle, lambda whole: whole["dsseEnvelope"]["signatures"][0].update(sig=signature))
    said = refusal(bundle, public)
    assert "is signed by none of" in said or "model.sig is no" in said


def test_signer_that_a_file_claims_is_not_believed(bundle: Path) -> None:
    altered(
        bundle, lambda signature: signature["verificationMaterial"].update(publicKey={"hint": "the plant"})
    )
    assert read_bundle(bundle).signed_by is None


def test_other_key_than_the_one_that_is_named_is_refused(bundle: Path, tmp_path: Path) -> None:
    private, public = pem_pair(tmp_path, "plant")
    write(bundle, key=private)
    altered(bundle, lambda signature: signature["verificationMaterial"]["publicKey"].update(hint=64 * "0"))
    assert "names the key 0000" in refusal(bundle, public)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda it: it.update(predicateType="https://example.org/other"), "no statement of Model Signing"),
        (lambda it: it.update(_type="https://in-toto.io/Statement/v0.1"), "no statement of Model Signing"),
        (lambda it: it["subject"].append(it["subject"][0]), "contradicts itself"),
        (lambda it: it["subject"][0]["digest"].update(sha256=64 * "0"), "contradicts itself"),
        (lambda it: it["predicate"]["serialization"].update(method="shards"), "SHA-256 of files is wanted"),
        (
            lambda it: it["predicate"]["serialization"].update(hash_type="blake3"),
            "SHA-256 of files is wanted",
        ),
        (lambda it: it["predicate"]["resources"][0].update(algorithm="md5"), "without its SHA-256"),
        (lambda it: it["predicate"]["resources"][0].update(digest="zz"), "without its SHA-256"),
        (lambda it: it["predicate"]["resources"].append(it["predicate"]["resources"][0]), "twice"),
        (lambda it: it["predicate"].update(resources={}), "no resources"),
        (lambda it: it["predicate"]["resources"].clear(), "contradicts itself"),
    ],
)
def test_statement_that_says_something_else_is_refused(bundle: Path, change: Change, says: str) -> None:
    restated(bundle, change)
    assert says in refusal(bundle)


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


def unpacked(bundle: Path, folder: Path) -> Path:
    for name, content in entries_of(bundle).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_we_sign_is_accepted_by_model_signing(bundle: Path, tmp_path: Path) -> None:
    verifying = pytest.importorskip("model_signing.verifying", reason="model-signing is not installed")
    private, public = pem_pair(tmp_path, "plant")
    _, stranger = pem_pair(tmp_path, "stranger")
    write(bundle, key=private)
    folder = unpacked(bundle, tmp_path / "unpacked")
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=public)
    verifier.verify(folder, folder / "model.sig")
    with pytest.raises(ValueError, match="Key mismatch"):
        verifying.Config().use_elliptic_key_verifier(public_key=stranger).verify(
            folder, folder / "model.sig"
        )
    (folder / "model.onnx").write_bytes(b"another model")
    with pytest.raises(ValueError, match=r"Hash mismatch for .*model\.onnx"):
        verifying.Config().use_elliptic_key_verifier(public_key=public).verify(folder, folder / "model.sig")


def test_what_model_signing_signed_is_accepted_by_us(bundle: Path, tmp_path: Path) -> None:
    signing = pytest.importorskip("model_signing.signing", reason="model-signing is not installed")
    private, public = pem_pair(tmp_path, "plant")
    _, stranger = pem_pair(tmp_path, "stranger")
    folder = unpacked(bundle, tmp_path / "unpacked")
    (folder / "model.sig").unlink()
    signing.Config().use_elliptic_key_signer(private_key=private).sign(folder, folder / "model.sig")
    rezip(bundle, entries_of(bundle) | {"model.sig": (folder / "model.sig").read_bytes()})
    assert read_bundle(bundle, allowed_keys=[public]).signed_by
    assert "is signed by none of" in refusal(bundle, stranger)
    rezip(bundle, entries_of(bundle) | {"model.onnx": b"another model"})
    assert "model.onnx is not what was signed" in refusal(bundle, public)


def test_openssl_makes_keys_that_sign(bundle: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "plant.key", tmp_path / "plant.pub"
    made = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(private)]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    subprocess.run(
        ["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True, capture_output=True
    )
    write(bundle, key=private)
    assert (
        read_bundle(bundle, allowed_keys=[public]).signed_by
        == hashlib.sha256(public.read_bytes()).hexdigest()
    )
