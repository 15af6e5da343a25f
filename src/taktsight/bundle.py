"""The model as shipped: one zip, stored, the same bytes from the same inputs, verified before parsed.

model.onnx      uint8 (N, H, W, C) in → maps and scores float32 out
model.int8.onnx the same, quantised, where it was exported so
card.json       labels, canvas, limits, figures, origin
golden/*.png    frames whose verdicts are known, and their golden templates
model.sig       digest of every other entry, and a P-256 signature over them
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from taktsight.card import Card
from taktsight.errors import BundleError, DataError, ExportError
from taktsight.image_files import decode_image, encode_png
from taktsight.records import Image
from taktsight.whole_files import whole_file

MAX_BUNDLE_BYTES = 1 << 30
_ENTRY = re.compile(r"model(\.int8)?\.onnx|card\.json|model\.sig|golden/[A-Za-z0-9._-]+\.png")
MODELS = {"f32": "model.onnx", "int8": "model.int8.onnx"}
"""Entry by precision."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was verified."""

    card: Card
    models: Mapping[str, bytes]
    """ONNX without external data by precision: f32, and int8 where the bundle has it."""
    golden: dict[str, Image]
    """Frames by the file name that the card gives them."""
    digest: str
    """SHA-256 of the whole file, hex: what the ledger records."""
    signed_by: str | None
    """Fingerprint of the allowed key that signed it; None where no key was asked for: what a file says
    of itself proves nothing."""

    @property
    def model(self) -> bytes:
        """The float32 one, which every bundle has."""
        return self.models["f32"]


def write_bundle(
    path: Path,
    card: Card,
    model: bytes,
    golden: Mapping[str, Image],
    *,
    int8: bytes | None = None,
    key: Path | None = None,
) -> str:
    """Writes a bundle atomically and returns its digest.

    Args:
        path: where it goes; an existing file is replaced only by a whole one.
        card: its ``golden`` names are the keys of ``golden``.
        model: the ONNX file.
        int8: the same, quantised.
        golden: (H, W, C) uint8 frames by entry name.
        key: PEM file of a P-256 private key; without one the bundle is whole but unsigned.

    Raises:
        ExportError: If it cannot be written, for example on a full disk; nothing is left behind.
    """
    if sorted(golden) != sorted(file for sample in card.golden for file in sample.files):
        raise ValueError("the card's golden samples and the frames given differ")
    entries = {"model.onnx": model, "card.json": _canonical(card.model_dump(mode="json"))}
    entries |= {} if int8 is None else {"model.int8.onnx": int8}
    entries |= {name: encode_png(image) for name, image in golden.items()}
    entries["model.sig"] = _sign(entries, key)
    content = _zip(entries)
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written ({error.strerror}); nothing was left behind. "
            f"{len(content) / 1e6:.1f} MB are needed"
        ) from error
    return hashlib.sha256(content).hexdigest()


def read_bundle(path: Path, *, allowed_keys: Sequence[Path] = ()) -> Bundle:
    """Verifies a bundle, then reads it.

    Args:
        path: the bundle.
        allowed_keys: PEM files of P-256 public keys. With any given, one of them must have signed.

    Raises:
        BundleError: If a byte differs from what was written, an entry is foreign or missing, or
            the signature is not one of ``allowed_keys``. Nothing was parsed by then.
    """
    content = _read_bytes(path)
    entries = _unzip(path, content)
    signature = _check_digests(path, entries)
    signed_by = _check_signature(path, entries, signature, allowed_keys)
    try:
        card = Card.model_validate_json(entries["card.json"])
    except ValidationError as error:
        raise BundleError(f"{path}: card.json is not a card this version reads: {error}") from error
    wanted = [file for sample in card.golden for file in sample.files]
    missing = [file for file in wanted if file not in entries]
    if missing:
        raise BundleError(f"{path}: golden samples {missing} are on the card and not in the bundle")
    try:
        golden = {file: decode_image(entries[file], file) for file in wanted}
    except DataError as error:
        raise BundleError(f"{path}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    models = {precision: entries[name] for precision, name in MODELS.items() if name in entries}
    return Bundle(card, models, golden, digest, signed_by)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BUNDLE_BYTES:
            raise BundleError(f"{path}: is larger than {MAX_BUNDLE_BYTES >> 20} MiB, no bundle is")
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: there is no such bundle; write one with 'taktsight export'") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error


def _unzip(path: Path, content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if len(set(names)) != len(names):
                raise BundleError(f"{path}: holds an entry twice")
            for info in infos:
                if not _ENTRY.fullmatch(info.filename):
                    raise BundleError(f"{path}: holds {info.filename!r}, which is no part of a bundle")
                if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                    raise BundleError(f"{path}: {info.filename} is compressed; bundles are stored")
            entries = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"{path}: is damaged or no bundle: {error}; copy it again") from error
    for required in ("model.onnx", "card.json", "model.sig"):
        if required not in entries:
            raise BundleError(f"{path}: {required} is missing")
    if _zip(entries) != content:
        raise BundleError(f"{path}: has bytes that are not what was written; copy it again")
    return entries


def _check_digests(path: Path, entries: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        signature = json.loads(entries["model.sig"])
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: model.sig cannot be read: {error}") from error
    listed = signature.get("files") if isinstance(signature, dict) else None
    if not isinstance(listed, dict):
        raise BundleError(f"{path}: model.sig lists no digests")
    found = _digests(entries)
    for name in sorted(set(listed) | set(found)):
        if listed.get(name) != found.get(name):
            raise BundleError(f"{path}: {name} is not what was signed; copy the bundle again")
    return dict(signature)


def _check_signature(
    path: Path, entries: Mapping[str, bytes], signature: Mapping[str, Any], allowed: Sequence[Path]
) -> str | None:
    if not allowed:
        return None
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not signature.get("signature"):
        raise BundleError(f"{path}: is not signed, and this station accepts signed bundles only")
    payload = _canonical(_digests(entries))
    for file in allowed:
        try:
            public = serialization.load_pem_public_key(file.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise BundleError(f"{file}: is not a PEM public key: {error}") from error
        if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
            raise BundleError(f"{file}: is not a P-256 public key")
        try:
            public.verify(base64.b64decode(str(signature["signature"])), payload, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            continue  # signed by another key, the next one may be it
        return _fingerprint(public)
    raise BundleError(f"{path}: is signed by none of {', '.join(map(str, allowed))}")


def _sign(entries: Mapping[str, bytes], key: Path | None) -> bytes:
    if key is None:
        return _canonical({"files": _digests(entries), "key": None, "signature": None})
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ExportError(f"{key}: is not a PEM private key: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ExportError(f"{key}: is not a P-256 key (openssl ecparam -name prime256v1 -genkey)")
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    signed = private.sign(_canonical(_digests(entries)), algorithm)
    return _canonical(
        {
            "files": _digests(entries),
            "key": _fingerprint(private.public_key()),
            "signature": base64.b64encode(signed).decode(),
        }
    )


def _fingerprint(public: Any) -> str:
    from cryptography.hazmat.primitives import serialization

    encoded = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(encoded).hexdigest()


def _digests(entries: Mapping[str, bytes]) -> dict[str, str]:
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in entries.items()
        if name != "model.sig"
    }


def _zip(entries: Mapping[str, bytes]) -> bytes:
    """Deterministic: sorted names, no clock, no owner, stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, entries[name])
    return buffer.getvalue()


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
