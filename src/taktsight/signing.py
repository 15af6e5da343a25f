"""``model.sig``: what every other entry of a bundle is, and who says so.

OpenSSF Model Signing v1.0: a sigstore bundle v0.3 with a DSSE envelope around an in-toto statement that
lists the SHA-256 of each file. The tool ``model_signing`` verifies it, and what that tool signed with a
P-256 key is accepted here. Without a key the envelope carries no signature, the digests all the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from taktsight.errors import BundleError
from taktsight.keys import fingerprint, private_key, public_keys
from taktsight.strict_json import parse_json

SIGNATURE = "model.sig"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"


def sign(name: str, digests: Mapping[str, str], key: Path | None) -> bytes:
    """The content of ``model.sig``, the same bytes for the same digests and key.

    Args:
        name: what the statement calls the model; a word for people, nothing is decided by it.
        digests: SHA-256 of each entry, hex.
        key: PEM file of a P-256 private key; None signs nothing.

    Raises:
        ExportError: If the file holds no such key.
    """
    payload = _canonical(_statement(name, digests))
    material: dict[str, Any] = {"tlogEntries": []}
    signatures = []
    if key is not None:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        private = private_key(key)
        signed = private.sign(_framed(payload), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        signatures.append({"keyid": "", "sig": base64.b64encode(signed).decode()})
        material["publicKey"] = {"hint": fingerprint(private.public_key())}
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD,
        "signatures": signatures,
    }
    return _canonical({"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})


def verify(content: bytes, allowed: Sequence[Path], where: str) -> tuple[dict[str, str], str | None]:
    """The SHA-256 that each entry must have, and the fingerprint of the allowed key that signed them.

    Args:
        content: of ``model.sig``.
        allowed: files of public keys; without any nobody's signature is looked at.
        where: what an error calls the bundle.

    Raises:
        BundleError: If it is no such signature, or by none of the keys. The statement is not read by then.
    """
    try:
        bundle = parse_json(content)
    except ValueError as error:
        raise BundleError(f"{where}: {SIGNATURE} cannot be read: {error}") from error
    envelope = _member(bundle, "dsseEnvelope", dict, where)
    for member, kind, holder in (("mediaType", _BUNDLE, bundle), ("payloadType", _PAYLOAD, envelope)):
        if holder.get(member) != kind:
            raise BundleError(f"{where}: {SIGNATURE} is no signature of Model Signing v1.0: no {kind}")
    payload = _decoded(_member(envelope, "payload", str, where), where)
    signed_by = _signer(bundle, envelope, payload, allowed, where) if allowed else None
    return _digests(payload, where), signed_by


def _signer(
    bundle: dict[str, Any], envelope: dict[str, Any], payload: bytes, allowed: Sequence[Path], where: str
) -> str:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    signatures = _member(envelope, "signatures", list, where)
    if not signatures:
        raise BundleError(f"{where}: is not signed, and this station accepts signed bundles only")
    if len(signatures) > 1:
        raise BundleError(f"{where}: {SIGNATURE} holds {len(signatures)} signatures; one is wanted")
    signature = _decoded(_member(signatures[0], "sig", str, where), where)
    material = _member(bundle, "verificationMaterial", dict, where)
    hint = _member(material, "publicKey", dict, where).get("hint")
    for key in public_keys(allowed):
        try:
            key.verify(signature, _framed(payload), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue  # signed by another key, the next one may be it
        if hint != fingerprint(key):
            raise BundleError(
                f"{where}: {SIGNATURE} names the key {hint}, and {fingerprint(key)} signed it"
            )
        return fingerprint(key)
    raise BundleError(f"{where}: is signed by none of {', '.join(map(str, allowed))}")


def _statement(name: str, digests: Mapping[str, str]) -> dict[str, Any]:
    names = sorted(digests, key=lambda entry: entry.split("/"))
    resources = [{"name": entry, "algorithm": "sha256", "digest": digests[entry]} for entry in names]
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": _root(digests[entry] for entry in names)}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "serialization": serialization | {"ignore_paths": [SIGNATURE]},
            "resources": resources,
        },
    }


def _digests(payload: bytes, where: str) -> dict[str, str]:
    try:
        statement = parse_json(payload)
    except ValueError as error:
        raise BundleError(f"{where}: the statement in {SIGNATURE} cannot be read: {error}") from error
    subjects = _member(statement, "subject", list, where)
    predicate = _member(statement, "predicate", dict, where)
    serialization = _member(predicate, "serialization", dict, where)
    if (statement.get("_type"), statement.get("predicateType")) != (_STATEMENT, _PREDICATE):
        raise BundleError(f"{where}: {SIGNATURE} is no statement of Model Signing v1.0")
    if (serialization.get("method"), serialization.get("hash_type")) != ("files", "sha256"):
        raise BundleError(f"{where}: {SIGNATURE} lists {serialization}; the SHA-256 of files is wanted")
    digests: dict[str, str] = {}
    for resource in _member(predicate, "resources", list, where):
        name, digest = (_member(resource, member, str, where) for member in ("name", "digest"))
        if resource.get("algorithm") != "sha256" or name in digests or not _is_digest(digest):
            raise BundleError(f"{where}: {SIGNATURE} lists {name!r} twice, or without its SHA-256")
        digests[name] = digest
    roots = [_member(subject, "digest", dict, where).get("sha256") for subject in subjects]
    if roots != [_root(digests.values())]:
        raise BundleError(f"{where}: {SIGNATURE} contradicts itself: its subject is not what it lists")
    return digests


def _root(digests: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _framed(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed names its own type and length."""
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload


def _member(holder: Any, name: str, kind: type, where: str) -> Any:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise BundleError(f"{where}: {SIGNATURE} is no signature of Model Signing v1.0: no {name}")
    return value


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BundleError(f"{where}: {SIGNATURE} is not base64: {error}") from error


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
