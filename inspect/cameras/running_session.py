"""An open camera with its threads: one receives its frames, one fires it, one asks for its time."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from taktsight.errors import CameraError
from taktsight.inspect.cameras.session import Received, Session

log = logging.getLogger(__name__)

NoteTime = Callable[[int, int, int], None]
"""The camera's clock, and ours before and after, ns."""
ASK_TIME_S = 5.0
"""How often a camera is asked for its time."""
WAIT_S = 0.05
"""How long the receiver waits before it looks whether it shall end."""


class RunningSession:
    """From its first frame to its end, which is in a thread: a camera that is gone takes seconds."""

    def __init__(
        self, name: str, session: Session, take_in: Callable[[Received], None], note_time: NoteTime
    ) -> None:
        self.session = session
        self.began_ns = self.heard_ns = self.whole_ns = time.monotonic_ns()
        """Monotonic clock: when the last frame came, whole or not; and the last whole one. What is left
        of a frame comes long after its last packet, and says nothing of how the camera is by then."""
        self.broken_off = ""
        """Why the library will send no more frames; "" as long as it may."""
        self.missed = 0
        """Parts in a row that got no frame."""
        self._name = name
        self._take_in, self._note_time = take_in, note_time
        self._ending = threading.Event()
        self._shots: queue.Queue[bool] = queue.Queue(1)
        self._threads = [
            threading.Thread(target=run, name=f"{what}-{name}", daemon=True)
            for what, run in (("receive", self._receive), ("fire", self._fire), ("time", self._ask_time))
        ]
        for thread in self._threads:
            thread.start()

    def fire(self) -> None:
        """Makes the camera expose, as soon as it takes it. Never waits.

        Raises:
            CameraError: If it has not taken the last one yet.
        """
        try:
            self._shots.put_nowait(True)
        except queue.Full:
            raise CameraError(
                f"{self._name}: the camera has not taken the trigger before this one"
            ) from None

    def end(self) -> threading.Thread:
        """Ends it in a thread, which is given back; no frame of it is taken in after that has begun."""
        self._ending.set()
        thread = threading.Thread(target=self._close, name=f"close-{self._name}", daemon=True)
        thread.start()
        return thread

    def _receive(self) -> None:
        while not self._ending.is_set():
            try:
                received = self.session.receive(WAIT_S)
            except CameraError as error:
                self.broken_off = str(error)
                return
            if received is not None and not self._ending.is_set():
                self.heard_ns, self.missed = received.arrived_ns, 0
                if not received.fault:
                    self.whole_ns = received.arrived_ns
                self._take_in(received)

    def _fire(self) -> None:
        is_refused = False
        while not self._ending.is_set():
            try:
                self._shots.get(timeout=WAIT_S)
            except queue.Empty:
                continue
            try:
                self.session.fire()
            except CameraError as error:  # its part gets no frame, and says so
                if not is_refused and not self._ending.is_set():
                    log.warning("%s: not triggered: %s", self._name, error)
                is_refused = True
            else:
                is_refused = False

    def _ask_time(self) -> None:
        while not self._ending.is_set():
            try:
                answer = self.session.ask_time()
            except CameraError as error:
                log.warning("%s: does not tell its time: %s", self._name, error)
            else:
                if answer is None:
                    return
                self._note_time(*answer)
            self._ending.wait(ASK_TIME_S)

    def _close(self) -> None:
        for thread in self._threads:
            thread.join()
        self.session.close()
