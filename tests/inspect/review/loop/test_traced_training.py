"""A model names the version it was trained on, and no part of that version may certify it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taktsight.bundle import read_bundle, write_bundle
from taktsight.card import Card
from taktsight.cli import main
from taktsight.datasets.dataset_card import checked_card
from taktsight.datasets.source import Source
from taktsight.errors import ConfigError, DataError
from taktsight.export.trained_on import check_unseen_images, check_unseen_names, dataset_of
from taktsight.inspect.review.store.values import Choice, Why
from taktsight.manifest import Manifest
from taktsight.records import Outcome

from ....cards import make_manifest
from .staff import BOX, Staff, from_reviews


@pytest.fixture
def version(staff: Staff, tmp_path: Path) -> Path:
    """Half of the parts, reviewed."""
    for part in staff.made.of(Outcome.REJECT):
        staff.decide(part, Choice.CONFIRM, BOX)
    for part in staff.made.of(Outcome.PASS)[:2]:
        staff.decide(part, Choice.CONFIRM, why=Why.AUDIT)
    return from_reviews(staff.made, tmp_path / "press")


def trained_on(staff: Staff, version: Path) -> Card:
    """The card of a network that learned from it."""
    card, found = read_bundle(staff.made.bundle).card, checked_card(version)
    assert found is not None
    training = make_manifest(dataset=found.named)
    return card.model_copy(update={"origin": card.origin.model_copy(update={"training": training})})


def samples(folder: Path, part: str = "part") -> Any:
    return Source(folder, "coco", index=folder / "index.csv", columns={"part": part}).read()


def test_manifest_without_a_version_has_the_digest_of_before() -> None:
    plain = make_manifest()
    assert '"dataset"' not in plain.model_dump_json()
    assert Manifest.model_validate_json(plain.model_dump_json()) == plain


def test_bundle_says_which_version(staff: Staff, version: Path, tmp_path: Path) -> None:
    card, old = trained_on(staff, version), read_bundle(staff.made.bundle)
    write_bundle(tmp_path / "next.taktsight", card, old.model, old.golden)
    dataset = dataset_of(read_bundle(tmp_path / "next.taktsight").card)
    assert str(dataset).startswith("press version 1, digest ")
    training = card.origin.training
    assert isinstance(training, Manifest)
    assert f"data set   {dataset}" in training.in_words()


def test_parts_of_the_version_certify_nothing(staff: Staff, version: Path, tmp_path: Path) -> None:
    card = trained_on(staff, version)
    with pytest.raises(DataError, match="is what the network was trained on"):
        check_unseen_images(card, samples(version), version, None)
    with pytest.raises(DataError, match="is in press version 1"):
        check_unseen_images(card, samples(version), version, version)
    with pytest.raises(DataError, match="is in press version 1"):
        check_unseen_names(card, [staff.made.of(Outcome.REJECT)[0].serial], version)


def test_same_pixels_under_another_name_are_found(staff: Staff, version: Path, tmp_path: Path) -> None:
    shown = tmp_path / "images" / "good" / "other.png"
    shown.parent.mkdir(parents=True)
    shown.write_bytes(staff.made.file(staff.made.of(Outcome.PASS)[0], "top").read_bytes())
    read = Source(tmp_path / "images", "class_folder").read()
    with pytest.raises(DataError, match="the same image is in press version 1"):
        check_unseen_images(trained_on(staff, version), read, tmp_path / "images", version)


def test_unseen_parts_may_certify_and_doubt_is_said(staff: Staff, version: Path, tmp_path: Path) -> None:
    card = trained_on(staff, version)
    assert check_unseen_names(card, [staff.made.of(Outcome.PASS)[-1].serial], version) == ()
    (warning,) = check_unseen_names(card, ["anything"], None)
    assert "nobody compared" in warning
    with pytest.raises(ConfigError, match="names no version"):
        check_unseen_names(read_bundle(staff.made.bundle).card, [], version)


def test_another_version_is_not_taken_for_it(staff: Staff, version: Path, tmp_path: Path) -> None:
    card = trained_on(staff, version)
    staff.decide(staff.made.of(Outcome.REVIEW)[0], Choice.CONFIRM)
    second = from_reviews(staff.made, tmp_path / "press")
    with pytest.raises(ConfigError, match="is press version 2"):
        check_unseen_names(card, [], second)


@pytest.mark.parametrize("name", ["index.csv", "lineage.jsonl", "images", "dataset.yaml"])
def test_version_that_was_changed_is_no_version(version: Path, name: str) -> None:
    file = version / name
    if name == "images":
        file = next(file.rglob("*.png"))
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.unlink()  # it may be a link
    file.write_bytes(content)
    with pytest.raises(DataError):
        checked_card(version)


def test_certify_compares(
    staff: Staff, version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card, old = trained_on(staff, version), read_bundle(staff.made.bundle)
    bundle = tmp_path / "next.taktsight"
    write_bundle(bundle, card, old.model, old.golden)
    words = ["certify", bundle, version, "--layout", "coco", "--index", version / "index.csv"]
    words += ["--part-column", "part", "--population", "a shift", "--trained-on", version]
    assert main([*map(str, words)]) == 1
    assert "certify on parts it has not seen" in capsys.readouterr().err
