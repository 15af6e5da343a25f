"""As what a part is offered to a reviewer, sealed: a page sends it back, and cannot read or change it.

That a part is a blind double, or one whose truth is known, must not be found out from an address or a form.
Every offer therefore looks alike: the same length, and other bytes each time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from taktsight.errors import ReviewError
from taktsight.inspect.review.store.values import PartKey, Why

BLIND = frozenset({Why.SECOND, Why.KNOWN})
_BLOCK, _NONCE, _MAC = 320, 16, 16
MAX_SEALED = 4096


@dataclass(frozen=True, slots=True)
class Offer:
    """One part, shown to one reviewer."""

    part: PartKey
    reviewer: str
    why: Why
    is_hidden: bool
    """Verdict, reasons and colleagues are not shown: of every blind double and known part, and of as many
    others, so that nobody can tell which is which."""
    seen: int = 0
    """Id of the last decision on the part when it was offered."""

    @property
    def is_blind(self) -> bool:
        """Whether the decision is an independent opinion, which takes the place of none."""
        return self.why in BLIND


class Offers:
    """Seals offers, and opens what it sealed."""

    def __init__(self, secret: bytes) -> None:
        self._stream_key = hmac.digest(secret, b"offers: encrypt", "sha256")
        self._mac_key = hmac.digest(secret, b"offers: authenticate", "sha256")
        self._decoy_key = hmac.digest(secret, b"offers: decoys", "sha256")

    def seal(self, offer: Offer) -> str:
        """As letters, digits, ``-`` and ``_``."""
        said = [str(offer.part), offer.reviewer, offer.why.value, offer.is_hidden, offer.seen]
        text = json.dumps(said, ensure_ascii=False).encode()
        text += b" " * (-len(text) % _BLOCK)
        nonce = secrets.token_bytes(_NONCE)
        hidden = nonce + self._hide(nonce, text)
        return base64.urlsafe_b64encode(hidden + self._mac(hidden)).decode().rstrip("=")

    def open(self, sealed: str) -> Offer:
        """What was offered.

        Raises:
            ReviewError: If it was not sealed here.
        """
        try:
            content = base64.b64decode(sealed + "=" * (-len(sealed) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise ReviewError("this part was not offered by this bench; load the page again") from None
        hidden, mac = content[:-_MAC], content[-_MAC:]
        if len(sealed) > MAX_SEALED or not hmac.compare_digest(mac, self._mac(hidden)):
            raise ReviewError("this part was not offered by this bench; load the page again")
        nonce = hidden[:_NONCE]
        part, reviewer, why, is_hidden, seen = json.loads(self._hide(nonce, hidden[_NONCE:]))
        return Offer(PartKey.parse(part), reviewer, Why(why), is_hidden, seen)

    def is_decoy(self, reviewer: str, part: PartKey, share: float) -> bool:
        """Whether an ordinary part is shown as a blind one is: this share of them, the same ones always."""
        drawn = hmac.digest(self._decoy_key, f"{reviewer}\0{part}".encode(), "sha256")[:4]
        return int.from_bytes(drawn, "big") < share * (1 << 32)

    def _mac(self, hidden: bytes) -> bytes:
        return hmac.digest(self._mac_key, hidden, "sha256")[:_MAC]

    def _hide(self, nonce: bytes, text: bytes) -> bytes:
        stream = b"".join(
            hmac.digest(self._stream_key, nonce + place.to_bytes(4, "big"), hashlib.sha256)
            for place in range(-(-len(text) // 32))
        )
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))
