"""Looks after a camera: hears that it is gone, lets go of it, and opens it again as soon as it answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from taktsight.errors import CameraError, ConfigError, LineError
from taktsight.inspect.cameras.frame_intake import FrameIntake
from taktsight.inspect.cameras.gige_settings import (
    GigeSettings,
)
from taktsight.inspect.cameras.gvcp import Pulse
from taktsight.inspect.cameras.network import is_address
from taktsight.inspect.cameras.running_session import RunningSession
from taktsight.inspect.cameras.session import Session
from taktsight.inspect.cameras.stream import FrameSink

log = logging.getLogger(__name__)

SILENCE_NS = 170_000_000
"""Without a sign of life for so long it counts as lost; where it runs free slowly, after 2.5 frames."""
PATIENCE_NS = 1_000_000_000
"""A lost camera may go on by itself within this; after it, it is opened anew."""
LOOK_S = 0.015
"""How often somebody looks after the camera."""
ASK_NS = 40_000_000
"""How often it is asked for a sign of life."""
RETRY_NS = 300_000_000
"""Between two tries to open it."""
SEARCH_NS = 5_000_000_000
"""Between two searches for a camera that is known by its name and answers no more where it was."""
MISSED_IN_A_ROW = 5
"""So many parts without any frame, from a camera that answers: it is opened anew."""
SETTLED_NS = 10_000_000_000
"""But not again within this: if that did not help, it does not help."""
CONTROL_S = 8.0
"""How long a start waits for a camera that seems to be controlled by a line that was killed."""
WARM_UP_FRAMES, WARM_UP_S = 8, 1.5
"""The first frame after a start is often incomplete: so many are tried; each comes within that."""
KNOWN_FRAMES, KNOWN_S = 5, 1.0
"""The quickest of so many whole frames says how the camera's clock goes; of a slow camera, of two."""
LAST_WORDS_NS = 1_500_000_000
"""What the session before may still say once the camera answers again; it would disturb the new one."""
END_S = 4.0
"""How long the end of a camera that is gone is waited for; the line waits for 5 s."""

MAX_CLOSING = 4
"""Sessions that may be about to end at once: no other one is opened beside them."""
GIVEN_UP_NS = 30_000_000_000
"""A session that has not ended for so long never will: only a new process is rid of it."""

OpenSession = Callable[[float], Session]
"""Opens the camera, and waits so many seconds for whoever controls it to let go."""


class Keeper:
    """A camera from its first session to its last one."""

    def __init__(
        self, settings: GigeSettings, stream: FrameSink, intake: FrameIntake, open_session: OpenSession
    ) -> None:
        """Opens it.

        Raises:
            ConfigError: If it cannot do what the station asks for.
            CameraError: If it is not there, somebody else has it, or it sends no whole frame.
        """
        self.losses = 0
        """How often it was lost."""
        self.session: RunningSession | None = None
        """None while it is lost and let go of."""
        self._name, self._settings = settings.name, settings
        self._stream, self._intake, self._open_session = stream, intake, open_session
        self._pulse: Pulse | None = None
        self._ending = threading.Event()
        self._closing: list[tuple[int, threading.Thread]] = []
        self._retry_ns = self._there_ns = 0
        self._lost_ns: int | None = None
        self._refusal = ""
        self._thread = threading.Thread(target=self._keep, name=f"keep-{self._name}", daemon=True)
        try:
            session = self._open(CONTROL_S)
        except (CameraError, ConfigError):
            self._close_all()
            raise
        self.running = session.session.running
        """What it runs with."""
        self.session = session
        self._thread.start()

    def close(self) -> None:
        """Lets go of the camera; no thread of it runs any more."""
        self._ending.set()
        self._thread.join()
        self._let_go()
        self._close_all()

    def _open(self, wait_s: float) -> RunningSession:
        """A session that has sent a whole frame, where it can be made to."""
        session = self._open_session(wait_s)
        if session.address is not None and (self._pulse is None or self._pulse.address != session.address):
            if self._pulse is not None:
                self._pulse.close()
            self._pulse = Pulse(session.address)
        if self._pulse is not None:
            self._pulse.begin_anew()
        self._intake.begin_anew(session.running)
        take_in = partial(self._intake.take_in, session.running)
        running = RunningSession(self._name, session, take_in, self._intake.note_time)
        try:
            self._warm_up(running)
        except CameraError:
            self._close(running)
            raise
        self._intake.serve()
        return running

    def _warm_up(self, running: RunningSession) -> None:
        """Waits for the first whole frames. A camera that waits for its sensor cannot be tried.

        Raises:
            CameraError: If none comes.
        """
        trigger = self._settings.trigger
        if trigger in ("hardware", "lines"):
            return
        whole, began_s = 0, time.monotonic()
        for _ in range(WARM_UP_FRAMES):
            before = self._intake.seen()
            if trigger == "software":
                running.fire()
            came = self._intake.wait_for_next(before, WARM_UP_S + self._frames_ns(1) / 1e9)
            if came is None:
                break
            whole += came
            if whole == KNOWN_FRAMES or (whole > 1 and time.monotonic() - began_s > KNOWN_S):
                break
        if not whole:
            address = running.session.address
            why = self._intake.fault or f"none came at all; does a firewall hold up UDP from {address}?"
            raise CameraError(f"it answers, but sends no whole frame: {why}")

    def _keep(self) -> None:
        while not self._ending.wait(LOOK_S):
            now_ns = time.monotonic_ns()
            self._feel_pulse(now_ns)
            if self.session is None:
                self._try_again(now_ns)
            else:
                self._look_after(self.session, now_ns)

    def _feel_pulse(self, now_ns: int) -> None:
        if self._pulse is None:
            return
        self._pulse.listen()
        frame_ns = self.session.whole_ns if self.session is not None else 0
        if now_ns - max(self._pulse.asked_ns, frame_ns) >= ASK_NS:  # a frame is a sign of life too
            self._pulse.ask()

    def _look_after(self, running: RunningSession, now_ns: int) -> None:
        reason = self._why_anew(running, now_ns)
        if reason:
            self._lose(reason, now_ns)
            self._let_go()
            return
        limit_ns = max(SILENCE_NS, self._frames_ns(2.5))
        silent_ns = now_ns - self._heard_ns(running, now_ns)
        if silent_ns > limit_ns:
            self._lose(f"no sign of life for {silent_ns / 1e6:.0f} ms", now_ns)
            if silent_ns > limit_ns + PATIENCE_NS:
                self._let_go()
        elif self._lost_ns is not None:
            self._find(now_ns)

    def _why_anew(self, running: RunningSession, now_ns: int) -> str:
        """Why this session will not bring frames any more; "" as long as it may."""
        if running.broken_off:
            return running.broken_off
        is_ours = running.session.in_control and (self._pulse is None or self._pulse.is_controlled)
        if not is_ours:
            return "it was switched off meanwhile, or somebody else controls it"
        if running.missed >= MISSED_IN_A_ROW and now_ns - running.began_ns > SETTLED_NS:
            return f"{running.missed} parts in a row without a frame"
        return ""

    def _heard_ns(self, running: RunningSession, now_ns: int) -> int:
        """The last sign of life. A camera that runs free owes frames; another one may have none to send."""
        heard_ns = running.heard_ns if self._settings.trigger == "free" else now_ns
        if self._pulse is None:
            return heard_ns
        return min(heard_ns, max(running.whole_ns, self._pulse.answered_ns or running.began_ns))

    def _frames_ns(self, count: float) -> int:
        return 0 if self._settings.fps is None else round(count * 1e9 / self._settings.fps)

    def _lose(self, reason: str, now_ns: int) -> None:
        if self._lost_ns is None:
            self.losses += 1
            self._lost_ns = now_ns
            log.warning("%s: lost: %s", self._name, reason)
            self._stream.lose(f"the camera is lost: {reason}")

    def _find(self, now_ns: int) -> None:
        if self._lost_ns is not None:
            log.info("%s: back after %.1f s", self._name, (now_ns - self._lost_ns) / 1e9)
        self._lost_ns, self._refusal = None, ""
        self._stream.regain()

    def _close(self, running: RunningSession) -> None:
        self._closing.append((time.monotonic_ns(), running.end()))

    def _let_go(self) -> None:
        running, self.session = self.session, None
        if running is not None:
            self._close(running)
            self._retry_ns = self._there_ns = 0

    def _try_again(self, now_ns: int) -> None:
        if now_ns < self._retry_ns or not self._may_be_there(now_ns):
            return
        if self._is_still_closing(now_ns):
            return
        try:
            self.session = self._open(0.0)
        except (CameraError, ConfigError) as error:  # it may become right again: the next try says
            self._retry_ns = time.monotonic_ns() + RETRY_NS
            if str(error) != self._refusal:
                self._refusal = str(error)
                log.warning("%s: cannot be opened again: %s", self._name, error)
            return
        self._find(time.monotonic_ns())

    def _is_still_closing(self, now_ns: int) -> bool:
        """Whether the session before is still about to end; it is waited for, but not for long.

        Raises:
            LineError: If several never end; the thread ends with it, and with the thread vision.
        """
        self._closing = [(since_ns, thread) for since_ns, thread in self._closing if thread.is_alive()]
        if len(self._closing) >= MAX_CLOSING:
            if now_ns - self._closing[0][0] < GIVEN_UP_NS:
                return True
            raise LineError(
                f"{self._name}: its driver has left {len(self._closing)} sessions open and never ends "
                "them; vision ends, for a new process to open the camera"
            )
        if not self._closing or self._pulse is None:
            return False
        self._there_ns = self._there_ns or now_ns
        return now_ns - self._there_ns < LAST_WORDS_NS

    def _may_be_there(self, now_ns: int) -> bool:
        """Whether it answers; one that is known by its name may be at another address now."""
        if self._pulse is None or now_ns - (self._pulse.answered_ns or 0) < SILENCE_NS:
            return True
        if is_address(self._settings.device) or now_ns - (self._lost_ns or 0) < SEARCH_NS:
            return False
        self._retry_ns = now_ns + SEARCH_NS
        return True

    def _close_all(self) -> None:
        until_s = time.monotonic() + END_S
        for _, thread in self._closing:
            thread.join(max(0.0, until_s - time.monotonic()))
        if self._pulse is not None:
            self._pulse.close()


def open_keeper(
    settings: GigeSettings, stream: FrameSink, intake: FrameIntake, open_session: OpenSession
) -> Keeper:
    """A keeper whose camera is open; an error says which camera it is about.

    Raises:
        ConfigError: If it cannot do what the station asks for.
        CameraError: If it is not there, somebody else has it, or it sends no whole frame.
    """
    try:
        return Keeper(settings, stream, intake, open_session)
    except ConfigError as error:
        raise ConfigError(f"camera {settings.name!r}: {error}") from error
    except CameraError as error:
        raise CameraError(f"camera {settings.name!r}: {error}") from error
