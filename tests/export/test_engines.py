"""A bundle on other engines and in other precisions: proved and shown, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taktsight.bundle import read_bundle, write_bundle
from taktsight.cli import main
from taktsight.errors import BackendError, ConfigError
from taktsight.export import build
from taktsight.export.quantize import quantise
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.engines import engine_named, proper_names
from taktsight.inspect.fit import check_proof

from ..cards import make_card, make_parity

pytest.importorskip("openvino")
pytest.importorskip("nncf")

ENGINES = ("onnxruntime:f32", "openvino:f32")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def kept(in_workshop: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The workshop's model in place of the exporter's, which takes ten seconds to give the same."""
    model = read_bundle(Path("part.taktsight")).model
    monkeypatch.setattr(build, "to_onnx", lambda network, canvas: model)
    return model


@pytest.fixture
def proved(kept: bytes, shelf: Path) -> Path:
    """A bundle proved on two engines, one named twice, made once, with its report beside it."""
    bundle = shelf / "part.taktsight"
    if not bundle.is_file():
        line = ["export", "run", "--out", str(bundle), "--report", str(shelf / "parity")]
        assert main([*line, "--engine", "openvino", "--engine", "openvino:f32:cpu"]) == 0
    return bundle


def test_every_engine_that_was_asked_for_is_on_the_card_by_the_name_that_a_station_looks_for(
    proved: Path,
) -> None:
    parity = read_bundle(proved).card.parity
    assert tuple(each.engine for each in parity) == ENGINES
    assert max(each.max_map_difference for each in parity) < 1e-4
    assert [each.flips for each in parity] == [0, 0]


def test_report_says_the_same_as_the_card(proved: Path, shelf: Path) -> None:
    engines = json.loads((shelf / "parity" / "parity.json").read_text())["engines"]
    assert [(each["engine"], each["flips"]) for each in engines] == [
        (parity.engine, parity.flips) for parity in read_bundle(proved).card.parity
    ]
    page = (shelf / "parity" / "parity.html").read_text()
    assert all(engine in page for engine in ENGINES)


def test_verify_replays_golden_samples_on_every_proved_engine(
    proved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(proved)]) == 0
    said = capsys.readouterr().out
    assert all(f"as the card says, {engine}" in said for engine in ENGINES)


def test_verify_with_the_run_counts_flips_again_and_shows_them(
    proved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["verify", str(proved), "--run", "run", "--engine", "openvino", "--report", str(tmp_path)]
    assert main([*line, "--parity-parts", "4"]) == 0
    assert "parity now openvino:f32: 0 of 4 flipped" in capsys.readouterr().out
    assert (tmp_path / "parity.html").is_file()


def test_flips_are_refused_with_what_to_do_and_shown(
    kept: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The workshop's network has learned for three epochs: all its scores lie near a limit."""
    line = ["export", "run", "--out", str(tmp_path / "new.taktsight"), "--engine", "onnxruntime:int8"]
    assert main([*line, "--report", str(tmp_path / "parity")]) == 1
    said = capsys.readouterr().err
    assert "onnxruntime:int8: " in said
    assert "Train on more parts like these" in said
    assert said.rstrip().endswith("Nothing was written")
    assert not (tmp_path / "new.taktsight").exists()
    assert "Every flip" in (tmp_path / "parity" / "parity.html").read_text()


def test_quantised_model_lies_in_the_bundle_and_runs(kept: bytes, tmp_path: Path) -> None:
    whole = read_bundle(Path("part.taktsight"))
    tiles = np.stack(list(whole.golden.values()))
    int8 = quantise(kept, tiles, np.full((1, len(whole.card.labels)), 0.5)).model
    proved = make_parity(engine="onnxruntime:int8", max_score_difference=0.3)
    card = whole.card.model_copy(update={"parity": (*whole.card.parity, proved)})
    write_bundle(tmp_path / "part.taktsight", card, kept, whole.golden, precisions={"int8": int8})
    models = read_bundle(tmp_path / "part.taktsight").models
    assert len(models["int8"]) < 0.5 * len(models["f32"])
    exact, short = (open_backend(engine_named(f"onnxruntime:{name}"), models) for name in ("f32", "int8"))
    apart = np.abs(exact.infer(tiles)[1] - short.infer(tiles)[1]).max()
    assert 1e-4 < apart < 0.3


def test_line_runs_only_what_was_proved() -> None:
    card = make_card(golden=(), flip_limit=0.01)
    recipe = card.own_recipe()
    check_proof("onnxruntime:f32", card, recipe)
    with pytest.raises(
        ConfigError, match=r"backend openvino:bf16: the bundle was proved on onnxruntime:f32"
    ):
        check_proof("openvino:bf16", card, recipe)


def test_recipe_says_how_many_verdicts_an_engine_may_flip() -> None:
    flips = make_parity(engine="openvino:int8", parts=1000, flips=3)
    card = make_card(golden=(), parity=(make_parity(), flips))
    with pytest.raises(ConfigError, match=r"3 of 1000 verdicts flipped .* allows max_flip_share 0$"):
        check_proof("openvino:int8", card, card.own_recipe())
    check_proof("openvino:int8", card, card.own_recipe().model_copy(update={"max_flip_share": 0.003}))


def test_precision_that_the_bundle_does_not_hold_is_refused(workshop: Path) -> None:
    models = read_bundle(workshop / "part.taktsight").models
    with pytest.raises(BackendError, match=r"openvino:int8 was asked for and the bundle holds f32 only"):
        open_backend(engine_named("openvino:int8"), models)
    with pytest.raises(BackendError, match=r"export it with --engine onnxruntime:fp16:cuda$"):
        open_backend(engine_named("onnxruntime:fp16:cuda"), models)


@pytest.mark.parametrize(
    ("said", "stated"),
    [
        ("openvino", "openvino:f32"),
        ("openvino:int8:cpu", "openvino:int8"),
        ("onnxruntime:f32:cuda", "onnxruntime:f32:cuda"),
        ("tensorrt:fp16:gpu", "tensorrt:fp16"),
        ("tensorrt:fp16:dla", "tensorrt:fp16:dla"),
    ],
)
def test_engine_has_one_name_however_it_is_said(said: str, stated: str) -> None:
    assert proper_names([said, "onnxruntime:f32", stated, "onnxruntime"]) == (stated, "onnxruntime:f32")


@pytest.mark.parametrize(
    "name", ["tensorflow:f32", "openvino:fp8", "onnxruntime:f32:tpu", "onnxruntime:f32:cuda:junk", ""]
)
def test_unknown_engine_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="such as onnxruntime:f32"):
        engine_named(name)


def test_openvino_never_computes_in_a_precision_that_was_not_asked_for(
    workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taktsight.inspect.backends import ov

    engine = ov.OpenVinoBackend(read_bundle(workshop / "part.taktsight").model)
    compiled = engine._request(1).get_compiled_model()
    assert compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"
