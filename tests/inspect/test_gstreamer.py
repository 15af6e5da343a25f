"""GStreamer pipelines: their text, an OpenCV without GStreamer, and one with it that runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pydantic
import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import GstreamerSettings
from taktsight.inspect.cameras.pipelines import pipeline_text

from .place import Place
from .rtsp_peer import SYSTEM_PYTHON, RtspPeer, need_server
from .running_line import taktsight

SINK = "appsink drop=true max-buffers=1 sync=false"
ARGUS = {
    "element": "nvarguscamerasrc",
    "sensor_id": 1,
    "width_px": 1920,
    "height_px": 1080,
    "fps": 30,
    "exposure_us": 2000,
}
TEGRA = {
    "element": "nvv4l2camerasrc",
    "device": "/dev/video0",
    "width_px": 1920,
    "height_px": 1080,
    "fps": 30,
}
RTSP = {"element": "rtspsrc", "url": "rtsp://anna:secret@10.0.0.5/stream", "decoder": "jetson"}
WRITTEN = {
    "element": "written",
    "pipeline": "videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=30/1",
    "width_px": 320,
    "height_px": 240,
}


def settings(source: dict[str, Any], **values: object) -> GstreamerSettings:
    asked = {"kind": "gstreamer", "name": "top", "source": source, "delay_ms": 0}
    return GstreamerSettings.model_validate(asked | values)


def text(source: dict[str, Any], channels: int = 1) -> str:
    return pipeline_text(settings(source).source, channels)


def test_csi_camera_has_everything_fixed_that_adjusts_itself() -> None:
    assert text(ARGUS) == (
        "nvarguscamerasrc sensor-id=1 aelock=true awblock=true wbmode=0 tnr-mode=0 ee-mode=0 "
        'exposuretimerange="2000000 2000000" gainrange="1 1" ispdigitalgainrange="1 1" '
        "! video/x-raw(memory:NVMM),format=NV12,width=1920,height=1080,framerate=30/1 "
        f"! nvvidconv ! video/x-raw,format=GRAY8 ! {SINK}"
    )


def test_settings_of_a_csi_camera_stand_in_its_pipeline() -> None:
    shown = text(
        ARGUS | {"sensor_mode": 2, "exposure_us": 333.4, "gain": 2.5, "white_balance": "daylight"}, 3
    )
    assert "sensor-id=1 sensor-mode=2 " in shown
    assert 'wbmode=5 tnr-mode=0 ee-mode=0 exposuretimerange="333400 333400" gainrange="2.5 2.5"' in shown
    assert shown.endswith(
        f"! nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! {SINK}"
    )


def test_camera_with_its_own_processor_sends_uyvy() -> None:
    assert text(TEGRA, 3) == (
        "nvv4l2camerasrc device=/dev/video0 "
        "! video/x-raw(memory:NVMM),format=UYVY,width=1920,height=1080,framerate=30/1 "
        f"! nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! {SINK}"
    )


@pytest.mark.parametrize(
    ("values", "decoded"),
    [
        ({}, "rtph264depay ! h264parse ! nvv4l2decoder ! nvvidconv ! video/x-raw,format=GRAY8"),
        (
            {"decoder": "software", "codec": "h265"},
            "rtph265depay ! h265parse ! avdec_h265 max-threads=1 ! videoconvert ! video/x-raw,format=BGR",
        ),
    ],
    ids=["jetson", "software"],
)
def test_stream_is_taken_without_a_buffer_that_smooths_its_times(
    values: dict[str, object], decoded: str
) -> None:
    assert text(RTSP | values) == (
        'rtspsrc location="rtsp://anna:secret@10.0.0.5/stream" latency=0 buffer-mode=none protocols=tcp '
        f"! {decoded} ! {SINK}"
    )


@pytest.mark.parametrize(
    "source",
    [
        RTSP | {"url": 'rtsp://host/x" ! fakesink'},
        RTSP | {"url": "file:///etc/passwd"},
        TEGRA | {"device": "/dev/video0 ! filesink"},
        ARGUS | {"exposure_us": 0},
        WRITTEN | {"pipeline": "videotestsrc !"},
    ],
    ids=["injected", "file", "device", "dark", "open end"],
)
def test_pipeline_cannot_be_lengthened_by_a_setting(source: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        settings(source)


@pytest.mark.skipif(cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER), reason="this OpenCV has GStreamer")
def test_opencv_without_gstreamer_says_which_has_it() -> None:
    with pytest.raises(CameraError, match=r"top: this OpenCV .* without GStreamer.*python3-opencv have it"):
        open_camera(settings(WRITTEN), 1)


def test_check_shows_the_pipeline_without_the_password(place: Place) -> None:
    camera = {"kind": "gstreamer", "name": "camera", "source": RTSP, "delay_ms": 60, "expose_within_ms": 15}
    checked = taktsight("check", place.write(cameras=[camera]))
    assert 'rtspsrc location="rtsp://…@10.0.0.5/stream" latency=0' in checked.stdout
    assert "secret" not in checked.stdout + checked.stderr
    assert "was built without GStreamer" in checked.stdout
    assert checked.returncode == 1


PROGRAM = """
import json, sys, time
from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import GstreamerSettings
from taktsight.inspect.messages import Expose

def grab(camera):
    now_ns = time.monotonic_ns()
    try:
        frame = camera.grab(Expose(1, now_ns, now_ns + 1_000_000_000))
    except CameraError as error:
        return {"at_ns": now_ns, "fault": str(error)}
    middle = [int(grey) for grey in frame.image[8::16, 8::16, 0].reshape(-1)]
    return {"at_ns": now_ns, "captured_ns": frame.captured_ns, "shape": frame.image.shape, "middle": middle}

settings, channels = json.loads(sys.argv[1]), int(sys.argv[2])
camera = open_camera(GstreamerSettings.model_validate(settings), channels)
print(json.dumps({"rehearsal": camera.rehearsal().shape}), flush=True)
for line in sys.stdin:
    print(json.dumps([grab(camera) for _ in range(int(line))]), flush=True)
camera.close()
print(json.dumps("closed"), flush=True)
"""
"""The camera in the system's Python, whose OpenCV has GStreamer; other packages are taken from ours."""


class SystemCamera:
    """A camera in a process of its own."""

    def __init__(self, asked: GstreamerSettings, channels: int) -> None:
        ours = [str(Path(pydantic.__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
        program = f"import sys; sys.path += {ours!r}\n{PROGRAM}"
        arguments = [asked.model_dump_json(), str(channels)]
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self.rehearsal = self._answer()["rehearsal"]
        except AssertionError:
            self.kill()
            raise

    def grab(self, parts: int) -> list[dict[str, Any]]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{parts}\n")
        self._process.stdin.flush()
        answer: list[dict[str, Any]] = self._answer()
        return answer

    def close(self) -> None:
        out, _ = self._process.communicate(timeout=60)
        assert json.loads(out) == "closed"

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "it could not be opened"
        return json.loads(line)


def need_gstreamer() -> None:
    """Skips where no Python of the system has an OpenCV with GStreamer that takes our packages."""
    probe = (
        "import sys, cv2; assert cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER); "
        f"assert sys.version_info[:2] == {sys.version_info[:2]}"
    )
    try:
        probed = subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("the system has no Python of its own")
    if probed.returncode:
        pytest.skip("python3-opencv is not installed, has no GStreamer, or is for another Python than this")


@pytest.fixture
def start_camera() -> Iterator[Any]:
    need_gstreamer()
    cameras: list[SystemCamera] = []

    def start(asked: GstreamerSettings, channels: int = 1) -> SystemCamera:
        cameras.append(SystemCamera(asked, channels))
        return cameras[-1]

    yield start
    for camera in cameras:
        camera.kill()


@pytest.mark.parametrize("channels", [1, 3])
def test_pipeline_runs(start_camera: Any, channels: int) -> None:
    camera = start_camera(settings(WRITTEN), channels)
    assert camera.rehearsal == [240, 320, channels]
    frames = [each for each in camera.grab(30) if "captured_ns" in each]
    assert len(frames) > 10
    captured_ns = [frame["captured_ns"] for frame in frames]
    assert captured_ns == sorted(set(captured_ns))
    assert {grey for frame in frames for grey in frame["middle"]} <= {254, 255}
    camera.close()


def test_stream_of_a_network_camera_runs_is_lost_and_comes_back(start_camera: Any) -> None:
    need_server()
    peer = RtspPeer()
    try:
        source = {"element": "rtspsrc", "url": peer.url, "decoder": "software"}
        camera = start_camera(settings(source))
        frames = [each for each in camera.grab(20) if "captured_ns" in each]
        for frame in frames:
            drawn_ms = _number(frame["middle"][32:64])
            assert frame["captured_ns"] // 1_000_000 & 0xFFFFFFFF >= drawn_ms
        assert len(frames) > 5
        peer.kill()
        while "captured_ns" in camera.grab(1)[0]:
            pass
        peer.restart()
        while "captured_ns" not in camera.grab(1)[0]:
            pass
        camera.close()
    finally:
        peer.kill()


def _number(squares: list[int]) -> int:
    return sum(1 << bit for bit, grey in enumerate(squares) if grey > 128)


def test_pipeline_of_another_size_or_that_does_not_run_is_refused(start_camera: Any) -> None:
    for source in (
        WRITTEN | {"width_px": 640},
        WRITTEN | {"pipeline": "filesrc location=none ! decodebin"},
    ):
        with pytest.raises(AssertionError, match="it could not be opened"):
            start_camera(settings(source))
