"""A video file in the place of a camera: part n is frame n."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import open_camera
from taktsight.inspect.cameras.live_settings import VideoSettings

from .grabbing import closing, frames_of, grab
from .place import Place
from .running_line import StartLine, assert_one_verdict_each

FRAMES = 12


def write_video(file: Path, frames: int = FRAMES, side_px: int = 64) -> Path:
    """Frame n is 10 + 15 n grey; lossless enough to be told apart."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (side_px, side_px))
    for number in range(frames):
        writer.write(np.full((side_px, side_px, 3), 10 + 15 * number, np.uint8))
    writer.release()
    return file


def settings(file: Path, **values: object) -> VideoSettings:
    return VideoSettings.model_validate({"kind": "video", "name": "top", "file": file} | values)


def number_of(image: np.ndarray) -> int:
    return round((float(image.mean()) - 10) / 15)


def test_part_n_is_frame_n_also_where_parts_are_skipped(tmp_path: Path) -> None:
    with closing(open_camera(settings(write_video(tmp_path / "shift.avi")), 1)) as camera:
        assert camera.parts == FRAMES
        assert number_of(camera.rehearsal()) == 0
        frames = frames_of([grab(camera, trigger) for trigger in (1, 2, 3, 7, 8, 12)])
        assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 6, 7, 11]
        assert [frame.serial for frame in frames][:2] == ["shift.avi#1", "shift.avi#2"]
        assert "12 frames, none for part 13" in str(grab(camera, 13))


def test_repeated_video_begins_again(tmp_path: Path) -> None:
    with closing(open_camera(settings(write_video(tmp_path / "shift.avi"), repeat=True), 3)) as camera:
        assert camera.parts is None
        frames = frames_of([grab(camera, trigger) for trigger in (11, 12, 13, 14, 30)])
    assert [number_of(frame.image) for frame in frames] == [10, 11, 0, 1, 5]
    assert frames[0].image.shape == (64, 64, 3)


def test_video_that_ends_before_it_says_costs_the_parts_behind_its_end(tmp_path: Path) -> None:
    file = write_video(tmp_path / "whole.avi")
    content = file.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) * 8 // 10])
    with closing(open_camera(settings(cut), 1)) as camera:
        grabbed = [grab(camera, trigger) for trigger in range(1, (camera.parts or 0) + 1)]
    frames = frames_of(grabbed)
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames)))
    assert len(frames) < FRAMES
    assert all("can be read up to frame" in str(each) for each in grabbed[len(frames) :])


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(CameraError, match=r"top: .*text\.avi: is not a video that can be read"):
        open_camera(settings(tmp_path / "text.avi"), 1)
    with pytest.raises(CameraError, match=r"none\.avi: there is no such file"):
        open_camera(settings(tmp_path / "none.avi"), 1)


def test_closed_video_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with closing(open_camera(settings(write_video(tmp_path / "shift.avi")), 1)) as camera:
        grab(camera)
    assert threading.active_count() == before


def test_line_judges_a_video_to_its_end(place: Place, start_line: StartLine) -> None:
    write_video(place.folder / "shift.avi", frames=8)
    cameras = [{"kind": "video", "file": "shift.avi"}]
    line = start_line(place.write(cameras=cameras, deadline_ms=2000), "--no-live")
    status, _, err = line.wait()
    assert status == 0, err
    assert len(assert_one_verdict_each(place, line)) == 8
