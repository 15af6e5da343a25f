"""Bundles that nobody allowed vouches for: wrongly signed, changed since, or older than what has run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import GOLDEN, pem_pair, redigest
from .malicious import Shop, add, case

# Who signed it.


@case("is not signed")
def unsigned(shop: Shop) -> None:
    shop.put(redigest(shop.good))


@case("is signed by none of")
def wrong_key(shop: Shop) -> None:
    shop.put(redigest(shop.good, shop.strange_key))


@case("is signed by none of")
def revoked_key(shop: Shop) -> None:
    shop.public.write_bytes(b"# taken out: plant, the key was lost\n" + shop.strange_public.read_bytes())


@case("is not a P-256 public key")
def key_of_another_curve_that_was_allowed(shop: Shop) -> None:
    _, public = pem_pair(shop.public.parent, "p384", ec.SECP384R1())
    shop.public.write_bytes(public.read_bytes())


def _signed_otherwise(curve: ec.EllipticCurve, frame: Callable[[bytes], bytes]) -> Callable[[Shop], object]:
    """The same statement under another curve or another framing."""

    def build(shop: Shop) -> None:
        envelope = json.loads(shop.good["model.sig"])["dsseEnvelope"]
        private: Any = serialization.load_pem_private_key(shop.key.read_bytes(), None)
        key = private if curve.name == "secp256r1" else ec.generate_private_key(curve)
        signature = key.sign(frame(base64.b64decode(envelope["payload"])), ec.ECDSA(hashes.SHA256()))
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        shop.change_signature(lambda whole: whole.update(dsseEnvelope=envelope))

    return build


def _framed(payload: bytes) -> bytes:
    return f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} ".encode() + payload


def _framed_before_1_0(payload: bytes) -> bytes:
    """As model-signing 0.2 did by mistake, and its verifier still accepts."""
    return f"DSSEV1 28 application/vnd.in-toto+json {len(payload)} {payload!r}".encode()


add(
    {
        "signature_of_another_curve": (_signed_otherwise(ec.SECP384R1(), _framed), "is signed by none of"),
        "signature_of_a_bitcoin_curve": (
            _signed_otherwise(ec.SECP256K1(), _framed),
            "is signed by none of",
        ),
        "signature_framed_as_before_1_0": (
            _signed_otherwise(ec.SECP256R1(), _framed_before_1_0),
            "is signed by none of",
        ),
        "signature_over_the_bare_statement": (
            _signed_otherwise(ec.SECP256R1(), lambda payload: payload),
            "is signed by none of",
        ),
    }
)


@case("is not what was signed")
def signature_of_another_bundle(shop: Shop) -> None:
    other = redigest(shop.good | {"card.json": b"{}"}, shop.key)
    shop.put(shop.good | {"model.sig": other["model.sig"]})


@case(f"{GOLDEN} is not what was signed: it was added")
def signature_over_other_names(shop: Shop) -> None:
    renamed = {name.replace("good-1", "other"): content for name, content in shop.good.items()}
    shop.put(shop.good | {"model.sig": redigest(renamed, shop.key)["model.sig"]})


@case("model.sig is not what was signed")
def signature_that_lists_itself(shop: Shop) -> None:
    from taktsight.signing import sign

    digests = {name: hashlib.sha256(content).hexdigest() for name, content in shop.good.items()}
    shop.put(shop.good | {"model.sig": sign("flange", digests, shop.key)})


@case("is signed by none of")
def statement_that_was_changed(shop: Shop) -> None:
    forged = json.loads(redigest(shop.good | {"card.json": b"{}"})["model.sig"])["dsseEnvelope"]["payload"]
    shop.change_signature(lambda whole: whole["dsseEnvelope"].update(payload=forged))


@case("holds 2 signatures")
def two_signatures(shop: Shop) -> None:
    shop.change_signature(lambda whole: whole["dsseEnvelope"]["signatures"].append({"sig": "AAAA"}))


@case("no application/vnd.in-toto+json")
def statement_of_another_type(shop: Shop) -> None:
    shop.change_signature(lambda whole: whole["dsseEnvelope"].update(payloadType="text/plain"))


def _signature(content: bytes) -> Callable[[Shop], object]:
    return lambda shop: shop.put(shop.good | {"model.sig": content})


add(
    {
        "signature_nested_too_deep": (_signature(b"[" * 500_000), "nested too deep"),
        "signature_with_nan": (_signature(b'{"mediaType": NaN}'), "NaN is no number"),
        "signature_with_a_key_twice": (_signature(b'{"a": 1, "a": 2}'), "'a' stands twice"),
        "signature_of_two_megabytes": (_signature(b" " * (2 << 20)), "none is so large"),
        "signature_that_is_no_text": (_signature(b"\xff\xfe\x00"), "model.sig cannot be read"),
        "number_of_a_million_digits": (_signature(b'{"a": ' + b"9" * 1_000_000 + b"}"), "cannot be read"),
    }
)

# What was changed after it was signed.


@case("card.json is not what was signed")
def card_that_was_changed(shop: Shop) -> None:
    shop.put(shop.good | {"card.json": shop.good["card.json"].replace(b"0.8", b"0.9")})


@case("is not what was signed")
def entries_that_were_swapped(shop: Shop) -> None:
    shop.put(shop.good | {"card.json": shop.good[GOLDEN], GOLDEN: shop.good["card.json"]})


@case("golden/more.png is not what was signed: it was added")
def entry_that_was_added(shop: Shop) -> None:
    shop.put(shop.good | {"golden/more.png": shop.good[GOLDEN]})


@case("model.int8.onnx is not what was signed: it was added")
def precision_that_was_added(shop: Shop) -> None:
    shop.put(shop.good | {"model.int8.onnx": shop.good["model.onnx"]})


@case(f"{GOLDEN} is not what was signed: it is missing")
def entry_that_was_taken_out(shop: Shop) -> None:
    shop.put({name: content for name, content in shop.good.items() if name != GOLDEN})


# What has run on this station.


@case("is version 1 of 'flange', and version 5 has run on this station")
def rollback(shop: Shop) -> None:
    shop.records.mkdir()
    (shop.records / "versions.json").write_text('{"flange": 5}')


@case("it says which bundles ran here")
def rollback_with_a_broken_memory(shop: Shop) -> None:
    shop.records.mkdir()
    (shop.records / "versions.json").write_text('{"flange": "none"}')
