"""The live view's place on the terminal. Imports nothing heavy: the crew starts within it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from taktsight.inspect.children import SAFE_PATH, python_command


@contextlib.contextmanager
def log_into_pipe() -> Iterator[int]:
    """What this process and those it starts log goes into a pipe; gives the pipe's other end.

    Nothing waits where the pipe is full: a terminal that was stopped with Ctrl-S must not stop a line.
    """
    log_end, our_end = os.pipe()
    os.set_blocking(our_end, False)
    terminal = os.dup(2)
    os.dup2(our_end, 2)
    os.close(our_end)
    try:
        yield log_end
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(log_end)


@contextlib.contextmanager
def live_view(log_end: int, meters_descriptor: int, title: str) -> Iterator[None]:
    """A process that draws the meters, and prints what is logged above the picture."""
    inherited = (meters_descriptor, log_end)
    view = subprocess.Popen(
        # The line is just starting: the picture is what can wait.
        ["/usr/bin/env", "nice", "-n", "10", *python_command("taktsight.inspect.view", *inherited, title)],
        stdin=subprocess.PIPE,
        pass_fds=inherited,
        env=os.environ | SAFE_PATH,
    )
    try:
        yield
    finally:
        view.communicate()  # the end of its input is the end of the view
