"""``taktsight bench``: every engine measured, the fastest proved one that fits picked and written down."""

from __future__ import annotations

import json
import os
from pathlib import Path

import onnxruntime
import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.errors import BackendError, ConfigError
from taktsight.inspect.commands.bench import flip_limit
from taktsight.inspect.config import load_station
from taktsight.inspect.trials import trial
from taktsight.inspect.trials.choice import Measured, budget_ms, choose
from taktsight.inspect.trials.task import Task, candidate
from taktsight.inspect.trials.trial import Trial, open_trials

from ..kernel.conftest import pem_pair
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
    said = json.loads(out.read_text())
    rows, cycle = said["engines"], said["cycle"]
    assert said["choice"].startswith("onnxruntime:f32, ")
    assert cycle["uninspected"] == 0
    assert cycle["parts"] == 60
    assert 0 < cycle["p50_ms"] <= cycle["p99_ms"] <= cycle["p999_ms"]
    assert {row["parts"] for row in rows} == {20}
    assert all(0 < row["p50_ms"] <= row["p99_ms"] <= row["p999_ms"] for row in rows)


def test_station_that_runs_another_bundle_is_refused_and_stays_as_it_is(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = spot_bundle(tmp_path / "other.taktsight", version=2)
    station = tmp_path / "station.yaml"
    station.write_text(STATION)
    assert main(["bench", str(other), "--parts", "20", "--station", str(station)]) == 2
    assert "measure the station's own, or put this one there first" in capsys.readouterr().err
    assert station.read_text() == STATION


def test_keys_of_the_station_are_asked_for(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unsigned network must not reach an engine's parser because somebody only measures it."""
    _, public = pem_pair(tmp_path, "plant")
    station = tmp_path / "station.yaml"
    station.write_text(STATION + f"allowed_keys: [{public.name}]\n")
    asked = ["bench", str(bundle), "--parts", "20"]
    assert main([*asked, "--allowed-key", str(public)]) == 1
    assert "signed" in capsys.readouterr().err
    assert main([*asked, "--station", str(station)]) == 1
    assert "signed" in capsys.readouterr().err
    assert main([*asked, "--station", str(station), "--allowed-key", str(public)]) == 2
    assert "has its own allowed_keys: leave --allowed-key out" in capsys.readouterr().err


def test_recipe_of_the_station_says_how_much_may_have_flipped(bundle: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "product: spots\nviews: [{mm_per_px: 0.1}]\nmax_flip_share: 0.03\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    (tmp_path / "station.yaml").write_text(STATION + "recipe: recipe.yaml\n")
    card = read_bundle(bundle).card
    assert flip_limit(load_station(tmp_path / "station.yaml"), card) == 0.03
    assert flip_limit(None, card) == card.flip_limit == 0.0


def test_nothing_is_picked_where_nothing_fits_the_budget(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(bundle), "--parts", "20", "--budget", "0.0001ms"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "no engine that the bundle was proved on fits the budget" in said


NOT_HERE = "onnxruntime:f32:cuda"


def task(bundle: Path, name: str = "onnxruntime:f32", threads: int = 1, **changes: object) -> Task:
    fields: dict[str, object] = {
        "bundle": bundle,
        "bundle_digest": read_bundle(bundle).digest,
        "engine": candidate(name, threads, None),
    }
    return Task(**fields | changes)  # type: ignore[arg-type]  # as named above


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="a GPU is here"
)
def test_proved_engine_that_does_not_open_is_named_with_its_last_word(bundle: Path) -> None:
    with (
        pytest.raises(BackendError, match=r"cuda: .*CUDAExecutionProvider was asked for"),
        open_trials([task(bundle, NOT_HERE)], {NOT_HERE}),
    ):
        pass


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="a GPU is here"
)
def test_engine_that_was_not_proved_and_does_not_open_is_left_out_aloud(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_trials([task(bundle, NOT_HERE)], set()) as trials:
        assert trials == []
    assert f"left out: {NOT_HERE}" in caplog.text


def test_bundle_that_took_the_place_of_the_verified_one_is_not_run(bundle: Path, tmp_path: Path) -> None:
    verified = task(bundle)
    spot_bundle(bundle, version=2)
    with pytest.raises(BackendError, match="is another bundle than was verified before"):
        Trial(verified)
    _, public = pem_pair(tmp_path, "plant")
    with pytest.raises(BackendError, match=r"BundleError: .*part\.taktsight"):
        Trial(task(bundle, allowed_keys=(public,)))


TALKER = """
import json, os, sys, time
from pathlib import Path
task = json.loads(sys.argv[1])
Path(task["bundle"]).with_name(f"pid{task['engine']['threads']}").write_text(str(os.getpid()))
sys.stderr.write("a warning\\n" * 100_000)
sys.stderr.flush()
if task["engine"]["threads"] == 3:
    print("no answer", flush=True)
    time.sleep(60)
if task["engine"]["threads"] == 2:
    sys.exit("RuntimeError: out of memory")
print(json.dumps({"first_verdict_ns": time.monotonic_ns()}))
print(json.dumps({"mistakes": []}), flush=True)
for line in sys.stdin:
    if line == "99\\n":
        sys.exit("RuntimeError: driver lost")
    sys.stderr.write("a warning\\n" * 100_000)
    print(json.dumps({"stages_ns": [{"whole": 1}] * int(line), "rss_mb": 1.0}), flush=True)
"""


@pytest.fixture
def talker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial's process that says more on its standard error than a pipe holds."""
    (tmp_path / "talker.py").write_text(TALKER)
    monkeypatch.setattr(trial, "MODULE", "talker")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


def is_running(bundle: Path, threads: int) -> bool:
    pid = int(bundle.with_name(f"pid{threads}").read_text())
    return Path(f"/proc/{pid}").exists()


@pytest.mark.timeout(60)
def test_engine_that_warns_without_end_keeps_nobody_waiting(bundle: Path, talker: None) -> None:
    with open_trials([task(bundle)], set()) as trials:
        for _ in range(3):
            trials[0].judge(5)
        assert trials[0].measured(read_bundle(bundle).card, 0.0).parts == 15
        with pytest.raises(BackendError, match=r"onnxruntime:f32: RuntimeError: driver lost"):
            trials[0].judge(99)
        with pytest.raises(BackendError, match="driver lost"):
            trials[0].judge(1)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("threads", "why"), [(2, "out of memory"), (3, "answered 'no answer'")])
def test_no_process_is_left_behind_where_one_of_them_fails(
    threads: int, why: str, bundle: Path, talker: None
) -> None:
    tasks = [task(bundle, threads=count) for count in (1, threads)]
    with pytest.raises(BackendError, match=why), open_trials(tasks, {"onnxruntime:f32"}):
        pass
    assert [is_running(bundle, count) for count in (1, threads)] == [False, False]
    with open_trials(tasks, set()) as trials:
        assert [each.threads for each in trials] == [1]
    assert not is_running(bundle, 1)


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
