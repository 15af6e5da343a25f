"""Key files: who may sign, and who did. P-256 in PEM, as openssl writes them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import BundleError, ConfigError, ExportError

if TYPE_CHECKING:  # a line that asks for no key does without the library
    from cryptography.hazmat.primitives.asymmetric import ec

MAX_KEY_FILE_BYTES = 1 << 20
_BLOCK = re.compile(r"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----")


def new_key_pair(prefix: Path) -> tuple[Path, Path]:
    """Makes ``prefix.key``, which nobody but its owner may read, and ``prefix.pub`` for the stations.

    Raises:
        ConfigError: If one of them is there already, or the folder cannot be written; nothing is replaced.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = prefix.with_name(f"{prefix.name}.key"), prefix.with_name(f"{prefix.name}.pub")
    for file in files:
        if file.exists() or file.is_symlink():
            raise ConfigError(
                f"{file}: is there already, and a key that is overwritten is lost; name another"
            )
    _write_new(files[0], private, 0o600)
    _write_new(files[1], _pem(key.public_key()), 0o644)
    return files


def private_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """The key that signs.

    Raises:
        ExportError: If the file holds no P-256 private key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ExportError(f"{file}: is not a PEM private key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ExportError(f"{file}: is not a P-256 key; make one with 'taktsight keys new'")
    return key


def public_keys(files: Sequence[Path]) -> Iterator[ec.EllipticCurvePublicKey]:
    """The keys in PEM files, one or several in each; lines that begin with ``#`` are notes.

    Raises:
        BundleError: If a file holds anything else: a key that is not understood must not be left out.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    for file in files:
        for block in _blocks(file):
            try:
                key = serialization.load_pem_public_key(block.encode())
            except (ValueError, UnsupportedAlgorithm) as error:
                raise BundleError(f"{file}: is not a PEM public key: {error}") from error
            if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
                raise BundleError(f"{file}: is not a P-256 public key")
            yield key


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the PEM public key, hex: what ``sha256sum`` says of a file with this key alone."""
    return hashlib.sha256(_pem(key)).hexdigest()


def _blocks(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_KEY_FILE_BYTES).decode("ascii").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: is not a PEM public key: {error}") from error
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    blocks = _BLOCK.findall(text)
    if not blocks or _BLOCK.sub("", text).strip():
        raise BundleError(
            f"{file}: is not a PEM public key, or holds more than public keys and lines that begin with #"
        )
    return blocks


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write_new(file: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
