"""``taktsight bench``: every engine measured, the fastest proved one that fits picked and written down."""

from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest

from taktsight.cli import main
from taktsight.errors import BackendError, ConfigError
from taktsight.inspect.config import load_station
from taktsight.inspect.trials.choice import Measured, budget_ms, choose
from taktsight.inspect.trials.trial import open_trials

from .spots import spot_bundle

STATION = """\
name: line 1
bundle: part.taktsight  # stays as it is written
cameras:
  - {kind: folder, folder: images}
trigger: {kind: timer, takt_ms: 100}
gate: {kind: dry_run}
backend:
  kind: onnxruntime   # of last year
  threads: 7

deadline_ms: 80
records: {folder: records}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return spot_bundle(tmp_path / "part.taktsight")


def measured(engine: str = "onnxruntime:f32", **changes: object) -> Measured:
    fields: dict[str, object] = {
        "engine": engine,
        "threads": 1,
        "parts": 400,
        "p50_ms": 10.0,
        "p99_ms": 12.0,
        "p999_ms": 15.0,
        "stages_p50_ms": {"infer": 9.0},
        "cold_start_ms": 400.0,
        "rss_mb": 100.0,
        "flip_share": 0.0,
        "flip_limit": 0.0,
        "golden_mistakes": 0,
    }
    return Measured(**fields | changes)  # type: ignore[arg-type]  # as named above


def test_proved_engine_is_measured_picked_and_written_into_the_station(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station, out = tmp_path / "station.yaml", tmp_path / "bench.json"
    station.write_text(STATION)
    assert main(["bench", str(bundle), "--parts", "20", "--station", str(station), "--out", str(out)]) == 0
    assert "choice: onnxruntime:f32" in capsys.readouterr().out
    backend = load_station(station).backend
    assert (backend.kind, backend.precision) == ("onnxruntime", "f32")
    assert backend.threads != 7
    before, after = (text.split("backend:")[0] for text in (STATION, station.read_text()))
    assert before == after
    assert "deadline_ms: 80" in station.read_text()
    rows = json.loads(out.read_text())
    assert {row["parts"] for row in rows} == {20}
    assert all(0 < row["p50_ms"] <= row["p99_ms"] <= row["p999_ms"] for row in rows)


def test_nothing_is_picked_where_nothing_fits_the_budget(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(bundle), "--parts", "20", "--budget", "0.0001ms"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "no engine that the bundle was proved on fits the budget" in said


NOT_HERE = "onnxruntime:f32:cuda"


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="a GPU is here"
)
def test_proved_engine_that_does_not_open_is_named_with_its_last_word(bundle: Path) -> None:
    with (
        pytest.raises(BackendError, match=r"cuda: .*CUDAExecutionProvider was asked for"),
        open_trials(bundle, [NOT_HERE], [1], {NOT_HERE}),
    ):
        pass


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="a GPU is here"
)
def test_engine_that_was_not_proved_and_does_not_open_is_left_out_aloud(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_trials(bundle, [NOT_HERE], [1], set()) as trials:
        assert trials == []
    assert f"left out: {NOT_HERE}" in caplog.text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"flip_share": None}, "not proved"),
        ({"flip_share": 0.01}, "flips 1.00%"),
        ({"golden_mistakes": 1}, "1 golden samples differ"),
        ({"p999_ms": 41.0}, "over the budget"),
    ],
)
def test_faster_engine_is_not_picked_where_something_speaks_against_it(
    changes: dict[str, object], why: str
) -> None:
    slow, fast = measured(p999_ms=30.0), measured("openvino:bf16", **changes)
    assert fast.why_not(40.0) == why
    assert choose([fast, slow], 40.0) is slow
    assert choose([fast], 40.0) is None


@pytest.mark.parametrize(("text", "wanted"), [("40ms", 40.0), ("0.04 s", 40.0), ("2s", 2000.0)])
def test_budget_has_a_unit(text: str, wanted: float) -> None:
    assert budget_ms(text) == pytest.approx(wanted)
    with pytest.raises(ConfigError, match="give a time with its unit"):
        budget_ms(text.rstrip("ms"))
