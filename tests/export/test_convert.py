"""What others run gives the answers of the line: a Triton repository, and plain ONNX with its example."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import main
from taktsight.imaging import Canvas
from taktsight.inspect.inspector import GOLDEN_TOLERANCE

from .small_bundles import LABELS, write_small_bundle

ROOT = Path(__file__).parents[2]
MONO = Canvas(64, 96, 1, 1, 32)
CANVASES = {
    "mono": (MONO, (64, 96)),
    "smaller than the canvas": (MONO, (50, 70)),
    "colour, halved twice": (Canvas(64, 64, 3, 4, 32), (250, 230)),
    "halved, in tiles": (Canvas(64, 64, 3, 2, 32), (301, 421)),
    "against a template": (Canvas(64, 64, 3, 2, 32, paired=True), (128, 128)),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_small_bundle(tmp_path / "part.taktsight", MONO, (64, 96))
    return tmp_path / "part.taktsight"


def run_example(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With ONNX Runtime and OpenCV alone: whatever else it imports is not there."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "for name in ('taktsight', 'torch', 'onnx', 'pydantic', 'scipy'):\n"
        "    sys.modules[name] = None\n",
        encoding="utf-8",
    )
    return subprocess.run(
        [sys.executable, "example.py", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", CANVASES)
def test_example_gives_the_golden_scores_with_onnxruntime_and_opencv_alone(
    kind: str, tmp_path: Path
) -> None:
    canvas, size = CANVASES[kind]
    write_small_bundle(tmp_path / "part.taktsight", canvas, size)
    assert main(["convert", str(tmp_path / "part.taktsight"), str(tmp_path / "out"), "--to", "onnx"]) == 0
    done = run_example(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_example_takes_the_worst_of_several_views(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "part.taktsight", MONO, (64, 96), views=("left", "right"))
    assert main(["convert", str(tmp_path / "part.taktsight"), str(tmp_path / "out"), "--to", "onnx"]) == 0
    done = run_example(tmp_path / "out")
    assert done.returncode == 0, done.stderr


def test_example_replays_a_bundle_that_was_really_trained(workshop: Path, tmp_path: Path) -> None:
    assert main(["convert", str(workshop / "part.taktsight"), str(tmp_path / "out"), "--to", "onnx"]) == 0
    done = run_example(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    image = next((workshop / "learn" / "images" / "good").glob("*.png"))
    done = run_example(tmp_path / "out", str(image))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in ("PASS", "REVIEW", "REJECT")


@pytest.mark.parametrize(
    "fault", ["wrong score", "wrong verdict", "other resize", "no padding by the edge"]
)
def test_example_fails_where_it_is_fed_otherwise(fault: str, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "part.taktsight", Canvas(64, 64, 3, 2, 32), (101, 121))
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "part.taktsight"), str(out), "--to", "onnx"]) == 0
    text = {name: (out / name).read_text(encoding="utf-8") for name in ("example.py", "model.json")}
    card = json.loads(text["model.json"])
    if fault == "wrong score":
        card["golden"][0]["scores"][0] -= 2 * GOLDEN_TOLERANCE
    if fault == "wrong verdict":
        card["golden"][0]["outcome"] = "PASS" if card["golden"][0]["outcome"] != "PASS" else "REJECT"
    (out / "model.json").write_text(json.dumps(card), encoding="utf-8")
    example = text["example.py"]
    if fault == "other resize":
        example = example.replace("INTER_AREA", "INTER_NEAREST")
    if fault == "no padding by the edge":
        example = example.replace("BORDER_REPLICATE", "BORDER_CONSTANT")
    (out / "example.py").write_text(example, encoding="utf-8")
    done = run_example(out)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr


def change_json(file: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_example_allows_what_processors_round_otherwise(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["convert", str(bundle), str(out), "--to", "onnx"]) == 0

    def round_otherwise(card: Any) -> None:
        card["golden"][0]["scores"][0] -= GOLDEN_TOLERANCE / 2

    change_json(out / "model.json", round_otherwise)
    done = run_example(out)
    assert done.returncode == 0, done.stderr


def test_example_and_pages_allow_what_the_line_allows() -> None:
    pages = [ROOT / "export" / name for name in ("plain_example.txt", "plain_readme.txt")]
    said = [file.read_text(encoding="utf-8") for file in (*pages, ROOT / "docs" / "interop.md")]
    said[2] = said[2][said[2].index("**Plain ONNX**") :]
    assert all(f"{GOLDEN_TOLERANCE:g}" in text for text in said)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("size", [(64, 64), (150, 64)], ids=["one tile", "one of three tiles"])
def test_example_passes_no_part_whose_scores_are_no_scores(
    broken: float, size: tuple[int, int], tmp_path: Path
) -> None:
    """On a black tile the network's scores are what they were, on a brighter one they are broken."""
    write_small_bundle(tmp_path / "part.taktsight", Canvas(64, 64, 1, 1, 32), size)
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "part.taktsight"), str(out), "--to", "onnx"]) == 0
    (out / "model.onnx").write_bytes(broken_where_bright((out / "model.onnx").read_bytes(), broken))
    image = np.zeros(size, np.uint8)
    image[-4:] = 255
    cv2.imwrite(str(out / "part.png"), image)
    easy = {"reject_score": 0.99, "review_score": 0.99}

    def tolerate(card: Any) -> None:
        card["limits"] = [limit | easy for limit in card["limits"]]

    change_json(out / "model.json", tolerate)
    done = run_example(out, "part.png")
    assert done.stdout.split()[0] == "UNINSPECTED", done.stderr
    assert run_example(out).returncode != 0  # nor do its golden samples verify


def broken_where_bright(content: bytes, broken: float) -> bytes:
    """The model with ``broken`` in the place of its scores where a pixel is white."""
    model = onnx.load_model_from_string(content)
    model.graph.node[-1].output[0] = "whole"
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in (("white", 255.0), ("broken", broken))
    )
    model.graph.node.extend(
        [
            onnx.helper.make_node("ReduceMax", ["planes"], ["brightest"], keepdims=1),
            onnx.helper.make_node("Equal", ["brightest", "white"], ["is_white"]),
            onnx.helper.make_node("Squeeze", ["is_white"], ["decides"]),
            onnx.helper.make_node("Where", ["decides", "broken", "whole"], ["scores"]),
        ]
    )
    return bytes(model.SerializeToString())


def test_readme_says_how_to_feed_it_in_about_twenty_lines(bundle: Path, tmp_path: Path) -> None:
    assert main(["convert", str(bundle), str(tmp_path / "out"), "--to", "onnx"]) == 0
    said = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "uint8 (N, 64, 96, 1)" in said
    assert "pit, crack" in said
    assert read_bundle(bundle).digest in said
    assert len(said.splitlines()) <= 26
    assert (tmp_path / "out" / "model.onnx").read_bytes() == read_bundle(bundle).model


def parsed(config: str) -> Any:
    """By Triton's own schema; what it does not know is an error."""
    schema = pytest.importorskip(
        "tritonclient.grpc.model_config_pb2", reason="tritonclient is not installed"
    )
    from google.protobuf import text_format

    return text_format.Parse(config, schema.ModelConfig())


def served(bundle: Path, out: Path, *more: str) -> Any:
    assert main(["convert", str(bundle), str(out), "--to", "triton", *more]) == 0
    return parsed((out / "flange" / "config.pbtxt").read_text(encoding="utf-8"))


def test_config_is_what_tritons_schema_reads(bundle: Path, tmp_path: Path) -> None:
    config = served(bundle, tmp_path / "out")
    assert (config.name, config.backend, config.max_batch_size) == ("flange", "onnxruntime", 8)
    (images,) = config.input
    assert (images.name, images.data_type, list(images.dims)) == ("images", 2, [64, 96, 1])  # TYPE_UINT8
    maps, scores = config.output
    assert (maps.name, maps.data_type, list(maps.dims)) == ("maps", 11, [2, 32, 48])  # TYPE_FP32
    assert (scores.name, scores.data_type, list(scores.dims)) == ("scores", 11, [2])
    assert config.instance_group[0].kind == type(config.instance_group[0]).KIND_CPU
    assert not config.HasField("dynamic_batching")
    assert config.parameters["bundle_digest"].string_value == read_bundle(bundle).digest


def test_config_names_what_lies_beside_it(bundle: Path, tmp_path: Path) -> None:
    config = served(bundle, tmp_path / "out")
    folder = tmp_path / "out" / config.name
    assert (folder / config.output[1].label_filename).read_text().split() == list(LABELS)
    assert (folder / "1" / "model.onnx").read_bytes() == read_bundle(bundle).model
    session = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == [value.name for value in config.input]
    assert [value.name for value in session.get_outputs()] == [value.name for value in config.output]


def test_gpu_instances_and_joined_requests_are_said(bundle: Path, tmp_path: Path) -> None:
    more = ["--device", "gpu", "--instances", "2", "--max-batch", "32", "--max-queue-delay-us", "2000"]
    config = served(bundle, tmp_path / "out", *more)
    assert config.instance_group[0].kind == type(config.instance_group[0]).KIND_GPU
    assert config.instance_group[0].count == 2
    assert config.max_batch_size == 32
    assert config.dynamic_batching.max_queue_delay_microseconds == 2000


def test_model_of_a_fixed_batch_is_served_with_its_batch_among_the_dims(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "part.taktsight", MONO, (64, 96), batch=1)
    config = served(tmp_path / "part.taktsight", tmp_path / "out")
    assert config.max_batch_size == 0
    assert [list(value.dims) for value in config.input] == [[1, 64, 96, 1]]
    assert [list(value.dims) for value in config.output] == [[1, 2, 32, 48], [1, 2]]


@pytest.mark.parametrize(
    "name", ["..", "../../up", 'a" max_batch_size: 0 #', "two\nlines: 1", "Schraube größer M8"]
)
def test_name_on_the_card_leaves_neither_its_folder_nor_its_quotes(name: str, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "part.taktsight", MONO, (64, 96), name=name)
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "part.taktsight"), str(out), "--to", "triton"]) == 0
    assert sorted(tmp_path.iterdir()) == sorted([*before, out])
    (folder,) = out.iterdir()
    config = parsed((folder / "config.pbtxt").read_text(encoding="utf-8"))
    assert (config.name, config.max_batch_size) == (folder.name, 8)


def test_requests_cannot_share_a_batch_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_small_bundle(tmp_path / "part.taktsight", MONO, (64, 96), batch=1)
    asked = ["convert", str(tmp_path / "part.taktsight"), str(tmp_path / "out"), "--to", "triton"]
    assert main([*asked, "--max-queue-delay-us", "100"]) == 2
    assert "cannot share a batch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_batch_size", "max_batchsize"),
        ("TYPE_UINT8", "TYPE_BYTE"),
        ("dims: [ 64", "dims: [ sixty-four"),
        ("KIND_CPU", "KIND_TPU"),
        ("instance_group [", "instance_group ("),
        ('name: "maps"', "name: maps"),
        ('backend: "onnxruntime"', 'engine: "onnxruntime"'),
        ("count: 1", "count: one"),
    ],
)
def test_mistake_in_the_config_is_caught_by_the_schema(
    bundle: Path, tmp_path: Path, old: str, new: str
) -> None:
    served(bundle, tmp_path / "out")
    config = (tmp_path / "out" / "flange" / "config.pbtxt").read_text(encoding="utf-8")
    assert old in config
    from google.protobuf import text_format

    with pytest.raises(text_format.ParseError):
        parsed(config.replace(old, new, 1))


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("--to onnx --device gpu", "--device is for --to triton"),
        ("--to triton --instances 0", "--instances must be at least 1, got 0"),
        ("--to triton --max-queue-delay-us -1", "--max-queue-delay-us must be at least 0, got -1"),
        ("--to triton --name ../up", "must be of letters"),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_written(
    bundle: Path, tmp_path: Path, more: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(bundle), str(tmp_path / "out"), *more.split()]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_folder_that_holds_something_is_left_alone(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert main(["convert", str(bundle), str(tmp_path / "out"), "--to", "onnx"]) == 2
    assert "holds something already" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_place_that_cannot_be_written_leaves_nothing_behind(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert main(["convert", str(bundle), str(bundle / "out"), "--to", "triton"]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_damaged_bundle_is_not_converted(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert main(["convert", str(bundle), str(tmp_path / "out"), "--to", "triton"]) == 1
    assert not (tmp_path / "out").exists()
