"""Models: what is shown of a bundle, and that an approval holds for one digest and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from taktsight.bundle import read_bundle
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.web.certificate_states import certified
from taktsight.recipe import Limit, Recipe

from ....quality.certified import certified as certified_bundle
from ...spots import spot_bundle
from ..records import VIEWS
from .running_bench import PASSWORD, token
from .served_records import Served, certified_spots, path_of, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With the bundle that judged, and a later version of the same product that has judged nothing."""
    place = tmp_path_factory.mktemp("models")
    certified_spots(place / "spots.takt")
    later = spot_bundle(place / "later.takt", views=VIEWS, version=2)
    with serving(place, "--bundle", str(later)) as running:
        yield running


def digests(served: Served) -> tuple[str, str]:
    later = served.made.bundle.with_name("later.takt")
    return read_bundle(served.made.bundle).digest, read_bundle(later).digest


def decide(client: httpx.Client, of: str, **changes: str) -> httpx.Response:
    fields = {
        "csrf": token(client, "/models"),
        "digest": of,
        "meaning": "approved",
        "password": PASSWORD,
    }
    return client.post(f"/models/{of}/decide", data=fields | changes)


def section(page: str, digest: str) -> str:
    """What the page says of one bundle."""
    return page.partition(f'id="b-{digest[:12]}"')[2].partition("</section>")[0]


def test_bundle_is_shown_with_what_is_known_of_it(served: Served) -> None:
    page = served.people["reviewer"].get("/models").text
    old, new = digests(served)
    for said in (old, "VOID", "press 4", "onnxruntime:f32", "0 / 30", "not looked at", ">12<"):
        assert said in section(page, old)
    assert "version 2" in section(page, new)
    assert "nothing was certified of it" in section(page, new)
    assert "It has judged no part here" in section(page, new)
    assert "Nothing is" in page
    assert 'type="file"' not in page
    assert "password" not in page


def test_approval_holds_for_one_digest(served: Served) -> None:
    engineer, (old, new) = served.people["engineer"], digests(served)
    assert decide(engineer, old, digest=new).status_code == 409  # the page showed another one
    assert decide(engineer, new, digest=old).status_code == 409
    assert decide(engineer, old, password="wrong").status_code == 422
    assert decide(engineer, old, meaning="responsibility").status_code == 422
    assert decide(engineer, "0" * 64).status_code == 404
    assert decide(engineer, "../" + old[:61]).status_code == 404
    assert served.store.signatures_of(f"bundle:{old}") == ()
    assert decide(engineer, old).status_code == 303
    page = served.people["auditor"].get("/models").text
    assert ">approved<" in section(page, old)
    assert "Engineer Berg (engineer)" in section(page, old)
    assert ">not approved<" in section(page, new)
    part = served.made.parts[0]
    assert ">approved<" in served.people["auditor"].get(path_of(part)).text
    assert decide(engineer, old, meaning="rejected").status_code == 303
    assert ">rejected<" in section(served.people["auditor"].get("/models").text, old)
    assert served.store.verify().is_whole


@pytest.mark.parametrize("role", ["reviewer", "supervisor", "auditor", "admin"])
def test_who_may_not_approve_does_not(served: Served, role: str) -> None:
    old, _ = digests(served)
    before = served.store.signatures_of(f"bundle:{old}")
    client = served.people[role]
    fields = {"csrf": token(client, "/help"), "digest": old, "meaning": "approved", "password": PASSWORD}
    assert client.post(f"/models/{old}/decide", data=fields).status_code == 403
    assert served.store.signatures_of(f"bundle:{old}") == before


def test_bundle_that_nobody_can_look_at_is_not_approved(tmp_path: Path) -> None:
    with serving(tmp_path, with_bundle=False) as served:
        digest, engineer = read_bundle(served.made.bundle).digest, served.people["engineer"]
        assert "not at hand" in section(engineer.get("/models").text, digest)
        assert decide(engineer, digest).status_code == 422
        assert decide(engineer, digest, meaning="rejected").status_code == 303


def test_damaged_bundle_does_not_start(tmp_path: Path) -> None:
    path = certified_spots(tmp_path / "spots.takt")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.with_name("bad.takt").write_bytes(content)
    with (
        pytest.raises(AssertionError, match=r"bad\.takt"),
        serving(tmp_path, "--bundle", str(path.with_name("bad.takt"))),
    ):
        pass


def moved(recipe: Recipe, review: float) -> Recipe:
    limits = tuple(
        Limit(label=each.label, review_score=review, reject_score=1.0, map_score=each.map_score)
        for each in recipe.limits
    )
    return recipe.model_copy(update={"limits": limits})


def test_state_of_a_certificate_follows_limits_engine_and_station(tmp_path: Path) -> None:
    bundle, certificate, recipe = certified_bundle(tmp_path)
    at_hand = BundleAtHand(tmp_path / "certified.taktsight", bundle)
    limit = certificate.limits[0]

    def state(of: Recipe | None, engine: str = "onnxruntime:f32") -> str:
        return certified(at_hand, of, tmp_path, "press 4", engine).state

    assert state(recipe) == "VALID"
    assert state(recipe, "") == "VALID"
    assert state(moved(recipe, limit.review_score * 1.5)) == "VOID"
    assert state(moved(recipe, limit.review_score * 0.5)) == "TIGHTENED"
    assert state(recipe, "openvino:f32") == "INVALID"
    assert state(None) == ""
    assert certified(None, recipe, tmp_path).state == ""
    bare = replace(at_hand, bundle=replace(bundle, certificate=None))
    assert certified(bare, recipe, tmp_path).certificate is None
