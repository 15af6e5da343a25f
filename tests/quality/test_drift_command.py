"""``taktsight drift`` on a ledger: learn, watch, show, clear."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.cli import main
from taktsight.quality.drift_records import suspended_reason
from taktsight.records import Image

from .drifting import logit_shift, stream
from .recorded_parts import write_ledger


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_ledger(tmp_path / "records", stream(600, 0))


def drift(*arguments: object) -> int:
    return main(["drift", *map(str, arguments)])


def test_a_drift_is_said_once_suspends_and_is_cleared(
    records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift("learn", records, "--arl0", 2000) == 0
    said = capsys.readouterr().out
    assert "600 parts of station press 4" in said
    assert "600 parts are few" in said
    assert drift("watch", records) == 0
    assert "0 parts since the reference, 0 alarms" in capsys.readouterr().out
    write_ledger(records, stream(300, 1, first=601, change=logit_shift("crack", 1.5)))
    file = tmp_path / "drift.json"
    assert drift("watch", records, "--json", file) == 1
    said = capsys.readouterr().out
    found = re.search(r"product: score of crack \(camera top\) rose from .* alarm ([0-9a-f]{12})", said)
    assert found is not None
    written = json.loads(file.read_text())
    assert written["parts"] == 300
    assert written["alarms"][0]["cause"] == "product"
    assert suspended_reason(records) is not None
    assert drift("watch", records) == 1  # it still stands, and is not written again
    assert f"suspended {found[1]}" in capsys.readouterr().out
    assert drift("show", records) == 1
    for line in re.findall(r"suspended ([0-9a-f]{12})", capsys.readouterr().out):
        drift("clear", records, line, "--by", "Anna", "--why", "new steel; 200 parts measured again")
    assert suspended_reason(records) is None
    assert drift("show", records) == 0


def test_a_dry_run_writes_nothing(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drift("learn", records, "--arl0", 2000) == 0
    write_ledger(records, stream(100, 1, first=601, change=logit_shift("crack", 2.5)))
    assert drift("watch", records, "--dry-run") == 1
    assert "score of crack" in capsys.readouterr().out
    assert suspended_reason(records) is None


def test_a_stain_on_the_lens_is_found_in_kept_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    drawn = cv2.GaussianBlur(rng.integers(60, 200, (240, 320)).astype(np.uint8), (0, 0), 9)

    def frame(*, stained: bool) -> Image:
        seen = drawn * (1 + 0.02 * rng.normal())
        if stained:
            seen[100:130, 160:200] *= 0.9
        noisy = np.clip(seen + 2 * rng.normal(size=drawn.shape), 0, 255)
        return np.asarray(noisy[:, :, np.newaxis], np.uint8)

    kept = {trigger: frame(stained=False) for trigger in range(1, 601, 20)}
    records = write_ledger(tmp_path / "records", stream(600, 0), kept)
    assert drift("learn", records, "--arl0", 2000) == 0
    assert "dirt and looks of camera top: 30 frames" in capsys.readouterr().out
    kept = {trigger: frame(stained=True) for trigger in range(601, 1001, 20)}
    write_ledger(records, stream(400, 1, first=601), kept)
    assert drift("watch", records) == 1
    said = capsys.readouterr().out
    assert re.search(r"lens dirt: a place of camera top, x 160–200 and y 100–130 px, is \d+% darker", said)
    assert "clean the lens" in said


def test_a_followed_ledger_is_read_on_while_a_line_writes_it(records: Path) -> None:
    assert drift("learn", records, "--arl0", 2000) == 0
    command = [sys.executable, "-m", "taktsight.cli", "drift", "watch", str(records), "--follow"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as watching:
        try:
            for start in (601, 651, 701):  # while it looks, and before it does
                write_ledger(records, stream(50, start, first=start, change=logit_shift("crack", 2.5)))
            assert watching.stdout is not None
            assert "score of crack (camera top) rose" in watching.stdout.readline()
        finally:
            watching.send_signal(signal.SIGINT)
            watching.communicate()  # it may be saying more; into a closed pipe it could not
    assert watching.returncode == 130
    assert "score of crack" in (suspended_reason(records) or "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["learn", "--parts", 50], "50 parts are too few"),
        (["learn", "--run", "2019"], "has no part of such a run"),
        (["learn", "--arl0", 5], "ARL₀ of 5 parts is none"),
        (["watch"], "reference.json: cannot be read"),
        (
            ["watch", "--json", "x.json", "--follow", "--reference", "records/reference.json"],
            "cannot be read",
        ),
        (["clear"], "ALARM, --by and --why"),
        (["clear", "0123456789ab", "--by", "A", "--why", "b"], "there is no open alarm 0123456789ab"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    records: Path, capsys: pytest.CaptureFixture[str], arguments: list[object], says: str
) -> None:
    assert drift(arguments[0], records, *arguments[1:]) != 0
    assert says in capsys.readouterr().err
