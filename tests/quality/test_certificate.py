"""The certificate: canonical bytes in the bundle, and what of it holds for what is there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from taktsight.bundle import MAX_TEXT_BYTES, read_bundle
from taktsight.errors import BundleError
from taktsight.quality.certificate import CERTIFICATE, Claim, Place, parse_certificate
from taktsight.quality.standing import Found, found_in, standing
from taktsight.recipe import Recipe

from ..kernel.conftest import entries_of, redigest, rezip
from .certified import certified


def changed(recipe: Recipe, **values: Any) -> Recipe:
    """The recipe with another limit."""
    (limit,) = recipe.limits
    return recipe.model_copy(update={"limits": (limit.model_copy(update=values),)})


@pytest.fixture
def valid(tmp_path: Path) -> tuple[Any, Found]:
    bundle, certificate, recipe = certified(tmp_path)
    return certificate, found_in(bundle, recipe, "onnxruntime:f32", "f32")


def test_bundle_carries_what_was_issued(tmp_path: Path) -> None:
    bundle, certificate, recipe = certified(tmp_path)
    assert bundle.certificate == certificate
    assert certificate.recipe == recipe.digest
    content = entries_of(tmp_path / "certified.taktsight")[CERTIFICATE]
    assert content == certificate.content
    assert hashlib.sha256(content).hexdigest() == certificate.digest
    assert [claim.subject for claim in certificate.claims] == ["escape of spot", "overkill"]
    assert standing(certificate, found_in(bundle, recipe, "onnxruntime:f32", "f32")).state == "VALID"


def test_same_values_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert certified(tmp_path / "one")[1].content == certified(tmp_path / "other")[1].content


@pytest.mark.parametrize("field", ["model", "preprocessing", "product", "engine"])
def test_any_other_digest_makes_it_invalid(valid: tuple[Any, Found], field: str) -> None:
    certificate, found = valid
    other: dict[str, Any] = {field: 64 * "0"}
    now = standing(certificate, replace(found, **other))
    assert (now.state, now.claims) == ("INVALID", ())
    assert "is another one" in now.reasons[0]


def test_other_data_or_station_makes_it_invalid(valid: tuple[Any, Found]) -> None:
    certificate, found = valid
    assert standing(certificate, replace(found, data={"parts.csv": 64 * "a"})).state == "VALID"
    assert standing(certificate, replace(found, data={"parts.csv": 64 * "b"})).state == "INVALID"
    placed = certificate.model_copy(update={"station": Place(name="line 3", cameras=64 * "c")})
    assert standing(placed, replace(found, station_name="line 3")).state == "VALID"
    assert standing(placed, replace(found, station_name="line 4")).state == "INVALID"
    assert standing(placed, replace(found, cameras=64 * "d")).state == "INVALID"


def test_looser_limit_voids_the_claim_about_escapes(valid: tuple[Any, Found]) -> None:
    certificate, found = valid
    (limit,) = certificate.limits
    loose = limit.review_score + 0.01
    now = standing(
        certificate,
        replace(found, recipe=changed(found.recipe, review_score=loose, reject_score=loose)),
    )
    assert (now.state, now.claims) == ("VOID", ("overkill",))
    assert now.reasons == (f"review_score of spot is {loose:g}, certified was {limit.review_score:g}",)
    area = standing(certificate, replace(found, recipe=changed(found.recipe, max_area_mm2=0.5)))
    assert area.state == "VOID"


def test_stricter_limit_keeps_the_claim_about_escapes(valid: tuple[Any, Found]) -> None:
    certificate, found = valid
    strict = certificate.limits[0].review_score - 0.01
    now = standing(certificate, replace(found, recipe=changed(found.recipe, review_score=strict)))
    assert (now.state, now.claims) == ("TIGHTENED", ("escape",))


def test_limits_that_touch_no_claim_leave_it_valid(tmp_path: Path) -> None:
    """With a review band it is the share of rejected good parts that is bounded."""
    bundle, certificate, recipe = certified(tmp_path, noise=0.8)
    assert certificate.claims[-1].kind == "false reject"
    found = found_in(bundle, recipe, "onnxruntime:f32", "f32")
    (limit,) = recipe.limits
    for values in (
        {"review_score": limit.review_score / 2},
        {"reject_score": 1.0},
        {"map_score": 0.9},
        {"why": "asked for by the customer"},
    ):
        now = standing(certificate, replace(found, recipe=changed(recipe, **values)))
        assert now.state == "VALID", values
    low = changed(recipe, reject_score=limit.review_score)
    assert standing(certificate, replace(found, recipe=low)).claims == ("escape",)


def test_other_region_scale_or_labels_make_it_invalid(valid: tuple[Any, Found], tmp_path: Path) -> None:
    certificate, found = valid
    bundle = read_bundle(tmp_path / "certified.taktsight")
    for values in ({"roi_px": (0, 0, 32, 32)}, {"mm_per_px": 0.2}):
        view = found.recipe.views[0].model_copy(update=values)
        other = found.recipe.model_copy(update={"views": (view,)})
        assert standing(certificate, found_in(bundle, other, "onnxruntime:f32", "f32")).state == "INVALID"
    renamed = found.recipe.views[0].model_copy(update={"camera": "north"})
    same = found.recipe.model_copy(update={"views": (renamed,)})
    assert standing(certificate, found_in(bundle, same, "onnxruntime:f32", "f32")).state == "VALID"
    assert (
        standing(certificate, replace(found, recipe=changed(found.recipe, label="dent"))).state == "INVALID"
    )


def test_whoever_watches_the_line_can_suspend_it(valid: tuple[Any, Found]) -> None:
    certificate, found = valid
    now = standing(certificate, replace(found, suspended="scores have drifted"))
    assert (now.state, now.claims, str(now)) == ("SUSPENDED", (), "SUSPENDED: scores have drifted")


def test_claim_that_its_counts_do_not_show_is_none() -> None:
    shown = {"kind": "escape", "units": 299, "events": 0, "allowed": 0, "alpha": 0.01, "delta": 0.05}
    Claim.model_validate(shown)
    for wrong in ({"events": 1}, {"allowed": 299}, {"alpha": 0.0}, {"kind": "recall"}):
        with pytest.raises(ValidationError):
            Claim.model_validate(shown | wrong)


def forged(folder: Path, content: bytes) -> str:
    """Why a bundle with this certificate is refused."""
    path = folder / "certified.taktsight"
    certified(folder)
    rezip(path, redigest(entries_of(path) | {CERTIFICATE: content}))
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    return str(caught.value)


def test_certificate_that_was_exchanged_is_no_part_of_what_was_signed(tmp_path: Path) -> None:
    certified(tmp_path)
    path = tmp_path / "certified.taktsight"
    entries = entries_of(path)
    rezip(path, entries | {CERTIFICATE: entries[CERTIFICATE].replace(b"0.05", b"0.01")})
    with pytest.raises(BundleError, match=r"certificate\.json is not what was signed"):
        read_bundle(path)
    rezip(path, {name: content for name, content in entries.items() if name != CERTIFICATE})
    with pytest.raises(BundleError, match="it is missing"):
        read_bundle(path)


def test_certificate_that_this_version_does_not_read_is_refused(tmp_path: Path) -> None:
    _, certificate, _ = certified(tmp_path)
    whole = json.loads(certificate.content)
    for content, said in (
        (b"{}", "Field required"),
        (b"{", "none that this version reads"),
        (b'{"format": 1, "format": 1}', "stands twice"),
        (json.dumps(whole).encode(), "not the canonical ones"),
        (json.dumps(whole | {"note": "x"}).encode(), "note: Extra inputs are not permitted"),
        (json.dumps(whole | {"defective": "400"}).encode(), "defective: Input should be a valid integer"),
        (json.dumps(whole | {"model": "x"}).encode(), "model: String should match pattern"),
        (b" " * (MAX_TEXT_BYTES + 1), "none is so large"),
    ):
        assert said in forged(tmp_path, content)
    with pytest.raises(ValueError, match="is no number"):
        parse_certificate(certificate.content.replace(b'"alpha": 0.01', b'"alpha": NaN'))
