"""A network camera against a real RTSP server: which frame a part gets, and what happens when it goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras import rtsp
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import RtspSettings
from taktsight.records import Image

from .grabbing import closing, frames_of, grab, grab_until, is_frame, reasons_of
from .rtsp_peer import HurtingLine, RtspPeer, need_server, read_number

pytest.importorskip("av", reason="PyAV is not installed")
GREY_SENT, GREY_TOLERANCE = 109, 6
"""The plain part of a frame, and how far H.264 may take a pixel of it."""


@pytest.fixture(scope="module")
def peer() -> Iterator[RtspPeer]:
    need_server()
    peer = RtspPeer()
    yield peer
    peer.kill()


def settings(url: str, **values: object) -> RtspSettings:
    return RtspSettings.model_validate({"kind": "rtsp", "name": "top", "url": url, "delay_ms": 0} | values)


def is_as_sent(image: Image) -> bool:
    plain = image[40:, :, 0].astype(int)
    return bool((np.abs(plain - GREY_SENT) <= GREY_TOLERANCE).all())


@pytest.mark.parametrize(("channels", "transport"), [(1, "tcp"), (3, "tcp"), (1, "udp")])
def test_parts_get_younger_and_younger_frames_and_no_frame_claims_to_be_older_than_it_is(
    peer: RtspPeer, channels: int, transport: str
) -> None:
    with closing(open_camera(settings(peer.url, transport=transport), channels)) as camera:
        assert camera.rehearsal().shape == (128, 512, channels)
        grabbed = [grab(camera, trigger) for trigger in range(1, 41)]
    frames = frames_of(grabbed)
    assert len(frames) > 20, reasons_of(grabbed)  # on a busy machine a frame may come too late
    numbers = [read_number(frame.image, 0) for frame in frames]
    assert numbers == sorted(set(numbers)), "a frame was given twice, or an older one after a younger"
    for frame in frames:
        assert is_as_sent(frame.image)
        drawn_ms, captured_ms = read_number(frame.image, 1), frame.captured_ns // 1_000_000 & 0xFFFFFFFF
        assert captured_ms >= drawn_ms


def test_killed_server_is_noticed_and_its_return_too(peer: RtspPeer) -> None:
    with closing(open_camera(settings(peer.url), 1)) as camera:
        grab_until(camera, is_frame)
        for _ in range(3):
            peer.kill()
            grab_until(camera, lambda grabbed: "ended" in str(grabbed) or "be opened" in str(grabbed))
            peer.restart()
            back = grab_until(camera, is_frame)
            assert is_as_sent(frames_of(back)[-1].image)


def test_server_that_hangs_is_noticed_before_ffmpeg_notices_and_comes_back(
    peer: RtspPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # FFmpeg gives up much later here, for a busy machine to have time to see that nobody waited for it.
    monkeypatch.setattr(rtsp, "READ_S", 4.0)
    with closing(open_camera(settings(peer.url), 1)) as camera:
        grab_until(camera, is_frame)
        peer.hang()
        hung = grab_until(
            camera, lambda grabbed: "cannot be opened: no answer within 3 s" in str(grabbed), timeout_s=120
        )
        peer.go_on()
        back = grab_until(camera, is_frame, timeout_s=120)
        assert is_as_sent(frames_of(back)[-1].image)
    reasons = reasons_of(hung)
    noticed = [reason for reason in reasons if "sends nothing any more" in reason]
    assert noticed, reasons
    by_ffmpeg = [reason for reason in reasons if "no answer within" in reason]
    assert reasons.index(noticed[0]) < reasons.index(by_ffmpeg[0])


@pytest.mark.parametrize("drops", [False, True], ids=["bits", "packets"])
def test_frame_that_rests_on_a_damaged_one_is_given_to_no_part(peer: RtspPeer, drops: bool) -> None:
    line = HurtingLine(peer.port, drops=drops)
    try:
        with closing(open_camera(settings(line.url), 1)) as camera:
            grabbed = grab_until(camera, is_frame)
            line.share = 0.05
            grabbed += grab_until(camera, lambda last: line.hurt >= 6 and is_frame(last), timeout_s=120)
    finally:
        line.close()
    frames = frames_of(grabbed)
    assert all(is_as_sent(frame.image) for frame in frames)
    numbers = [read_number(frame.image, 0) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert any("damaged or missing" in reason for reason in reasons_of(grabbed))


def test_frame_that_was_held_up_on_its_way_is_not_the_next_parts(peer: RtspPeer) -> None:
    """All of a network's traffic waits for 0.9 s: what comes then shows parts that are long gone."""
    line = HurtingLine(peer.port, drops=False)
    older_ms: list[int] = []
    holds = [10, 30, 50]
    until_s = time.monotonic() + 60
    try:
        with closing(open_camera(settings(line.url), 1)) as camera:
            grab_until(camera, is_frame)
            while len(older_ms) < 60 and time.monotonic() < until_s:
                if holds and len(older_ms) == holds[0]:
                    line.hold_s = 0.9
                    holds.pop(0)
                now_ms = time.monotonic_ns() // 1_000_000 & 0xFFFFFFFF
                older_ms += [now_ms - read_number(frame.image, 1) for frame in frames_of([grab(camera)])]
                time.sleep(0.01)
    finally:
        line.close()
    assert len(older_ms) == 60
    assert max(older_ms) < 400  # what the encoder and a busy machine take; the hold is longer


def test_lost_and_found_leaves_no_thread_behind(peer: RtspPeer) -> None:
    before = threading.active_count()
    for _ in range(3):
        with closing(open_camera(settings(peer.url), 1)) as camera:
            grab_until(camera, is_frame)
    assert threading.active_count() <= before


def test_stream_of_another_size_is_refused(peer: RtspPeer) -> None:
    with pytest.raises(ConfigError, match=r"top: .* has width_px 512, the station asks for 640"):
        open_camera(settings(peer.url, width_px=640), 1)


def test_camera_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(
        CameraError, match=r"top: rtsp://…@127\.0\.0\.1:9/camera cannot be opened"
    ) as caught:
        open_camera(settings("rtsp://anna:secret@127.0.0.1:9/camera"), 1)
    assert "secret" not in str(caught.value)
