"""An older bundle comes back on purpose or not at all, and an expired one does not start a line."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from taktsight.errors import BundleError, LineError
from taktsight.inspect.config import Rollback, load_station
from taktsight.inspect.fit import read_setup
from taktsight.inspect.messages import Expose, Prepare
from taktsight.inspect.ring import Ring, size_ring
from taktsight.inspect.versions import check_memory, check_version, remember_version
from taktsight.inspect.vision import Vision

from ..cards import make_card
from .place import Place
from .running_line import taktsight
from .spots import spot_bundle

LAST_DAY = date(2026, 6, 30)


@pytest.fixture
def ring() -> Ring:
    descriptor = os.memfd_create("ring")
    size_ring(descriptor, 4)
    made = Ring(descriptor)
    os.close(descriptor)
    return made


def test_line_refuses_an_older_bundle_and_says_how_to_go_back(place: Place) -> None:
    bundle = place.folder / "spots.takt"
    spot_bundle(bundle, version=2)
    assert taktsight("run", place.write(), "--parts", "1").returncode == 0
    spot_bundle(bundle, version=1)
    refused = taktsight("run", place.write(), "--parts", "1")
    assert refused.returncode == 1
    assert "is version 1 of 'spots', and version 2 has run on this station" in refused.stderr
    assert "write 'rollback_to: 1' into the station file" in refused.stderr
    assert len(place.gate()) == 1
    checked = taktsight("check", place.write())
    assert checked.returncode == 1
    assert "version 2 has run on this station" in checked.stdout
    back = taktsight("run", place.write(rollback_to=1), "--parts", "1")
    assert back.returncode == 0, back.stderr
    assert json.loads((place.records / "versions.json").read_text()) == {"spots": 2}


def test_replay_takes_any_version(place: Place) -> None:
    place.records.mkdir()
    (place.records / "versions.json").write_text('{"spots": 9}')
    ended = taktsight(
        "replay", place.folder / "spots.takt", place.folder / "images",
        "--takt-ms", "20", "--deadline-ms", "400", "--records", place.records,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def test_replayed_bundle_locks_no_other_one_out(place: Place) -> None:
    assert taktsight("run", place.write(), "--parts", "1").returncode == 0
    claims_much = spot_bundle(place.folder / "claims.takt", version=1_000_000)
    ended = taktsight(
        "replay", claims_much, place.folder / "images",
        "--takt-ms", "20", "--deadline-ms", "400", "--records", place.records,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads((place.records / "versions.json").read_text()) == {"spots": 1}
    again = taktsight("run", place.write(), "--parts", "1")
    assert again.returncode == 0, again.stderr


def test_check_remembers_nothing(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", version=2)
    read_setup(load_station(place.write()), LAST_DAY)
    assert not (place.records / "versions.json").exists()


@pytest.mark.parametrize("rollback_to", [None, 2, 4])
def test_only_the_version_that_is_named_may_come_back(tmp_path: Path, rollback_to: Rollback) -> None:
    remember_version(tmp_path, make_card(golden=(), version=5))
    for version in (5, 6):
        check_version(tmp_path, make_card(golden=(), version=version), rollback_to, "new")
    with pytest.raises(BundleError, match="old: is version 3 of 'flange', and version 5 has run"):
        check_version(tmp_path, make_card(golden=(), version=3), rollback_to, "old")
    check_version(tmp_path, make_card(golden=(), version=3), 3, "old")
    check_version(tmp_path, make_card(golden=(), version=3), "any", "old")


def test_products_do_not_share_a_version(tmp_path: Path) -> None:
    remember_version(tmp_path, make_card(golden=(), version=5))
    check_version(tmp_path, make_card(golden=(), name="lid"), None, "lid")
    remember_version(tmp_path, make_card(golden=(), name="lid"))
    remember_version(tmp_path, make_card(golden=(), version=2))
    assert json.loads((tmp_path / "versions.json").read_text()) == {"flange": 5, "lid": 1}


def test_bundle_that_judged_no_part_locks_no_other_one_out(place: Place, ring: Ring) -> None:
    """It was prepared, and vision ended before the line had changed over."""
    station = load_station(place.write())
    vision = Vision(station, ring, LAST_DAY, versions=place.records)
    spot_bundle(place.folder / "spots.takt", version=2)
    vision.prepare(Prepare(1, station, LAST_DAY, place.records))
    assert json.loads((place.records / "versions.json").read_text()) == {}
    for number, ran in enumerate((1, 2)):
        vision.expose(Expose(1, 0, 0, number))
        assert vision._remembering is not None
        vision._remembering.join()
        assert json.loads((place.records / "versions.json").read_text()) == {"spots": ran}
    vision.close()


def test_memory_that_cannot_be_written_stops_the_line(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where the folder should be")
    with pytest.raises((LineError, BundleError), match=r"versions\.json"):
        remember_version(tmp_path / "records", make_card(golden=()))
    with pytest.raises((LineError, BundleError), match=r"versions\.json"):
        check_memory(tmp_path / "records")


def test_bundle_runs_on_its_last_day_and_not_on_the_next(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", expires=LAST_DAY)
    station = load_station(place.write())
    assert read_setup(station, LAST_DAY).bundle.card.expires == LAST_DAY
    with pytest.raises(BundleError, match=r"spots\.takt: expired: its last day was 2026-06-30"):
        read_setup(station, LAST_DAY + timedelta(days=1))


def test_line_does_not_start_with_an_expired_bundle(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", expires=date(2020, 1, 1))
    ended = taktsight("run", place.write(), "--parts", "1")
    assert ended.returncode == 1
    assert "expired: its last day was 2020-01-01" in ended.stderr
    assert place.gate() == []
