"""Keys on the command line, and what verify says of a bundle's signer, version and last day."""

from __future__ import annotations

import hashlib
import stat
from datetime import date
from pathlib import Path

import pytest

from taktsight.bundle import read_bundle, write_bundle
from taktsight.cli import main

from ..inspect.spots import spot_bundle


def heard(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Exit status and everything that was printed."""
    status = main(list(map(str, arguments)))
    said = capsys.readouterr()
    return status, said.out + said.err


def test_new_pair_signs_and_its_fingerprint_is_that_of_the_signer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = heard(capsys, "keys", "new", tmp_path / "plant")
    private, public = tmp_path / "plant.key", tmp_path / "plant.pub"
    fingerprint = hashlib.sha256(public.read_bytes()).hexdigest()
    assert status == 0
    assert f"fingerprint {fingerprint}" in said
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    unsigned = read_bundle(spot_bundle(tmp_path / "unsigned.takt"))
    signed = tmp_path / "signed.takt"
    write_bundle(signed, unsigned.card, unsigned.model, unsigned.golden, key=private)
    status, said = heard(capsys, "verify", signed, "--allowed-key", public)
    assert status == 0, said
    assert f"by key {fingerprint[:16]}" in said


@pytest.mark.parametrize("there", ["plant.key", "plant.pub"])
def test_key_that_is_there_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    (tmp_path / there).write_text("precious")
    status, said = heard(capsys, "keys", "new", tmp_path / "plant")
    assert status == 2
    assert f"{there}: is there already" in said
    assert [file.name for file in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "precious"


def test_every_key_of_a_file_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("anna", "ben"):
        heard(capsys, "keys", "new", tmp_path / name)
    publics = [(tmp_path / f"{name}.pub").read_text() for name in ("anna", "ben")]
    (tmp_path / "allowed.pem").write_text("# hall 2\n" + "".join(publics))
    status, said = heard(capsys, "keys", "show", tmp_path / "allowed.pem")
    assert status == 0
    shown = [hashlib.sha256(public.encode()).hexdigest() for public in publics]
    assert said.split() == ["fingerprint", shown[0], "fingerprint", shown[1]]


def test_secret_key_is_not_shown_by_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard(capsys, "keys", "new", tmp_path / "plant")
    status, said = heard(capsys, "keys", "show", tmp_path / "plant.key")
    assert status == 1
    assert "is not a PEM public key" in said


def test_verify_says_version_and_last_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = spot_bundle(tmp_path / "spots.takt", version=7)
    status, said = heard(capsys, "verify", bundle)
    assert status == 0, said
    assert "version    7, without expiry" in said
    spot_bundle(bundle, version=7, expires=date(2999, 12, 31))
    assert "version    7, last day 2999-12-31" in heard(capsys, "verify", bundle)[1]


def test_verify_fails_when_the_last_day_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = spot_bundle(tmp_path / "spots.takt", expires=date(2020, 1, 1))
    status, said = heard(capsys, "verify", bundle)
    assert status == 1
    assert "expired: its last day was 2020-01-01" in said


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--bundle-version", "0"], "--bundle-version must be 1 to 1000000, got 0"),
        (["--bundle-version", "2000000"], "--bundle-version must be 1 to 1000000, got 2000000"),
        (["--expires", "tomorrow"], "argument --expires: invalid"),
        (["--expires", "2020-01-01"], "--expires 2020-01-01 is over"),
        (["--name", ""], "--name '' must be one line of characters"),
        (["--name", "flange\n"], "must be one line of characters"),
        (["--engine", "openvino:f32:cpu:junk"], "has 4 parts"),
    ],
)
def test_export_takes_nothing_that_a_line_would_refuse(
    wrong: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["export", str(tmp_path), "--out", str(tmp_path / "new.takt"), *wrong])
    except SystemExit as end:  # of the parser
        status = int(end.code or 0)
    assert status == 2
    assert says in capsys.readouterr().err


def test_export_writes_product_version_and_last_day(
    in_workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "part.takt"
    more = ["--name", "Flange M8", "--bundle-version", "3", "--expires", "2999-12-31"]
    status, said = heard(capsys, "export", "run", "--out", out, *more)
    assert status == 0, said
    assert "product 'Flange M8', version 3, last day 2999-12-31\n" in said
    card = read_bundle(out).card
    assert (card.name, card.version, card.expires) == ("Flange M8", 3, date(2999, 12, 31))


def test_product_that_nobody_named_has_the_name_of_the_runs_folder(workshop: Path) -> None:
    card = read_bundle(workshop / "part.taktsight").card
    assert (card.name, card.version, card.expires) == ("run", 1, None)
