"""Broken frames of a GigE Vision camera are faults of their own parts: no other part gets them."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.gige_camera import GigeCamera
from taktsight.inspect.cameras.network import buffer_wanted, rmem_max

from .gige_rig import StartGige, aravis, grab, opened, part, stamp, until, write_images

PARTS = 60


def test_frame_that_lost_packets_is_a_fault_of_its_part_alone(
    start_gige: StartGige, tmp_path: Path
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (480, 640, 1), np.uint8)
    camera = start_gige("--images", str(write_images(tmp_path / "images", [image])))
    whole, faults = 0, []
    with opened(aravis(camera, packet_size=1400, expose_within_ms=1000)) as top:
        grab(top)
        camera.tell(lose=0.002)  # of 220 packets a frame: a third of all frames
        for trigger in range(1, PARTS + 1):
            try:
                seen = top.grab(part(trigger)).image
            except CameraError as error:
                faults.append(str(error))
            else:
                assert np.array_equal(seen, image)
                whole += 1
        camera.tell(lose=0.0)
        assert np.array_equal(grab(top).image, image)
    assert whole > PARTS // 10
    assert any("the frame is incomplete: packets were lost" in fault for fault in faults)
    assert whole + len(faults) == PARTS


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("size", r"the frame has 640 x 478 px, not 640 x 480"),
        ("format", r"the frame has pixel format 0x01080009, not Mono8"),
        ("short", r"the frame is short: \d+ of 307200 bytes"),
        ("number", r"no frame came in time"),
    ],
)
def test_frame_that_is_not_as_agreed_is_a_fault_of_its_part_alone(
    fault: str, said: str, start_gige: StartGige
) -> None:
    camera = start_gige("--stamped")
    heard = []
    with opened(aravis(camera, expose_within_ms=5000)) as top:  # however busy the machine is
        number, _ = stamp(grab(top).image)
        camera.tell(spoil=fault)
        for _ in range(3):
            try:
                behind, _ = stamp(top.grab(part(wait_ns=2_000_000_000)).image)
            except CameraError as error:
                heard.append(str(error))
            else:
                assert behind > number + 1
        assert grab(top).image.shape == (480, 640, 1)
    assert any(re.search(said, error) for error in heard), heard


def test_frozen_and_torn_frames_come_through(start_gige: StartGige) -> None:
    """No camera library can see either: the pixels are whole. Image health looks at them."""
    camera = start_gige()  # each exposure is brighter by 8 than the one before
    with opened(aravis(camera, expose_within_ms=5000)) as top:
        first = grab(top)
        camera.tell(spoil="repeat")
        again = grab(top)
        camera.tell(spoil="torn")
        torn = grab(top)
    assert np.array_equal(again.image, first.image)
    assert again.counter != first.counter
    brighter = (torn.image - again.image)[:, :, 0]
    assert set(brighter[:240].flat) == {16}
    assert set(brighter[240:].flat) == {0}


def test_camera_that_does_nothing_for_a_while_is_lost_and_back(start_gige: StartGige) -> None:
    camera = start_gige()
    with opened(aravis(camera)) as top:
        assert isinstance(top, GigeCamera)
        grab(top)
        camera.tell(stall=0.8)
        with pytest.raises(CameraError):
            top.grab(part())
        until(lambda: top.losses == 1)
        until(lambda: not isinstance(grab_or_fault(top), str))


def grab_or_fault(camera: GigeCamera) -> Exposure | str:
    try:
        return camera.grab(part())
    except CameraError as error:
        return str(error)


@pytest.fixture
def room_for_5_mp() -> None:
    """Raises net.core.rmem_max where it has to be, as root; it stays."""
    wanted = buffer_wanted(2448 * 2048)
    if (rmem_max() or wanted) < wanted:
        with contextlib.suppress(FileNotFoundError):
            command = ["sysctl", "-qw", f"net.core.rmem_max={32 << 20}"]
            subprocess.run(command, capture_output=True, check=False)
    if (rmem_max() or wanted) < wanted:
        pytest.skip("net.core.rmem_max is too small for a 5 MP camera, and cannot be raised without root")


@pytest.mark.usefixtures("room_for_5_mp")
def test_five_megapixels_come_whole(start_gige: StartGige, tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (2048, 2448, 1), np.uint8)
    camera = start_gige("--images", str(write_images(tmp_path / "images", [image])))
    whole = 0
    with opened(aravis(camera, expose_within_ms=1000)) as top:
        for trigger in range(1, 11):
            with contextlib.suppress(CameraError):
                assert np.array_equal(top.grab(part(trigger)).image, image)
                whole += 1
    assert whole >= 5


def test_camera_whose_frames_do_not_fit_the_buffer_is_refused_with_the_command(
    start_gige: StartGige,
) -> None:
    allowed = rmem_max()
    if allowed is None or allowed >= 32 << 20:
        pytest.skip("net.core.rmem_max is large enough for every camera here")
    height = -(-allowed // 2 // 2048 // 2) * 2 + 2
    camera = start_gige("--width", "2048", "--height", str(height))
    with pytest.raises(
        CameraError, match=r"net\.core\.rmem_max is .* MiB, frames of .* MB want .*: packets"
    ):
        contextlib.ExitStack().enter_context(opened(aravis(camera)))
