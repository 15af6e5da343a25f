"""The bench's side of judging again: a short line of questions, one process that answers, and its end."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from concurrent.futures import Future
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from taktsight.inspect.review.pictures.judging import JudgeFrame, serve
from taktsight.inspect.review.pictures.overlays import Overlay

log = logging.getLogger(__name__)

MAX_ASKED = 32
"""Frames that wait; one more is told to come again."""
LIMIT_S = 120.0
"""For one frame, beside a line that needs the cores. Longer, and the process hangs."""
BUSY = Overlay(is_ready=False, why="many frames are being judged again; come back in a moment")
LOST = Overlay(is_ready=False, why="it cannot be judged again: the process that judges ended over it")


class JudgePort:
    """Starts the process when it is first needed, and again where it was lost."""

    def __init__(self) -> None:
        self._asked: queue.Queue[tuple[JudgeFrame, Future[Overlay]] | None] = queue.Queue(MAX_ASKED)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._stopping = threading.Event()

    def ask(self, frame: JudgeFrame) -> Future[Overlay]:
        """Its answer comes in the future."""
        answer: Future[Overlay] = Future()
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="review-judge", daemon=True)
                self._thread.start()
        try:
            if self._stopping.is_set():
                raise queue.Full
            self._asked.put_nowait((frame, answer))
        except queue.Full:
            answer.set_result(BUSY)
        return answer

    @property
    def process_id(self) -> int | None:
        """Of the process; None while there is none."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Ends the process, whatever it is at."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.kill()
        with contextlib.suppress(queue.Full):
            self._asked.put_nowait(None)
        if self._thread is not None:
            self._thread.join(10)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                asked = self._asked.get(timeout=1.0)
            except queue.Empty:
                continue
            if asked is not None:
                asked[1].set_result(self._answer(asked[0]))
        self._end()
        while not self._asked.empty():
            left = self._asked.get_nowait()
            if left is not None:
                left[1].set_result(LOST)

    def _answer(self, frame: JudgeFrame) -> Overlay:
        try:
            connection = self._connected()
            connection.send(frame)
            if not connection.poll(LIMIT_S):
                raise TimeoutError
            answer: Overlay = connection.recv()
        except (EOFError, OSError) as error:  # killed, out of memory, or hung
            if not self._stopping.is_set():
                log.warning("the process that judges again was lost over a frame: %s", type(error).__name__)
            self._end()
            return LOST
        return answer

    def _connected(self) -> Connection:
        if self._connection is None:
            context = get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._process, self._connection = process, ours
            if self._stopping.is_set():
                process.kill()
        return self._connection

    def _end(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.join(10)
            process.close()
