"""What a line needs before it moves, and what it refuses to start with."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are not installed
import pytest

from taktsight.errors import ConfigError
from taktsight.inspect.children import CALM, START_NICE
from taktsight.inspect.config import load_station
from taktsight.inspect.fit import read_setup
from taktsight.recipe import load_recipe

from .place import Place
from .running_line import StartLine, taktsight
from .spots import spot_bundle

EXAMPLES = sorted((Path(__file__).parents[2] / "configs" / "stations").glob("*.yaml"))


def _flip_a_byte(place: Place) -> dict[str, object]:
    content = bytearray((place.folder / "spots.takt").read_bytes())
    content[len(content) // 2] ^= 1
    (place.folder / "spots.takt").write_bytes(content)
    return {}


def _other_label(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.1}]\n"
        "limits: [{label: dent, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _other_scale(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.2}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _other_camera(place: Place) -> dict[str, object]:
    return _other_scale(place) | {"cameras": [{"kind": "folder", "folder": "images", "name": "top"}]}


def _wrong_golden(place: Place) -> dict[str, object]:
    spot_bundle(place.folder / "spots.takt", spot_scores=0.9)
    return {}


def _recipe_of_another_product(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: lid\nviews: [{mm_per_px: 0.1}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _bundle_of_another_product(place: Place) -> dict[str, object]:
    spot_bundle(place.folder / "spots.takt", name="lid")
    return _recipe_of(place, "camera")


def _fewer_views(place: Place) -> dict[str, object]:
    spot_bundle(place.folder / "spots.takt", views=("top", "side"))
    return _recipe_of(place, "camera")


def _recipe_of(place: Place, *cameras: str) -> dict[str, object]:
    """A recipe that looks with these cameras, and a station that has them."""
    views = ", ".join(f"{{camera: {camera}, mm_per_px: 0.1}}" for camera in cameras)
    (place.folder / "recipe.yaml").write_text(
        f"product: spots\nviews: [{views}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    given = [{"kind": "folder", "folder": "images", "name": camera} for camera in cameras]
    return {"recipe": "recipe.yaml", "cameras": given}


def _too_large_region(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.1, roi_px: [0, 0, 640, 480]}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _endless(name: str, value: object) -> dict[str, object]:
    """What ends the process that reckons with it."""
    return {"records": {"folder": "records", "images": {name: value}}}


def _gate(**values: object) -> dict[str, object]:
    return {"kind": "gpio", "pass_line": 1, "delay_ms": 600, "width_ms": 20} | values


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_other_label, "the bundle has no label dent"),
        (_other_scale, "views.mm_per_px of camera is 0.2"),
        (_other_camera, "no camera of station"),
        (_recipe_of_another_product, "recipe.yaml: is for the product 'lid', and "),
        (_bundle_of_another_product, "spots.takt is a bundle of 'lid': name those of one product"),
        (_bundle_of_another_product, "'taktsight export --name'"),
        (_fewer_views, "measured on parts seen from 2 views, and the recipe has 1"),
        (lambda place: {"deadline_s": 3}, "did you mean 'deadline_ms'"),
        (lambda place: {"gate_margin_ms": 500}, "leaves nothing of deadline_ms"),
        (lambda place: {"recipe": "lost.yaml"}, "lost.yaml: there is no such file"),
        (lambda place: {"cameras": [{"kind": "folder", "folder": "a"}] * 2}, "camera stands twice"),
        (lambda place: _endless("max_age_days", 1_000_000), "records.images.max_age_days"),
        (lambda place: _endless("max_age_days_of", {"PASS": 1e9}), "records.images.max_age_days_of"),
        (lambda place: _endless("max_mb", math.inf), "records.images.max_mb"),
        (lambda place: _endless("reserve_mb", 1e300), "records.images.reserve_mb"),
        (lambda place: {"max_skew_ms": math.inf}, "max_skew_ms"),
        (lambda place: {"gate": _gate(late_ms=math.inf)}, "gate.gpio.late_ms"),
    ],
)
def test_station_that_contradicts_itself_is_refused_in_one_sentence(
    place: Place, fault: Callable[[Place], dict[str, object]], said: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_setup(load_station(place.write(**fault(place))), date(2026, 7, 1))


@pytest.mark.parametrize("views", [("camera",), ("top", "side")])
def test_recipe_may_look_from_more_sides_than_the_bundle_was_measured_on(
    place: Place, views: tuple[str, ...]
) -> None:
    spot_bundle(place.folder / "spots.takt", views=views)
    station = load_station(place.write(**_recipe_of(place, "left", "right", "top")))
    assert len(read_setup(station, date(2026, 7, 1)).recipe.views) == 3


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (_flip_a_byte, 1, "copy"),
        (_too_large_region, 2, "leaves the frame of 64×64"),
        (_wrong_golden, 1, "golden/spot.png scores"),
        (lambda place: {"bundle": "lost.takt"}, 1, "lost.takt"),
        (lambda place: {"cameras": [{"kind": "folder", "folder": "lost"}]}, 1, "lost is neither a folder"),
    ],
)
def test_line_that_cannot_start_says_why_before_anything_moves(
    place: Place, fault: Callable[[Place], dict[str, object]], status: int, said: str
) -> None:
    ended = taktsight("run", place.write(**fault(place)))
    assert ended.returncode == status, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert place.gate() == []


def test_line_needs_no_torch_and_little_memory(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 20)
    parent = psutil.Process(line.process.pid)
    resident_mb = parent.memory_info().rss / 1e6
    for process in (parent, *parent.children()):
        loaded = {Path(mapping.path).name for mapping in process.memory_maps()}
        assert not [name for name in loaded if "torch" in name]
    libraries = " ".join(mapping.path for mapping in parent.memory_maps())
    assert "onnxruntime" not in libraries
    assert "cv2" not in libraries
    line.stop()
    assert resident_mb <= 200


def test_everything_here_imports_where_torch_is_not_installed() -> None:
    program = """
import importlib, pkgutil, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {'torch', 'lightning', 'torchvision', 'taktsight.training'}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import taktsight.inspect
names = [m.name for m in pkgutil.walk_packages(taktsight.inspect.__path__, 'taktsight.inspect.')]
for folder in ('cameras', 'triggers', 'gates', 'backends', 'commands'):
    package = importlib.import_module(f'taktsight.inspect.{folder}')
    names += [m.name for m in pkgutil.iter_modules(package.__path__, package.__name__ + '.')]
for name in names:
    importlib.import_module(name)
assert len(names) > 25, names
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_opencv_heeds_how_many_threads_it_gets_in_a_process_of_the_line() -> None:
    command = [sys.executable, "-c", "import cv2; print(cv2.getNumThreads())"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | CALM).stdout
    assert int(said) == max(1, len(os.sched_getaffinity(0)) // 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may come before others")
def test_processes_that_began_in_a_hurry_are_as_nice_as_before_once_they_are_ready(
    place: Place, start_line: StartLine
) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.child("vision") is not None and line.child("recorder") is not None)
    children = [child for name in ("vision", "recorder") if (child := line.child(name)) is not None]
    line.wait_until(lambda: line.meters["armed_ns"] > 0 or min(map(niceness, children)) == START_NICE)
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    tasks = [task for child in children for task in Path(f"/proc/{child}/task").iterdir()]
    assert len(tasks) > len(children), "vision has threads"
    assert {niceness(int(task.name)) for task in tasks} == {usual}
    line.stop()


def listens_to_signals(process_id: int) -> bool:
    """Whether it has a handler for SIGTERM, as a line has from the beginning of its work."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))


def niceness(process_or_thread: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, process_or_thread)


def test_line_that_is_stopped_while_it_starts_ends_at_once(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")  # it has its meters now, so it listens to signals soon
    line.wait_until(lambda: line.child("recorder") is not None and listens_to_signals(line.process.pid))
    asked_at = time.monotonic()
    status, _, err = line.stop()
    assert status == 0, err
    assert time.monotonic() - asked_at < 10
    assert [outcome for _, outcome in place.gate() if outcome == "UNINSPECTED"] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_stations_and_recipes_have_no_mistake(example: Path) -> None:
    station = load_station(example)
    if station.recipe is not None:
        recipe = load_recipe(station.recipe)
        assert {view.camera for view in recipe.views} == {camera.name for camera in station.cameras}
        assert recipe.product == station.bundle.stem  # a bundle is named after its run, as make demo does
