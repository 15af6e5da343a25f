"""Names of pictures that tell nothing, cannot be guessed, and need no table.

A name is the picture's place (a row of the ledger and a camera, a golden sample or a training image),
encrypted and authenticated under a secret of the review folder, as a synthetic IV (RFC 5297) does it with
HMAC: the MAC of the place is the key stream's nonce. The same place has the same name as long as the secret
lives, even after the index was made anew; a name that nobody was given opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import ReviewError
from taktsight.inspect.review.store.book import SECRET
from taktsight.whole_files import make_folder

_MAC_BYTES = 12
_FORM = ">BQI"
_PLACE_BYTES = struct.calcsize(_FORM)
_NAME = re.compile(r"[A-Za-z0-9_-]{34}")
_FRAME, _GOLDEN, _EXAMPLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class FramePlace:
    """A kept frame."""

    seq: int
    """Of the verdict's row in the ledger."""
    camera: int
    """CRC-32 of the camera's name."""


@dataclass(frozen=True, slots=True)
class GoldenPlace:
    """A frame in a bundle."""

    bundle: int
    """The first 8 bytes of its digest."""
    frame: int
    """Its place among the names of golden frames, sorted."""


@dataclass(frozen=True, slots=True)
class ExamplePlace:
    """A training image."""

    number: int
    """The first 8 bytes of the digest of its path."""


Place = FramePlace | GoldenPlace | ExamplePlace


def camera_number(camera: str) -> int:
    """By which a place names its camera."""
    return zlib.crc32(camera.encode())


def bundle_number(digest: str) -> int:
    """By which a place names its bundle."""
    return int(digest[:16], 16)


class ImageIds:
    """Makes names, and says what they are of."""

    def __init__(self, secret: bytes) -> None:
        self._mac_key = hmac.digest(secret, b"pictures: authenticate", "sha256")
        self._stream_key = hmac.digest(secret, b"pictures: encrypt", "sha256")

    def name(self, place: Place) -> str:
        """Of a place; 34 letters, digits, ``-`` and ``_``."""
        if isinstance(place, FramePlace):
            said = struct.pack(_FORM, _FRAME, place.seq, place.camera)
        elif isinstance(place, GoldenPlace):
            said = struct.pack(_FORM, _GOLDEN, place.bundle, place.frame)
        else:
            said = struct.pack(_FORM, _EXAMPLE, place.number, 0)
        mac = self._mac(said)
        return _written(mac + self._hidden(said, mac))

    def place(self, name: str) -> Place:
        """What a name is of.

        Raises:
            ReviewError: If it was never given to anybody.
        """
        said = self._opened(name)
        kind, first, second = struct.unpack(_FORM, said)
        if kind == _EXAMPLE:
            return ExamplePlace(first)
        return FramePlace(first, second) if kind == _FRAME else GoldenPlace(first, second)

    def _opened(self, name: str) -> bytes:
        if not _NAME.fullmatch(name):
            raise ReviewError("there is no such picture")
        try:
            content = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
        except binascii.Error:
            raise ReviewError("there is no such picture") from None
        mac, hidden = content[:_MAC_BYTES], content[_MAC_BYTES:]
        said = self._hidden(hidden, mac)
        # Bits of the last letter mean nothing: a picture has one name, not sixteen.
        if not hmac.compare_digest(mac, self._mac(said)) or _written(content) != name:
            raise ReviewError("there is no such picture")
        return said

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._mac_key, said, "sha256")[:_MAC_BYTES]

    def _hidden(self, said: bytes, mac: bytes) -> bytes:
        stream = hmac.digest(self._stream_key, mac, "sha256")
        return bytes(one ^ other for one, other in zip(said, stream, strict=False))


def _written(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_secret(folder: Path) -> bytes:
    """The secret of a review folder; made where there is none. The store's is the same file.

    Raises:
        ReviewError: If the file there is none.
    """
    file = folder / SECRET
    if not file.exists():
        make_folder(folder)
        descriptor, partial = tempfile.mkstemp(dir=folder, prefix=f".{SECRET}.")
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_bytes(32))
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):  # another process made it
            os.link(partial, file)
        os.unlink(partial)
    content = file.read_bytes()
    if len(content) < 32:
        raise ReviewError(f"{file}: is no secret; remove it, and names of pictures are made anew")
    return content


def short_digest(*parts: str) -> str:
    """Names what was made of these, in a file or a cache."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
