"""Cameras in a station file: mistakes, paths, and what 'taktsight check' says before it opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taktsight.errors import ConfigError
from taktsight.inspect.cameras import findings
from taktsight.inspect.cameras.findings import camera_findings
from taktsight.inspect.config import load_station
from taktsight.inspect.part_results import skew_faults
from taktsight.records import Frame, Image

from .place import Place
from .running_line import StartLine, assert_one_verdict_each
from .spots import SIZE_PX, draw_part, spot_bundle

MS = 1_000_000
RTSP = {"kind": "rtsp", "name": "side", "url": "rtsp://10.0.0.5/stream", "delay_ms": 80}
V4L2 = {
    "kind": "v4l2",
    "name": "top",
    "device": 0,
    "fourcc": "GREY",
    "width_px": 640,
    "height_px": 480,
    "fps": 30,
}
PYLON = {
    "kind": "pylon",
    "name": "top",
    "pixel_format": "Mono8",
    "width_px": SIZE_PX,
    "height_px": SIZE_PX,
    "trigger": "software",
}
SLOW = {"kind": "timer", "takt_ms": 1000}


def stated(place: Place, *cameras: dict[str, Any], **values: object) -> list[str]:
    station = load_station(place.write(cameras=list(cameras), **({"trigger": SLOW} | values)))
    return [f"{each.grade} {each.text}" for each in camera_findings(station, 1)]


def refusal(place: Place, *cameras: dict[str, Any], **values: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_station(place.write(cameras=list(cameras), **({"trigger": SLOW} | values)))
    return str(caught.value)


def test_paths_of_cameras_are_relative_to_the_station(place: Place) -> None:
    gentl = PYLON | {"kind": "gentl", "producer": "vendor.cti"}
    video = {"kind": "video", "name": "side", "file": "shift.avi"}
    top, side = load_station(place.write(cameras=[gentl, video], trigger=SLOW)).cameras
    assert getattr(top, "producer", None) == place.folder / "vendor.cti"
    assert getattr(side, "file", None) == place.folder / "shift.avi"


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        (V4L2 | {"fps": 29.97}, "cameras.0.v4l2.fps"),
        (V4L2 | {"exposure_us": 150}, "exposure_us: Input should be a multiple of 100"),
        (V4L2 | {"fourcc": "H264"}, "fourcc: Input should be 'GREY'"),
        (V4L2 | {"exposure": 5}, "exposure: there is no such key; did you mean 'exposure_us'?"),
        (RTSP | {"url": "file:///etc/passwd"}, "cameras.0.rtsp.url"),
        ({"kind": "rtsp", "name": "side", "url": "rtsp://a/b"}, "delay_ms: is missing"),
        (PYLON | {"trigger": "hardware"}, "trigger: hardware needs its trigger_source"),
        (PYLON | {"trigger_source": "Line1"}, "trigger: hardware needs its trigger_source"),
        ({"kind": "webcam"}, "does not match any of the expected tags"),
    ],
)
def test_mistakes_name_the_camera_and_the_key(place: Place, camera: dict[str, Any], said: str) -> None:
    assert said in refusal(place, camera)


def test_frame_that_could_show_the_next_part_is_not_allowed_for(place: Place) -> None:
    fast = {"kind": "timer", "takt_ms": 80}
    assert "camera side: expose_within_ms is not below takt_ms 80" in refusal(place, RTSP, trigger=fast)
    load_station(place.write(cameras=[RTSP | {"expose_within_ms": 79}], trigger=fast))


def test_code_is_read_by_a_camera_that_there_is(place: Place) -> None:
    code = {"camera": "front", "symbologies": ["qr"]}
    assert "code.camera 'front' is none of the cameras side" in refusal(place, RTSP, code=code)


def test_check_says_what_is_missing_and_what_may_go_wrong_unseen(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "find_spec", lambda _: None)
    mjpg = V4L2 | {"fourcc": "MJPG", "clock": "arrival"}
    code = {"camera": "top", "symbologies": ["qr"]}
    wired = PYLON | {"name": "front", "trigger": "hardware", "trigger_source": "Line1"}
    found = stated(place, mjpg, RTSP | {"delay_ms": 0}, wired, code=code)
    assert [each.split(":")[0] for each in found] == [
        "note top",
        "note top",
        "fix side",
        "note side",
        "fix front",
        "note front",
        "note top, side, front",
        "fix reading the code on the part needs zxing-cpp",
    ]
    assert "side: kind: rtsp needs av" in found[2]


def test_check_has_nothing_to_say_of_cameras_that_are_well_set(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "find_spec", lambda name: name)
    assert stated(place, V4L2, RTSP, PYLON | {"name": "front"}, max_skew_ms=20) == []


def test_check_says_where_only_a_driver_can_tell_that_the_trigger_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "find_spec", lambda name: name)
    wired = PYLON | {"trigger": "hardware", "trigger_source": "Line1", "expose_before_ms": 50}
    trigger = {"kind": "camera", "camera": "top"}
    (found,) = stated(place, wired, trigger=trigger)
    assert found.startswith("note top: only its driver says when this trigger is lost")
    assert stated(place, wired, trigger=trigger | {"takt_ms": 400}) == []


def test_takt_of_a_trigger_is_not_below_what_counts_as_a_bounce(place: Place) -> None:
    trigger = {"kind": "camera", "camera": "side", "takt_ms": 40, "min_takt_ms": 50}
    assert "every other part would count as a bounce" in refusal(place, RTSP, trigger=trigger)


def views(*captured_ms: float) -> list[Frame]:
    image: Image = draw_part(0)
    names = ("top", "side", "front")
    return [
        Frame(image, 1, round(at_ms * MS), name) for at_ms, name in zip(captured_ms, names, strict=False)
    ]


def test_views_that_were_exposed_too_far_apart_are_said() -> None:
    assert skew_faults(views(10.0, 12.5, 11.0), 2.4) == [
        "views top and side were exposed 2.5 ms apart, max_skew_ms is 2.4"
    ]
    assert skew_faults(views(10.0, 12.5, 11.0), 2.5) == []
    assert skew_faults(views(10.0, 900.0), None) == []
    assert skew_faults(views(10.0), 0.1) == []


@pytest.mark.parametrize(("max_skew_ms", "outcome"), [(0.000001, "UNINSPECTED"), (900, "PASS")])
def test_part_whose_views_lie_too_far_apart_is_uninspected(
    place: Place,
    start_line: StartLine,
    monkeypatch: pytest.MonkeyPatch,
    max_skew_ms: float,
    outcome: str,
) -> None:
    """Two real cameras that are triggered one after the other."""
    pytest.importorskip("pypylon", reason="pypylon is not installed")
    monkeypatch.setenv("PYLON_CAMEMU", "2")
    spot_bundle(place.folder / "sides.takt", views=("top", "side"))
    black = {"TestImageSelector": "Off", "ImageFilename": str(_black(place.folder)), "ImageFileMode": "On"}
    cameras = [
        PYLON | {"name": name, "serial": serial, "nodes": black, "expose_within_ms": 900}
        for name, serial in (("top", "0815-0000"), ("side", "0815-0001"))
    ]
    line = start_line(
        place.write(
            bundle="sides.takt",
            cameras=cameras,
            max_skew_ms=max_skew_ms,
            repeats_allowed=["top", "side"],
            trigger=SLOW | {"parts": 3},
            deadline_ms=3000,
        ),
        "--no-live",
    )
    status, _, err = line.wait()
    assert status == 0, err
    assert [each for _, each in assert_one_verdict_each(place, line)] == [outcome] * 3
    if outcome != "PASS":
        assert all("max_skew_ms is 1e-06" in row["reasons"] for row in place.rows("verdict"))


def _black(folder: Path) -> Path:
    from taktsight.image_files import encode_png

    images = folder / "black"
    images.mkdir()
    (images / "part.png").write_bytes(encode_png(draw_part(0)))
    return images
