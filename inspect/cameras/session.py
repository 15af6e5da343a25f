"""One time that a camera is open: what both camera libraries give to the code above them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from taktsight.inspect.cameras.gige_setup import Running
from taktsight.inspect.cameras.pixel_formats import Buffer


@dataclass(frozen=True, slots=True)
class Received:
    """A frame as it came in, or what is left of it."""

    arrived_ns: int
    """When it was whole, or was given up; monotonic clock of this computer, ns."""
    began_ns: int
    """When its first packet came, or the nearest to it that the library says; monotonic clock."""
    fault: str = ""
    """Why it is no whole frame; then only its times and number may be known."""
    device_ns: int | None = None
    """When it was exposed, on the camera's clock; None where the camera does not say."""
    number: int | None = None
    """As the camera counts; None where it does not."""
    data: Buffer = b""
    """Nobody writes to it any more, as long as it is referred to."""
    width: int = 0
    height: int = 0
    format_code: int = 0
    padding: int = 0
    """Bytes behind each row that are no pixels."""
    exposure_us: float | None = None
    """As the frame itself says."""
    encoder_count: int | None = None
    """Of a line-scan camera: the encoder's at its first line, as the frame itself says."""


class Session(Protocol):
    """A camera that is open and sends frames, until it is closed or lost."""

    running: Running
    address: str | None
    """Of GigE Vision: where it can be asked for a sign of life. None of USB3 Vision."""

    @property
    def in_control(self) -> bool:
        """Whether the camera still obeys us, as far as the library knows. Never waits."""

    def receive(self, wait_s: float) -> Received | None:
        """The next frame, or None if none came in time. One thread calls it.

        Raises:
            CameraError: If none will come any more.
        """

    def fire(self) -> None:
        """Makes it expose, once. It may take seconds where the camera is gone.

        Raises:
            CameraError: If the camera did not take it.
        """

    def ask_time(self) -> tuple[int, int, int] | None:
        """The camera's clock, and ours before and after it was read, ns; None where it cannot be asked.

        Raises:
            CameraError: If it does not answer.
        """

    def close(self) -> None:
        """Lets go of it. It may take seconds where the camera is gone; no other call is under way."""
