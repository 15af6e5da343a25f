"""Basler's own SDK with its own emulated camera: images of a folder, triggers, damaged frames, removal."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.image_files import encode_png
from taktsight.inspect.cameras.camera import SelfTriggered, open_camera
from taktsight.inspect.cameras.live import triggered_camera
from taktsight.inspect.cameras.live_settings import PylonSettings
from taktsight.inspect.cameras.pylon import PylonSource
from taktsight.inspect.cameras.wired import WiredCamera
from taktsight.records import Image

from .grabbing import closing, frames_of, grab, grab_until, is_frame, reasons_of
from .place import EXPECTED, Place
from .running_line import StartLine
from .spots import SIZE_PX

pylon = pytest.importorskip("pypylon.pylon", reason="pypylon is not installed")
pytestmark = pytest.mark.timeout(method="thread")  # pylon's own timers need SIGALRM
WIDTH_PX, HEIGHT_PX = 64, 48


@pytest.fixture(autouse=True)
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cameras, 0815-0000 and 0815-0001."""
    monkeypatch.setenv("PYLON_CAMEMU", "2")


def settings(**values: object) -> PylonSettings:
    return PylonSettings.model_validate(
        {
            "kind": "pylon",
            "name": "top",
            "serial": "0815-0000",
            "pixel_format": "Mono8",
            "width_px": WIDTH_PX,
            "height_px": HEIGHT_PX,
            "trigger": "software",
        }
        | values
    )


def of_folder(folder: Path) -> dict[str, object]:
    return {"TestImageSelector": "Off", "ImageFilename": str(folder), "ImageFileMode": "On"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight images, told apart by their grey."""
    for number in range(8):
        grey = np.full((HEIGHT_PX, WIDTH_PX, 1), 20 * (number + 1), np.uint8)
        (tmp_path / f"part_{number}.png").write_bytes(encode_png(grey))
    return tmp_path


def test_parts_get_the_images_of_the_folder_in_their_order(images: Path) -> None:
    with closing(open_camera(settings(nodes=of_folder(images)), 1)) as camera:
        frames = frames_of([grab(camera, trigger) for trigger in range(1, 9)])
    greys = [int(frame.image[20, 30, 0]) for frame in frames]
    assert [frame.image.shape for frame in frames] == [(HEIGHT_PX, WIDTH_PX, 1)] * 8
    first = greys.index(20)
    assert greys[first:] + greys[:first] == [20 * number for number in range(1, 9)]
    counters = [frame.counter for frame in frames]
    assert None not in counters
    assert np.diff(counters).tolist() == [1] * 7  # type: ignore[arg-type]


def test_camera_that_runs_freely_gives_younger_and_younger_frames() -> None:
    with closing(open_camera(settings(trigger="free", fps=50), 1)) as camera:
        frames = frames_of(
            grab_until(camera, is_frame) + [grab(camera, trigger) for trigger in range(1, 21)]
        )
    captured_ns = [frame.captured_ns for frame in frames]
    assert captured_ns == sorted(set(captured_ns))


@pytest.mark.parametrize(
    ("pixel_format", "channels"), [("Mono8", 3), ("RGB8Packed", 3), ("BayerRG8", 3), ("BayerGB8", 1)]
)
def test_frames_have_the_channels_that_the_bundle_wants(pixel_format: str, channels: int) -> None:
    with closing(open_camera(settings(pixel_format=pixel_format), channels)) as camera:
        assert camera.rehearsal().shape == (HEIGHT_PX, WIDTH_PX, channels)


def test_of_twelve_bits_the_upper_eight_are_kept() -> None:
    """The emulated camera's ramp in 8 and in 12 bits: the same image."""
    assert np.array_equal(_ramp("Mono12"), _ramp("Mono8"))


def _ramp(pixel_format: str) -> Image:
    nodes = {"TestImageSelector": "Testimage1"}
    with closing(open_camera(settings(pixel_format=pixel_format, nodes=nodes), 1)) as camera:
        return camera.rehearsal()


def test_colour_of_the_folder_is_rgb(tmp_path: Path) -> None:
    red = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    red[:, :, 0] = 200
    (tmp_path / "red.png").write_bytes(encode_png(red))
    asked = settings(pixel_format="RGB8Packed", nodes=of_folder(tmp_path))
    with closing(open_camera(asked, 3)) as camera:
        assert camera.rehearsal()[20, 30].tolist() == [200, 0, 0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width_px": 9999}, "node Width does not take 9999"),
        ({"pixel_format": "Mono9"}, "node PixelFormat does not take 'Mono9'"),
        ({"nodes": {"Widht": 5}}, r"nodes\.Widht: the camera has no node Widht"),
        ({"nodes": {"Width": "wide"}}, "node Width does not take 'wide'"),
        ({"nodes": {"Width": 128}}, "nodes.Width is 64, asked for 128"),
    ],
    ids=["size", "pixels", "misspelt", "type", "contradiction"],
)
def test_what_the_camera_does_not_do_is_said(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=f"^top: .*{said}"):
        open_camera(settings(**values), 1)


def test_camera_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(CameraError, match=r"^top: camera 4711 cannot .*0815-0000, 0815-0001"):
        open_camera(settings(serial="4711"), 1)
    with pytest.raises(CameraError, match="2 cameras are there"):
        open_camera(settings(serial=None), 1)


class Bench:
    """A camera whose every connection a test can reach, to do to it what no station would."""

    def __init__(self, asked: PylonSettings) -> None:
        self.sources: list[PylonSource] = []
        self.camera = triggered_camera(asked, lambda: self._open(asked))

    def _open(self, asked: PylonSettings) -> PylonSource:
        self.sources.append(PylonSource(asked, 1))
        return self.sources[-1]

    def node(self, name: str) -> Any:
        return self.sources[-1]._camera.GetNodeMap().GetNode(name)


def test_damaged_frame_costs_its_own_part_alone() -> None:
    bench = Bench(settings())
    with closing(bench.camera) as camera:
        assert is_frame(grab(camera))
        bench.node("ForceFailedBufferCount").Value = 3
        bench.node("ForceFailedBuffer").Execute()
        grabbed = grab_until(camera, is_frame)
        assert len(bench.sources) == 1, "it was opened anew for a damaged frame"
    assert len(grabbed) == 4
    assert all("a frame came that is not whole" in reason for reason in reasons_of(grabbed))


def test_camera_that_is_pulled_out_comes_back_without_a_leak() -> None:
    bench = Bench(settings())
    with closing(bench.camera) as camera:
        assert is_frame(grab(camera))
        threads = threading.active_count()
        for _ in range(5):
            bench.node("FirePnPCallback").Execute()
            grab_until(camera, lambda grabbed: "removed" in str(grabbed))
            grab_until(camera, is_frame)
        assert len(bench.sources) >= 6
        assert threading.active_count() == threads


def test_camera_on_a_wire_gives_the_part_the_frame_that_the_wire_exposed() -> None:
    """The wire is a command that the test sends, past the station."""
    asked = settings(trigger="hardware", trigger_source="Software", expose_before_ms=5000)
    sources: list[PylonSource] = []

    def connect() -> PylonSource:
        sources.append(PylonSource(asked, 1))
        return sources[-1]

    by_command = settings()
    told: list[tuple[int, int]] = []
    with closing(WiredCamera(asked, connect, lambda: PylonSource(by_command, 1))) as camera:
        assert camera.rehearsal().shape == (HEIGHT_PX, WIDTH_PX, 1)
        camera.tell_exposures(lambda counter, captured_ns: told.append((counter, captured_ns)))
        for trigger in range(1, 6):
            sources[-1].trigger()
            until_s = time.monotonic() + 20
            while len(told) < trigger:
                assert time.monotonic() < until_s, "the line was not told"
                time.sleep(0.002)
            (frame,) = frames_of([grab(camera, trigger)])
            assert (frame.counter, frame.captured_ns) == told[-1]
        assert "no frame came in time" in str(grab(camera, 6, within_ns=100_000_000))
    assert len(sources) == 1


def test_only_a_camera_on_a_wire_may_be_the_stations_trigger() -> None:
    for trigger, may in (("hardware", True), ("software", False), ("free", False)):
        asked = settings(trigger=trigger, trigger_source="Line1" if may else None)
        with closing(open_camera(asked, 1)) as camera:
            assert isinstance(camera, SelfTriggered) is may


def test_line_judges_what_the_camera_sees(place: Place, start_line: StartLine) -> None:
    """The whole line, with a camera that is triggered by software."""
    for file in (place.folder / "images").iterdir():
        number = int(file.stem.split("_")[1])
        file.rename(
            file.with_name(f"part_{number:02d}.png")
        )  # pylon takes them in the order of their names
    asked = settings(
        name="camera", width_px=SIZE_PX, height_px=SIZE_PX, nodes=of_folder(place.folder / "images")
    )
    camera = asked.model_dump(mode="json", exclude_none=True) | {"expose_within_ms": 290}
    trigger = {"kind": "timer", "takt_ms": 300, "parts": 10}
    line = start_line(place.write(cameras=[camera], trigger=trigger, deadline_ms=2000), "--no-live")
    status, _, err = line.wait()
    assert status == 0, err
    outcomes = [outcome for _, outcome in place.gate()]
    # The rehearsal took the first image, or on a busy machine more.
    assert outcomes in [EXPECTED[first:] + EXPECTED[:first] for first in range(10)], err
