"""A GigE Vision or USB3 Vision camera that a wire triggers: it may be the station's trigger too."""

from __future__ import annotations

from collections.abc import Callable

from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.gige_camera import GigeCamera
from taktsight.inspect.messages import Expose
from taktsight.records import Image


class WiredGigeCamera:
    """Only it can say of each frame that a part is there: others expose when they are told, or always."""

    def __init__(self, camera: GigeCamera) -> None:
        self.name = camera.name
        self._camera = camera

    @property
    def parts(self) -> int | None:
        """Without end."""
        return None

    def rehearsal(self) -> Image:
        """Grey, of the size that it delivers."""
        return self._camera.rehearsal()

    def tell_exposures(self, tell: Callable[[int, int], object]) -> None:
        """From now on ``tell`` is given number and ``captured_ns`` of each frame, whole or not."""
        self._camera.tell_frames(tell)

    def outage(self) -> str:
        """Why no frame will come; "" while one may. The camera is asked for signs of life all the time."""
        return self._camera.lost

    def grab(self, expose: Expose) -> Exposure:
        """The frame that the wire exposed for a part.

        Raises:
            CameraError: If there is none, it is not whole, or the camera is gone.
        """
        return self._camera.grab(expose)

    def close(self) -> None:
        """Lets go of it."""
        self._camera.close()
