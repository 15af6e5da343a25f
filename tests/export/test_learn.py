"""``learn``: from labelled images to a verified bundle in one process."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.export.commands import export
from taktsight.training.run_folder import open_run


def test_one_command_gives_a_bundle_of_its_run_that_was_verified(
    in_workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / "run", tmp_path / "part.taktsight"
    given = ["learn", "training.yaml", "--run", str(run), "--out", str(out)]
    called = ["--name", "Flange M8", "--bundle-version", "4", "--expires", "2999-12-31"]
    assert main([*given, *called, f"--data.cache_dir={tmp_path / 'cache'}", "--trainer.max_epochs=3"]) == 0
    said = capsys.readouterr().out
    assert "as the card says" in said  # verify was the last to speak
    assert [word for word in said.splitlines()[-1].split() if word.isalpha()] == [
        *("seconds", "train", "evaluate", "export", "verify")
    ]
    card = read_bundle(out).card
    assert (card.name, card.version, card.expires) == ("Flange M8", 4, date(2999, 12, 31))
    assert card.origin.weights == open_run(run).weights_digest
    assert (run / "evaluation" / "report.html").is_file()


def test_bundle_that_does_not_verify_is_not_left_on_the_disk(
    in_workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "part.taktsight"
    exported = export.main

    def export_onto_a_failing_disk(arguments: argparse.Namespace) -> int:
        status = exported(arguments)
        content = bytearray(out.read_bytes())
        content[len(content) // 2] ^= 1
        out.write_bytes(content)
        return status

    monkeypatch.setattr(export, "main", export_onto_a_failing_disk)
    given = ["learn", "training.yaml", "--run", str(tmp_path / "run"), "--out", str(out)]
    assert main([*given, f"--data.cache_dir={tmp_path / 'cache'}", "--trainer.max_epochs=1"]) == 1
    assert "part.taktsight" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--out", "old.taktsight"], "is there already"),
        (["--out", "new", "--key", "none.pem"], "no such key"),
        (["--out", "new", "--bundle-version", "0"], "must be 1 to 1000000"),
        (["--out", "new", "--expires", "2020-01-01"], "is over"),
        (["--out", "new", "--name", " flange"], "without spaces around it"),
    ],
)
def test_what_would_stop_it_at_the_end_stops_it_before_the_training(
    more: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.taktsight").write_bytes(b"")
    Path("training.yaml").write_text("model: {}\n")
    assert main(["learn", "training.yaml", "--run", "run", *more]) == 2
    assert words in capsys.readouterr().err
    assert not Path("run").exists()
