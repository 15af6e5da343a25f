"""Two camera libraries and two simulated cameras, of different hands, against each other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.gige_camera import GigeCamera
from taktsight.inspect.cameras.viva_session import VivaSession, open_viva

from .gige_rig import (
    KINDS,
    SECOND_NS,
    StartGige,
    aravis,
    grab,
    needs_aravis,
    opened,
    own_address,
    part,
    stamp,
    until,
    viva,
    write_images,
)

if TYPE_CHECKING:
    from viva_genicam.testing import FakeGigeCamera

pytest.importorskip("viva_genicam")


APART_S = 0.3
"""A camera's clock and its frames' own count from different moments, so far apart at least."""
SMALL = {"width_px": 320, "height_px": 240, "exposure_us": 5000, "expose_within_ms": 1000}
"""viva-genicam's camera has 16 MP, and exposes at its own pace of 30 a second when it is fired."""


@contextlib.contextmanager
def viva_camera(**values: Any) -> Iterator[FakeGigeCamera]:
    """viva-genicam's simulated camera: it sends lost packets again, carries chunks and tells its time."""
    from viva_genicam.testing import FakeGigeCamera

    with own_address() as address, FakeGigeCamera(bind_ip=address, **values) as camera:
        # Its frames count from the start of the acquisition, its clock from its own start: far enough apart
        # that the two are told from each other. Of a real camera both are one.
        time.sleep(APART_S)
        yield camera


def test_viva_sees_what_the_aravis_camera_sends(start_gige: StartGige, tmp_path: Path) -> None:
    image = np.random.default_rng(3).integers(0, 200, (64, 96, 1), np.uint8)
    camera = start_gige("--images", str(write_images(tmp_path / "images", [image])))
    with opened(viva(camera, x_px=16, width_px=64, exposure_us=1000, gain_db=0)) as top:
        assert np.array_equal(grab(top).image, image[:, 16:80])
    state = camera.tell()
    assert (state["x"], state["width"], state["triggered"]) == (16, 64, True)
    with opened(viva(camera, pixel_format="Mono12p", exposure_us=2000)) as top:
        assert np.array_equal(grab(top).image, np.minimum(image.astype(int) * 2, 255))
    assert camera.tell()["exposure_us"] == 2000


def test_viva_gives_each_part_the_frame_that_was_exposed_for_it(start_gige: StartGige) -> None:
    camera = start_gige("--stamped", "--ahead-ns", str(-3_600 * 10**9))
    numbers = []
    with opened(viva(camera)) as top:
        for trigger in range(1, 16):
            expose = part(trigger)
            with contextlib.suppress(CameraError):
                exposure = top.grab(expose)
                number, exposed_ns = stamp(exposure.image)
                assert expose.captured_ns < exposed_ns <= exposure.captured_ns + 1_000_000
                numbers.append(number)
    assert len(numbers) > 7
    assert numbers == sorted(set(numbers))


def test_viva_is_refused_what_the_aravis_camera_cannot_do(start_gige: StartGige) -> None:
    camera = start_gige()
    with pytest.raises(ConfigError, match="exposure_us 15 was asked for, the camera runs with 10"):
        open_viva(viva(camera, exposure_us=15))
    with pytest.raises(CameraError, match="there is no camera 'SIM1': kind: viva knows"):
        open_viva(viva("SIM1"))


def test_aravis_fires_the_viva_camera() -> None:
    needs_aravis()
    with viva_camera() as camera:
        with opened(aravis(camera.ip, **SMALL)) as top:
            fired = camera.software_triggers()
            assert grab(top).image.shape == (240, 320, 1)
            assert camera.software_triggers() > fired
            assert camera.controller() is not None
        assert camera.controller() is None


def test_lost_packets_are_sent_again_and_cost_nothing() -> None:
    needs_aravis()
    lost = [(block, packet) for block in range(3, 500) for packet in (2, 5)]
    with viva_camera(drop_packets=lost) as camera:
        with opened(aravis(camera.ip, **SMALL, packet_size=1400)) as top:
            counters = {grab(top).counter for _ in range(10)}
        assert len(counters) == 10
        assert camera.blocks_sent() >= 10


def test_lost_packets_that_are_not_sent_again_are_faults() -> None:
    needs_aravis()
    lost = [(block, 2) for block in range(5, 200, 2)]
    with viva_camera(drop_packets=lost, packet_resend=False) as camera:
        for settings in KINDS.values():
            with opened(settings(camera.ip, **SMALL, packet_size=1400)) as top:
                faults = []
                for trigger in range(1, 21):
                    try:
                        top.grab(part(trigger))
                    except CameraError as error:
                        faults.append(str(error))
                assert 5 <= len(faults) <= 18
                assert any("incomplete" in fault for fault in faults)


@pytest.mark.parametrize("kind", ["aravis", "viva"])
def test_frame_says_itself_when_it_was_exposed_and_for_how_long(kind: str) -> None:
    if kind == "aravis":
        needs_aravis()
    with viva_camera() as camera:
        carried = ("Timestamp", "FrameID", "ExposureTime")
        with opened(KINDS[kind](camera.ip, **SMALL, chunks=carried)) as top:
            before_ns = time.monotonic_ns()
            counters, times = [], []
            for _ in range(5):
                exposure = grab(top)
                counters.append(exposure.counter or 0)
                times.append(exposure.captured_ns)
        assert counters == sorted(set(counters))
        assert times == sorted(set(times))
        assert before_ns - 1_000_000 <= times[0] <= times[-1] <= time.monotonic_ns()


def test_camera_that_is_asked_tells_its_time() -> None:
    """Within the time that the question takes: on a busy machine some milliseconds."""
    with viva_camera() as camera:
        session = open_viva(viva(camera.ip, **SMALL))
        try:
            first, second = session.ask_time(), session.ask_time()
        finally:
            session.close()
    assert first is not None
    assert second is not None
    passed_ns = second[0] - first[0]
    assert second[1] - first[2] <= passed_ns <= second[2] - first[1]


def test_control_that_is_taken_away_is_a_loss_and_is_taken_back() -> None:
    needs_aravis()
    with viva_camera() as camera, opened(aravis(camera.ip, **SMALL)) as top:
        assert isinstance(top, GigeCamera)
        grab(top)
        camera.revoke_control()
        until(lambda: top.losses == 1)
        until(lambda: camera.controller() is not None)
        assert grab(top).image.shape == (240, 320, 1)


def test_usb3_vision_camera_sends_frames_by_the_same_way() -> None:
    """Simulated down to its protocol, but not on a bus: nothing enumerates it, so it is handed in."""
    from viva_genicam.testing import FakeU3vCamera

    fake = FakeU3vCamera(width=320, height=240)
    settings = viva("no bus", **SMALL | {"exposure_us": None}, trigger="free", fps=30)
    top = GigeCamera(settings, 1, lambda _wait_s: VivaSession(fake.connect(), settings, None))
    try:
        first, second = grab(top), grab(top)
        assert first.image.shape == (240, 320, 1)
        assert second.captured_ns > first.captured_ns
        assert fake.acquiring()
    finally:
        top.close()
    assert not fake.acquiring()


def test_part_is_not_waited_for_beyond_its_answer() -> None:
    with viva_camera() as camera:
        settings = viva(camera.ip, **SMALL, trigger="hardware", trigger_source="Line1")
        with opened(settings) as top:
            began_ns = time.monotonic_ns()
            with pytest.raises(CameraError, match="no frame came in time"):
                top.grab(part(wait_ns=50_000_000))
            assert time.monotonic_ns() - began_ns < 20 * SECOND_NS
