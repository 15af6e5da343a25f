"""The model as shipped: one zip, stored, the same bytes from the same inputs, verified before parsed.

model.onnx      uint8 (N, H, W, C) in → maps and scores float32 out
model.*.onnx    the same network in another precision
card.json       labels, canvas, limits, figures, origin, version
certificate.json  what was certified of it, where it was: see quality/certificate.py
golden/*.png    frames whose verdicts are known, and their golden templates
model.sig       digest of every other entry, and a P-256 signature over them
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from taktsight.card import Card
from taktsight.errors import BundleError, DataError, ExportError
from taktsight.image_files import decode_image, encode_png
from taktsight.model_check import check_model
from taktsight.png_check import check_pngs
from taktsight.quality.certificate import CERTIFICATE, Certificate, parse_certificate
from taktsight.records import Image
from taktsight.signing import SIGNATURE, sign, verify
from taktsight.stored_zip import Stored, read_entry, read_index, read_stored, write_stored
from taktsight.strict_json import parse_json
from taktsight.whole_files import whole_file

MAX_BUNDLE_BYTES = 1 << 30
MAX_TEXT_BYTES = 1 << 20
"""Of the card, of the certificate, and of the signature."""
_ENTRY = re.compile(
    r"model(\.(fp16|bf16|int8))?\.onnx|card\.json|certificate\.json|model\.sig|golden/[A-Za-z0-9._-]+\.png"
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was verified."""

    card: Card
    model: bytes
    """ONNX in float32, no external data."""
    golden: dict[str, Image]
    """Frames by the file name that the card gives them."""
    digest: str
    """SHA-256 of the whole file, hex: what the ledger records."""
    signed_by: str | None
    """Fingerprint of the allowed key that signed it; None where no key was asked for: what a file says
    of itself proves nothing."""
    precisions: dict[str, bytes] = field(default_factory=dict)
    """The network in other precisions, by their name."""
    certificate: Certificate | None = None
    """What it says was certified; whether that holds for what is here, says ``quality/standing.py``."""

    @property
    def models(self) -> dict[str, bytes]:
        """All of them, by precision."""
        return {"f32": self.model, **self.precisions}


def write_bundle(
    path: Path,
    card: Card,
    model: bytes,
    golden: Mapping[str, Image],
    *,
    key: Path | None = None,
    precisions: Mapping[str, bytes] = MappingProxyType({}),
    certificate: Certificate | None = None,
) -> str:
    """Writes a bundle atomically and returns its digest.

    Args:
        path: where it goes; an existing file is replaced only by a whole one.
        card: its ``golden`` names are the keys of ``golden``.
        model: the ONNX file.
        golden: (H, W, C) uint8 frames by entry name.
        key: PEM file of a P-256 private key; without one the bundle is whole but unsigned.
        precisions: the same network in others than float32: fp16, bf16 or int8.
        certificate: what was certified of it.

    Raises:
        ExportError: If a line would refuse it, or it cannot be written, for example on a full disk; nothing
            is left behind.
    """
    if sorted(golden) != sorted(file for sample in card.golden for file in sample.files):
        raise ValueError("the card's golden samples and the frames given differ")
    entries = {"model.onnx": model, "card.json": _readable(card)}
    entries |= {f"model.{name}.onnx": content for name, content in precisions.items()}
    entries |= {name: encode_png(image) for name, image in golden.items()}
    entries |= {} if certificate is None else {CERTIFICATE: certificate.content}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()}
    entries[SIGNATURE] = sign(card.name, digests, key)
    content = b"".join(write_stored(entries))
    try:
        read = _read(io.BytesIO(content), (), str(path))
    except BundleError as error:
        raise ExportError(f"{error}; a line would refuse it, so it was not written") from error
    _write(path, content)
    return read.digest


def _write(path: Path, content: bytes) -> None:
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written ({error.strerror}); nothing was left behind. "
            f"{len(content) / 1e6:.1f} MB are needed"
        ) from error


def read_bundle(path: Path, *, allowed_keys: Sequence[Path] = ()) -> Bundle:
    """Verifies a bundle, then reads it.

    The signature comes first, then the digest of every entry; only then is anything in them parsed.

    Args:
        path: the bundle.
        allowed_keys: PEM files of P-256 public keys. With any given, one of them must have signed.

    Raises:
        BundleError: If a byte differs from what was written, an entry is foreign or missing, the signature
            is not one of ``allowed_keys``, an engine on the card was never compared, or the network is
            none that a line may load.
    """
    with _opened(path) as file:
        return _read(file, allowed_keys, str(path))


def _read(file: BinaryIO, allowed_keys: Sequence[Path], where: str) -> Bundle:
    entries, digest, signed_by = _verified(file, allowed_keys, where)
    card = _card(entries["card.json"], where)
    golden = [name for sample in card.golden for name in sample.files]
    _check_contents(entries, card, golden, where)
    try:
        frames = {name: decode_image(entries[name], name) for name in golden}
    except DataError as error:
        raise BundleError(f"{where}: {error}") from error
    others = {name[6:-5]: entries[name] for name in entries if re.fullmatch(r"model\.\w+\.onnx", name)}
    certificate = _certificate(entries.get(CERTIFICATE), where)
    return Bundle(card, entries["model.onnx"], frames, digest, signed_by, others, certificate)


def _verified(
    file: BinaryIO, allowed_keys: Sequence[Path], where: str
) -> tuple[dict[str, bytes], str, str | None]:
    """Every entry, the digest of the whole, and who signed; nothing but the signature is parsed."""
    size = file.seek(0, io.SEEK_END)
    if size > MAX_BUNDLE_BYTES:
        raise BundleError(f"{where}: is larger than {MAX_BUNDLE_BYTES >> 20} MiB, no bundle is")
    index = read_index(file, size, where)
    _check_names(index, where)
    signature = read_entry(file, index, SIGNATURE)
    digests, signed_by = verify(signature, allowed_keys, where)
    named = {entry.name for entry in index} - {SIGNATURE}
    for name in sorted(named ^ set(digests)):
        raise BundleError(f"{where}: {name} is not what was signed: {_where_it_is(name in named)}")
    digests[SIGNATURE] = hashlib.sha256(signature).hexdigest()
    entries, digest = read_stored(file, index, digests, where)
    return entries, digest, signed_by


def check_expiry(card: Card, today: date, where: str) -> None:
    """Refuses a bundle whose last day is over.

    Args:
        card: of a bundle that was verified.
        today: in UTC.
        where: what an error calls the bundle.

    Raises:
        BundleError: If it expired before today.
    """
    if card.expires is not None and today > card.expires:
        raise BundleError(
            f"{where}: expired: its last day was {card.expires}, today is {today}. Evaluate and export the "
            "product again, or set this machine's clock"
        )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep the line waiting
            raise BundleError(f"{path}: cannot be read: it is no file")
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise BundleError(f"{path}: there is no such bundle; write one with 'taktsight export'") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error


def _check_names(index: Sequence[Stored], where: str) -> None:
    for entry in index:
        if not _ENTRY.fullmatch(entry.name):
            raise BundleError(f"{where}: holds {entry.name!r}, which is no part of a bundle")
    sizes = {entry.name: entry.size for entry in index}
    for required in ("model.onnx", "card.json", SIGNATURE):
        if required not in sizes:
            raise BundleError(f"{where}: {required} is missing")
    for name in ("card.json", CERTIFICATE, SIGNATURE):
        if sizes.get(name, 0) > MAX_TEXT_BYTES:
            raise BundleError(f"{where}: {name} has {sizes[name]} bytes; none is so large")


def _where_it_is(in_bundle: bool) -> str:
    return "it was added" if in_bundle else "it is missing; copy the bundle again"


def _card(content: bytes, where: str) -> Card:
    try:
        parse_json(content)
        card = Card.model_validate_json(content)
    except ValueError as error:  # pydantic's is one too
        raise BundleError(f"{where}: card.json is not a card this version reads: {error}") from error
    unproved = [parity.engine for parity in card.parity if not parity.is_compared]
    if unproved:
        raise BundleError(
            f"{where}: card.json says of {', '.join(unproved)} that it was not yet compared with the "
            "trained network: nothing was proved of it. Export the bundle again"
        )
    return card


def _certificate(content: bytes | None, where: str) -> Certificate | None:
    if content is None:
        return None
    try:
        return parse_certificate(content)
    except ValueError as error:
        raise BundleError(f"{where}: {CERTIFICATE} is none that this version reads: {error}") from error


def _check_contents(entries: Mapping[str, bytes], card: Card, golden: Sequence[str], where: str) -> None:
    there = {name for name in entries if name.startswith("golden/")}
    missing, more = sorted(set(golden) - there), sorted(there - set(golden))
    if missing:
        raise BundleError(f"{where}: golden samples {missing} are on the card and not in the bundle")
    if more:
        raise BundleError(f"{where}: {', '.join(more)} is in the bundle and not on the card")
    for name in sorted(entries):
        if name.endswith(".onnx"):
            check_model(entries[name], card, f"{where}: {name}")
    check_pngs({name: entries[name] for name in there}, where)


def _readable(card: Card) -> bytes:
    content = card.model_dump(mode="json")
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
