"""What every test of the line shares: no network, and one small product that was really trained."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# A shell starts what runs in the background with Ctrl-C ignored, and what the tests start would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOOPBACK = ("127.", "::1", "localhost")

TRAINING = """
model:
  class_path: taktsight.training.segmenter.Segmenter
  init_args:
    encoder: test_efficientnet  # timm's network for tests: 0.15 million weights
    decoder_channels: [32, 16, 16, 8, 8]
data:
  root: learn
  layout: mask_folder
  index: learn/index.csv
  part_column: part
  mm_per_px: 0.4
  book: book.yaml
  canvas: {height: 128, width: 128, channels: 1, factor: 1}
  batch_size: 8
  cache_dir: cache
trainer:
  accelerator: cpu
  max_epochs: 2
"""

BOOK = """
product: flange
labels:
  - {name: crack, description: a dark jagged line, severity: critical}
  - {name: pit, description: a small crater, severity: major, max_area_mm2: 0.2, why: drawing 4711}
  - {name: scratch, description: a bright smooth line, severity: major}
  - {name: stain, description: a darker patch, severity: minor}
"""

SHIFT = """
import contextlib, io, json, sys, traceback
from pathlib import Path
from taktsight.cli import main

touched = []
sys.addaudithook(lambda event, of: touched.append(str(of[1])) if event == "socket.connect" else None)
done, heard = [], io.StringIO()
for arguments in json.loads(sys.argv[1]):
    before = heard.tell()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        try:
            status = main(arguments)
        except (Exception, SystemExit):
            status = -1
            traceback.print_exc()
    done.append([" ".join(arguments), status, heard.getvalue()[before:]])
Path("done.json").write_text(json.dumps({"verbs": done, "touched": touched}))
"""
"""Every verb in one process: importing PyTorch costs more than the training itself."""

VERBS = (
    "data synth learn --parts 60 --size-px 128 --defective-share 0.5 --seed 1",
    "train training.yaml --run run",
    "train training.yaml --run run --resume --trainer.max_epochs=3",
    "evaluate run --pictures 1",
    "export run --out part.taktsight",
    "export run --out again.taktsight",
    "verify part.taktsight --run run",
    "train training.yaml --run twin --trainer.max_epochs=1",
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails; sockets within this machine are allowed."""

    def guard(connect: Any) -> Any:
        def local_only(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not address[0].startswith(LOOPBACK):
                raise AssertionError(f"a test reached for the network: {address}")
            return connect(self, address)

        return local_only

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guard(getattr(socket.socket, name)))


@pytest.fixture(autouse=True)
def as_nice_as_before() -> Iterator[None]:
    """A test that makes this process nicer slows every later one, and what those start."""
    nice, policy = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)
    yield
    assert os.getpriority(os.PRIO_PROCESS, 0) == nice
    assert os.sched_getscheduler(0) != os.SCHED_IDLE
    if os.sched_getscheduler(0) != policy:  # a line ran in this process, and it is punctual
        os.sched_setscheduler(0, policy, os.sched_param(0))


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a product was made, learned, resumed, evaluated, exported twice and verified.

    ``done.json`` says what each verb answered. Nobody writes into this folder afterwards.
    """
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "training.yaml").write_text(TRAINING, encoding="utf-8")
    (folder / "book.yaml").write_text(BOOK, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", SHIFT, json.dumps([verb.split() for verb in VERBS])],
        cwd=folder,
        # On cores that others use, more threads wait for each other longer than they compute.
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        timeout=280,
    )
    return folder


@pytest.fixture
def in_workshop(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The workshop as working directory, computed with one thread as it was made."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.chdir(workshop)
    yield workshop
    torch.set_num_threads(threads)
