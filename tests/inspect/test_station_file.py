"""The backend of a station file is replaced, and nothing else of it, however the file is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.errors import ConfigError
from taktsight.inspect.config import TensorRt, load_station
from taktsight.inspect.trials.station_file import write_backend
from taktsight.inspect.trials.task import candidate

from .test_bench import measured

HEAD = """\
name: line 1   # the one at the window
bundle: part.taktsight
cameras: [{kind: folder, folder: images}]
trigger: {kind: timer, takt_ms: 100}
gate: {kind: dry_run}
"""
TAIL = """\
# below: what may not change
deadline_ms: 80
records: {folder: records}
"""
ON_A_GPU = """\
backend:
  kind: tensorrt
  precision: f32

  # as many as a view has tiles
  batch: 4
  workspace_mb: 512
  cache: "/var/cache/takt #1/engines"
  cuda_graph: false
"""


@pytest.fixture
def station(tmp_path: Path) -> Path:
    return tmp_path / "station.yaml"


def test_other_settings_of_the_same_kind_are_kept(station: Path) -> None:
    station.write_text(HEAD + ON_A_GPU + TAIL)
    write_backend(station, measured("tensorrt:fp16"))
    backend = load_station(station).backend
    assert backend == TensorRt(
        kind="tensorrt",
        precision="fp16",
        batch=4,
        workspace_mb=512,
        cache=Path("/var/cache/takt #1/engines"),
        cuda_graph=False,
    )
    text = station.read_text()
    assert text.startswith(HEAD + "backend:\n  kind: tensorrt\n")
    assert text.endswith(TAIL)


def test_settings_of_another_kind_are_not_taken_over(station: Path) -> None:
    station.write_text(HEAD + ON_A_GPU + TAIL)
    write_backend(station, measured("openvino:f32", threads=2))
    assert station.read_text() == (
        HEAD + "backend:\n  kind: openvino\n  precision: f32\n  threads: 2\n" + TAIL
    )


def test_engine_is_tried_with_the_settings_that_are_kept(station: Path) -> None:
    station.write_text(HEAD + ON_A_GPU + TAIL)
    running = load_station(station).backend
    tried = candidate("tensorrt_rtx:int8", 1, running)
    assert isinstance(tried, TensorRt)
    assert (tried.kind, tried.precision, tried.batch, tried.workspace_mb) == (
        "tensorrt_rtx",
        "int8",
        4,
        512,
    )


@pytest.mark.parametrize(
    "backend",
    [
        "backend: {kind: onnxruntime, threads: 7}",
        "backend:\n  kind: onnxruntime\n  threads: 7",
        "backend:\n  kind: onnxruntime\n  threads: 7  # seven",
        '"backend":\n  kind: onnxruntime\n\n  threads: 7',
        "backend: {\n  kind: onnxruntime,\n  threads: 7\n}",
    ],
    ids=["flow", "block", "comment", "gap", "flow of lines"],
)
@pytest.mark.parametrize("end", ["", "\n"], ids=["cut", "ended"])
def test_file_without_a_last_newline_stays_whole(backend: str, end: str, station: Path) -> None:
    station.write_text(HEAD + TAIL + backend + end)
    write_backend(station, measured(threads=2))
    assert station.read_text() == (
        HEAD + TAIL + "backend:\n  kind: onnxruntime\n  precision: f32\n  threads: 2\n"
    )


@pytest.mark.parametrize("end", ["", "\n"], ids=["cut", "ended"])
def test_station_without_a_backend_gets_one_at_its_end(end: str, station: Path) -> None:
    text = HEAD + TAIL.rstrip("\n") + end
    station.write_text(text)
    write_backend(station, measured(threads=2))
    assert station.read_text().startswith(text)
    assert load_station(station).backend.threads == 2


def test_lines_end_as_they_did(station: Path) -> None:
    station.write_bytes((HEAD + ON_A_GPU + TAIL).replace("\n", "\r\n").encode())
    write_backend(station, measured(threads=2))
    text = station.read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n")
    assert text.startswith(HEAD.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    "text",
    [
        "{name: a, bundle: b, cameras: [{kind: folder, folder: c}], trigger: {kind: timer, takt_ms: 100}, "
        "gate: {kind: dry_run}, backend: {kind: onnxruntime}, deadline_ms: 80, records: {folder: r}}\n",
        "---\n" + HEAD + TAIL + "...\n",
    ],
    ids=["one line", "ended document"],
)
def test_file_that_cannot_be_changed_in_this_way_is_not_touched(text: str, station: Path) -> None:
    """It is tried before the file is replaced: a kill in between must not leave a broken station."""
    station.write_text(text)
    before = station.stat()
    with pytest.raises(ConfigError, match=r"put in by hand:\nbackend:\n  kind: openvino"):
        write_backend(station, measured("openvino:f32"))
    assert (station.read_text(), station.stat().st_ino) == (text, before.st_ino)
    assert list(station.parent.iterdir()) == [station]


def test_link_to_a_station_file_stays_one(station: Path, tmp_path: Path) -> None:
    station.write_text(HEAD + TAIL)
    link = tmp_path / "current.yaml"
    link.symlink_to(station)
    write_backend(link, measured(threads=2))
    assert link.is_symlink()
    assert load_station(station).backend.threads == 2
