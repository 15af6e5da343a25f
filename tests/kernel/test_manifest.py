"""The manifest: what a model was made of, compared and said in words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from taktsight.manifest import Manifest, differences, spoken

from ..cards import make_manifest


def test_words_name_every_circumstance() -> None:
    said = "\n".join(make_manifest().in_words())
    for word in (
        "weights    " + 64 * "9",
        "made from  60 train, 20 val, 30 test parts, assigned by split 444444444444…; seed 0",
        "data       train 111111111111…, val 222222222222…, test 333333333333…",
        "settings   data 666666666666…, model 555555555555…, trainer 777777777777…",
        "code       " + 64 * "8",
        "made by    1 process of 2 threads in 32-true on cpu AVX512, Linux x86_64",
        "made with  Python 3.11.2, numpy 2.3.0, torch 2.9.0",
    ):
        assert word in said


def test_words_name_what_changed_at_a_resume() -> None:
    said = make_manifest(changed=("seed was 0, is 1",)).in_words()
    assert said[-1] == "resumed    seed was 0, is 1"


def test_same_manifests_do_not_differ_in_whatever_order_they_were_written() -> None:
    one = make_manifest()
    other = make_manifest(parts=dict(reversed(list(one.parts.items()))))
    assert differences(one, other) == {}


def test_each_difference_is_named_with_both_values() -> None:
    before = make_manifest()
    newer = before.environment.model_copy(update={"packages": {"torch": "2.10.0", "timm": "1.0.0"}})
    after = before.model_copy(
        update={"seed": 7, "environment": newer, "data": {**before.data, "val": 64 * "a"}}
    )
    assert spoken(differences(before, after)) == (
        "data.val was 222222222222…, is aaaaaaaaaaaa…",
        "environment.packages.numpy was 2.3.0, is not there",
        "environment.packages.timm was not there, is 1.0.0",
        "environment.packages.torch was 2.9.0, is 2.10.0",
        "seed was 0, is 7",
    )


@pytest.mark.parametrize("weights", ["", "w", 63 * "a", 64 * "G"])
def test_what_is_no_digest_is_refused(weights: str) -> None:
    with pytest.raises(ValidationError, match="weights"):
        make_manifest(weights=weights)


def test_manifest_survives_its_file() -> None:
    manifest = make_manifest()
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
