"""Images of a folder in the place of a camera."""

from __future__ import annotations

import re
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from taktsight.errors import CameraError, DataError
from taktsight.image_files import IMAGE_SUFFIXES, read_image
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.messages import Expose
from taktsight.records import Image

LOOK_AHEAD = 4
"""Images decoded before they are asked for: a real camera does not decode either."""


class FolderCamera:
    """Part n is image n of the folder."""

    def __init__(self, name: str, folder: Path, *, repeat: bool, channels: int) -> None:
        self.name = name
        self._folder = folder if folder.is_dir() else folder.parent
        self._files = list_images(folder, name)
        self._repeat = repeat
        self._channels = channels
        self._decoder = ThreadPoolExecutor(1, f"decode-{name}")
        self._ahead: OrderedDict[int, Future[Image]] = OrderedDict()
        self._look_ahead(1)

    @property
    def parts(self) -> int | None:
        """How many parts it can show; None without end."""
        return None if self._repeat else len(self._files)

    def grab(self, expose: Expose) -> Exposure:
        """The frame of a part, and the image's name as its serial.

        Raises:
            CameraError: If there is no such image or it cannot be decoded.
        """
        trigger = expose.trigger
        if not self._repeat and trigger > len(self._files):
            raise CameraError(f"{self.name}: {len(self._files)} images, none for part {trigger}")
        self._look_ahead(trigger)
        decoding = self._ahead.pop(trigger)
        try:
            image = decoding.result()
        except DataError as error:
            raise CameraError(f"{self.name}: {error}") from error
        return Exposure(image, expose.captured_ns, trigger, self.serial(trigger), may_repeat="frames")

    def rehearsal(self) -> Image:
        """The first image.

        Raises:
            CameraError: If it cannot be decoded.
        """
        return self.grab(Expose(1, 0, 0)).image

    def serial(self, trigger: int) -> str:
        """The image's path within the folder."""
        file = self._file(trigger)
        return str(file.relative_to(self._folder) if file.is_relative_to(self._folder) else file)

    def close(self) -> None:
        """Ends the decoder."""
        self._decoder.shutdown(cancel_futures=True)

    def _look_ahead(self, trigger: int) -> None:
        for passed in [number for number in self._ahead if number < trigger]:
            self._ahead.pop(passed).cancel()
        for number in range(trigger, trigger + 1 + LOOK_AHEAD):
            if number not in self._ahead and (self._repeat or number <= len(self._files)):
                file = self._file(number)
                self._ahead[number] = self._decoder.submit(read_image, file, self._channels)

    def _file(self, trigger: int) -> Path:
        return self._files[(trigger - 1) % len(self._files)]


def list_images(folder: Path, name: str = "camera") -> list[Path]:
    """The images of a folder and its sub-folders in natural order, or those a text file lists.

    Raises:
        CameraError: If there is none.
    """
    if folder.is_dir():
        files = [
            file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
        ]
        files.sort(key=_natural)
    else:
        try:
            lines = folder.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CameraError(f"{name}: {folder} is neither a folder nor a list of images") from error
        files = [folder.parent / line.strip() for line in lines if line.strip()]
    if not files:
        raise CameraError(f"{name}: {folder} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return files


def _natural(file: Path) -> list[tuple[int, int, str]]:
    """img_9 stands before img_10."""
    pieces = re.split(r"(\d+)", str(file))
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
