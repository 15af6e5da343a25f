"""``verify`` replays golden samples where it can, says where it cannot, and fails where nobody judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from taktsight.bundle import read_bundle, write_bundle
from taktsight.cli import main
from taktsight.errors import BackendError
from taktsight.inspect import engines
from taktsight.inspect.backends import backend
from taktsight.inspect.backends.backend import Backend, engine_name
from taktsight.inspect.config import Engine

from ..cards import make_parity
from ..inspect.spots import spot_bundle

NO_BF16 = "bf16 was asked for and this processor computes FP32 only"
Said = pytest.CaptureFixture[str]


def proved_on(path: Path, *names: str) -> Path:
    """A bundle whose card says so."""
    whole = read_bundle(spot_bundle(path))
    parity = tuple(make_parity(engine=name) for name in names)
    write_bundle(path, whole.card.model_copy(update={"parity": parity}), whole.model, whole.golden)
    return path


@pytest.fixture
def poor_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine is installed, and those of OpenVINO do not run on this processor."""
    real = backend.open_backend

    def open_backend(engine: Engine, models: Mapping[str, bytes]) -> Backend:
        if engine_name(engine).startswith("openvino"):
            raise BackendError(NO_BF16)
        return real(engine, models)

    monkeypatch.setattr(backend, "open_backend", open_backend)
    monkeypatch.setattr(engines, "installed", lambda name: True)


def test_engine_that_does_not_run_here_is_left_out_with_its_reason(
    poor_machine: None, tmp_path: Path, capsys: Said
) -> None:
    bundle = proved_on(tmp_path / "spots.takt", "onnxruntime:f32", "openvino:bf16")
    assert main(["verify", str(bundle)]) == 0
    said = capsys.readouterr().out
    assert f"golden     openvino:bf16 is left out: {NO_BF16}" in said
    assert "golden     2 of 2 as the card says, onnxruntime:f32" in said


def test_engine_that_was_asked_for_and_does_not_run_here_is_an_error(
    poor_machine: None, tmp_path: Path, capsys: Said
) -> None:
    bundle = proved_on(tmp_path / "spots.takt", "onnxruntime:f32", "openvino:bf16")
    assert main(["verify", str(bundle), "--engine", "openvino:bf16"]) == 1
    assert NO_BF16 in capsys.readouterr().err


def test_bundle_that_no_engine_here_judged_does_not_verify(
    poor_machine: None, tmp_path: Path, capsys: Said
) -> None:
    bundle = proved_on(tmp_path / "spots.takt", "openvino:f32", "openvino:bf16")
    assert main(["verify", str(bundle)]) == 1
    assert "so no golden sample was judged here" in capsys.readouterr().err


def test_bundle_whose_engines_are_not_installed_does_not_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setattr(engines, "installed", lambda name: False)
    assert main(["verify", str(proved_on(tmp_path / "spots.takt", "openvino:f32"))]) == 1
    heard = capsys.readouterr()
    assert "openvino:f32 is left out: it is not installed on this machine" in heard.out
    assert "so no golden sample was judged here" in heard.err


def test_engine_whose_network_the_bundle_lacks_is_not_this_machines_fault(
    poor_machine: None, tmp_path: Path, capsys: Said
) -> None:
    bundle = proved_on(tmp_path / "spots.takt", "onnxruntime:f32", "openvino:int8")
    assert main(["verify", str(bundle)]) == 1
    assert "openvino:int8 was asked for and the bundle holds f32 only" in capsys.readouterr().err


def test_engine_is_verified_by_any_of_its_names(tmp_path: Path, capsys: Said) -> None:
    bundle = proved_on(tmp_path / "spots.takt", "onnxruntime:f32")
    assert main(["verify", str(bundle), "--engine", "onnxruntime", "--engine", "onnxruntime:f32:cpu"]) == 0
    assert capsys.readouterr().out.count("as the card says, onnxruntime:f32\n") == 1
