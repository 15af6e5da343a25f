"""Reads the code on a part, beside the inspection and for so long at most."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError  # noqa: A004  no builtin before 3.11
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import ConfigError
from taktsight.image_files import with_channels
from taktsight.inspect.codes.settings import CodeSettings, Symbology
from taktsight.inspect.messages import Result
from taktsight.records import Frame, Image, Outcome, Verdict

MAX_LETTERS = 128
"""Of a serial; it goes into the ledger, and onto screens."""
GS1_SEPARATOR = 0x1D
FORMATS: dict[Symbology, str] = {
    "qr": "QRCode",
    "micro_qr": "MicroQRCode",
    "datamatrix": "DataMatrix",
    "aztec": "Aztec",
    "pdf417": "PDF417",
    "code128": "Code128",
    "code39": "Code39",
    "code93": "Code93",
    "codabar": "Codabar",
    "ean13": "EAN13",
    "ean8": "EAN8",
    "upca": "UPCA",
    "upce": "UPCE",
    "itf": "ITF",
}
"""zxing-cpp's names."""


@dataclass(frozen=True, slots=True)
class Code:
    """What was read: a serial, or why there is none."""

    serial: str | None
    fault: str = ""


class Reading:
    """A code that is being read.

    Args:
        code: what is read.
        until_ns: monotonic: when it is given up.
        required: whether a part may pass without.
    """

    def __init__(self, code: Future[Code], until_ns: int, *, required: bool) -> None:
        self._code = code
        self._until_ns = until_ns
        self._required = required

    def finish(self, answer_by_ns: int) -> Code:
        """What was read. Waits as long as the settings say, and half of what is left for the verdict."""
        now_ns = time.monotonic_ns()
        wait_ns = min(self._until_ns - now_ns, (answer_by_ns - now_ns) // 2)
        try:
            return self._code.result(max(0, wait_ns) / 1e9)
        except TimeoutError:
            return Code(None, "was not read in time; a smaller region_px, fewer symbologies are faster")

    def attached(self, result: Result, answer_by_ns: int) -> Result:
        """The result with the serial that was read, or with the reason why none was."""
        code = self.finish(answer_by_ns)
        if code.serial is not None:
            return replace(result, serial=code.serial, counts=result.counts | {"codes_read": 1})
        verdict = unread(result.verdict, f"code: {code.fault}", required=self._required)
        return replace(result, verdict=verdict, counts=result.counts | {"codes_unread": 1})


def unread(verdict: Verdict, reason: str, *, required: bool) -> Verdict:
    """The verdict of a part whose code was not read. A defect that was found stays one."""
    if required and verdict.outcome is not Outcome.REJECT:
        return Verdict(Outcome.UNINSPECTED, (reason, *verdict.reasons))
    return replace(verdict, reasons=(*verdict.reasons, reason))


class CodeReader:
    """One thread that reads one code at a time, while the engine infers.

    Raises:
        ConfigError: If the reader is not installed.
    """

    def __init__(self, settings: CodeSettings) -> None:
        self.camera = settings.camera
        self._settings = settings
        self._zxing = _import_zxing()
        names = [FORMATS[symbology] for symbology in settings.symbologies]
        self._formats = [getattr(self._zxing.BarcodeFormat, name) for name in names]
        self._thread = ThreadPoolExecutor(1, "read-code")
        self._last: Future[Code] | None = None

    def check_size(self, frames: Sequence[Frame]) -> None:
        """Holds the region against the camera's frame.

        Raises:
            ConfigError: If it reaches beyond.
        """
        if self._settings.region_px is None:
            return
        _, _, x1, y1 = self._settings.region_px
        height, width = self._of_camera(frames).shape[:2]
        if x1 > width or y1 > height:
            raise ConfigError(
                f"code.region_px reaches to {x1}, {y1}; frames of {self.camera} have {width} × {height} px"
            )

    def begin(self, frames: Sequence[Frame]) -> Reading:
        """Starts to read; a reader that is still busy with an earlier part is not waited for."""
        until_ns = time.monotonic_ns() + round(self._settings.within_ms * 1e6)
        if self._last is None or self._last.done():
            self._last = code = self._thread.submit(self.read, self._of_camera(frames))
        else:
            code = Future()
            code.set_result(Code(None, "its reader is still busy with the part before"))
        return Reading(code, until_ns, required=self._settings.required)

    def read(self, image: Image) -> Code:
        """The serial in a frame."""
        try:
            found = self._zxing.read_barcodes(self._grey(image), formats=self._formats)
        except (RuntimeError, ValueError) as error:
            return Code(None, f"cannot be looked for: {error}")
        texts = sorted({barcode.text for barcode in found})
        wanted = sorted({barcode.text for barcode in found if self._fits(barcode.text, barcode.bytes)})
        if len(wanted) == 1:
            return Code(wanted[0])
        if wanted:
            return Code(None, f"{len(wanted)} different ones are there: {', '.join(map(repr, wanted[:3]))}")
        if texts:
            return Code(None, f"{texts[0][:MAX_LETTERS]!a} is no serial")
        return Code(None, "none was found")

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _of_camera(self, frames: Sequence[Frame]) -> Image:
        return next(frame.image for frame in frames if frame.camera == self.camera)

    def _grey(self, image: Image) -> NDArray[np.uint8]:
        x0, y0, x1, y1 = self._settings.region_px or (0, 0, image.shape[1], image.shape[0])
        return np.ascontiguousarray(with_channels(image[y0:y1, x0:x1], 1)[:, :, 0])

    def _fits(self, text: str, content: bytes) -> bool:
        if not text or len(text) > MAX_LETTERS or not text.isprintable():
            return False
        # The reader spells control characters out: "<BEL>". Only GS1's separator may be in there.
        if any(byte < 0x20 and byte != GS1_SEPARATOR for byte in content):
            return False
        return self._settings.pattern is None or re.fullmatch(self._settings.pattern, text) is not None


def _import_zxing() -> Any:
    try:
        import zxingcpp
    except ImportError as error:
        raise ConfigError("code: reading codes needs zxing-cpp; pip install 'taktsight[codes]'") from error
    return zxingcpp
