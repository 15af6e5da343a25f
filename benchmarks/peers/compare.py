"""How long is a cycle, frame in memory → decision, beside other inspection software on the same network?

Each pipeline is a process of its own that waits until it is told to judge a frame, so one works at a time.
In each round every pipeline judges one frame, in a random order; Taktsight on ONNX Runtime does so twice
(the A/A control). Peers are no dependencies: each has an environment, made as README.md says. The result
is written only where the A/A control lies within 3 %.

    python benchmarks/peers/compare.py demo/flange --ultralytics PYTHON --roboflow PYTHON --anomalib PYTHON
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.benchmarks.peers import subjects
from taktsight.benchmarks.peers.worker import Answer, Pipeline, Worker
from taktsight.inspect.engines import REFERENCE

ENGINES = (REFERENCE, "openvino:f32")
"""Of Taktsight: the one that most peers use, and its fastest of the same precision."""
AGAIN = "taktsight again"
AA_LIMIT = 0.03
WARM_UP = 5
"""Rounds."""
PAUSE_S = 0.01
"""Before each turn, so that threads of the one before it have stopped spinning."""
Answers = dict[str, list[Answer]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A network and what every pipeline did with it."""

    model: str
    pipelines: tuple[Pipeline, ...]
    answers: Answers
    versions: dict[str, dict[str, str]]


def main() -> None:
    """Measures, prints a table, writes ``results/peers.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="trained and evaluated: make demo")
    for peer in ("ultralytics", "roboflow", "anomalib"):
        parser.add_argument(f"--{peer}", metavar="PYTHON", help=f"of the environment with {peer}")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of every engine")
    parser.add_argument("--memory-gib", type=int, default=16, help="address space of each process")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = [_measure(*each, arguments) for each in _plans(Path(folder), arguments)]
    left_out = _left_out(arguments)
    rows = [row for each in every for row in _rows(each)]
    controls = {each.model: _control(each) for each in every}
    _print(rows, controls, left_out)
    noisy = [model for model, control in controls.items() if abs(control["p50"] - 1) > AA_LIMIT]
    if noisy:
        sys.exit(f"nothing was written: the A/A control of {', '.join(noisy)} is off by more than 3 %")
    write_result("peers", _result(arguments, rows, controls, left_out, every))


def _plans(home: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, Path, tuple[Pipeline, ...]]]:
    """Each network that somebody runs: its name, its folder, and who is compared on it."""
    limits = (arguments.frames, arguments.threads, arguments.memory_gib)
    folder = _new(home / "unet")
    name = subjects.unet(folder, arguments.run, arguments.frames)
    yield name, folder, _with_ours(_plain("textbook"), _plain("tidy"))
    if arguments.ultralytics:
        folder = _new(home / "classifier")
        name = subjects.classifier(folder, arguments.ultralytics, *limits)
        yield name, folder, _with_ours(*_classifying(arguments.ultralytics, arguments.roboflow))
    if arguments.anomalib:
        folder = _new(home / "padim")
        name = subjects.padim(folder, arguments.anomalib, *limits)
        inferencers = (("OpenVINOInferencer", "openvino"), ("TorchInferencer", "torch"))
        yield (
            name,
            folder,
            _with_ours(
                *(
                    Pipeline(f"anomalib {each}", arguments.anomalib, "anomalib_inferencers", kind, kind)
                    for each, kind in inferencers
                )
            ),
        )


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _with_ours(*peers: Pipeline) -> tuple[Pipeline, ...]:
    ours = [
        Pipeline(f"taktsight {engine}", sys.executable, "taktsight_inspector", engine, engine, ours=True)
        for engine in ENGINES
    ]
    again = Pipeline(AGAIN, sys.executable, "taktsight_inspector", REFERENCE, REFERENCE, ours=True)
    return (*ours, again, *peers)


def _plain(variant: str) -> Pipeline:
    return Pipeline(
        f"plain loop, {variant}", sys.executable, "plain_loop", variant, "onnxruntime", ours=True
    )


def _classifying(ultralytics: str, roboflow: str | None) -> Iterator[Pipeline]:
    yield Pipeline(
        "Ultralytics predict", ultralytics, "ultralytics_predict", "classifier.onnx", "onnxruntime"
    )
    if roboflow:
        yield Pipeline(
            "Roboflow inference-models", roboflow, "roboflow_models", "classifier.onnx", "onnxruntime"
        )


def _left_out(arguments: argparse.Namespace) -> list[str]:
    said = [peer for peer in ("ultralytics", "roboflow", "anomalib") if not getattr(arguments, peer)]
    if arguments.roboflow and not arguments.ultralytics:
        said.append("roboflow, whose classifier --ultralytics makes")
    return said


def _measure(
    model: str, folder: Path, pipelines: Sequence[Pipeline], arguments: argparse.Namespace
) -> Measured:
    with ExitStack() as stack:
        workers = []
        for pipeline in pipelines:  # one after the other: loading takes both cores
            worker = Worker(pipeline, folder, arguments.threads, arguments.memory_gib)
            stack.callback(worker.close)
            worker.wait_ready()
            workers.append(worker)
        answers = _interleave(workers, arguments.rounds, arguments.frames, model)
        versions = {worker.pipeline.name: worker.versions for worker in workers}
    return Measured(model, tuple(pipelines), answers, versions)


def _interleave(workers: Sequence[Worker], rounds: int, frames: int, title: str) -> Answers:
    """Every pipeline once in each round, in a random order; the first rounds warm up."""
    order = random.Random(0)
    answers: Answers = {worker.pipeline.name: [] for worker in workers}
    for turn in track(range(-WARM_UP, rounds), title, transient=True):
        for worker in order.sample(list(workers), len(workers)):
            time.sleep(PAUSE_S)
            answer = worker.judge(turn % frames, (turn - 1) % frames)
            if turn >= 0:
                answers[worker.pipeline.name].append(answer)
    return answers


def _rows(measured: Measured) -> list[dict[str, object]]:
    """Each peer against each engine of Taktsight."""
    peers = [each for each in measured.pipelines if each.subject != "taktsight_inspector"]
    return [_row(measured, peer, engine) for peer in peers for engine in ENGINES]


def _row(measured: Measured, peer: Pipeline, engine: str) -> dict[str, object]:
    ours, theirs = measured.answers[f"taktsight {engine}"], measured.answers[peer.name]
    (our_p50, our_p99), (their_p50, their_p99) = _percentiles(ours), _percentiles(theirs)
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "peer": peer.name,
        "model": measured.model,
        "peer_engine": peer.engine,
        "taktsight_engine": engine,
        "ratio_p50": round(our_p50 / their_p50, 3),
        "ratio_p99": round(our_p99 / their_p99, 3),
        "taktsight_p50_ms": round(our_p50, 2),
        "taktsight_p99_ms": round(our_p99, 2),
        "peer_p50_ms": round(their_p50, 2),
        "peer_p99_ms": round(their_p99, 2),
        "decisions_that_differ": sum(our.passed is not their.passed for our, their in pairs),
        "score_difference": round(max(abs(our.score - their.score) for our, their in pairs), 5),
    }


def _percentiles(answers: Sequence[Answer]) -> tuple[float, float]:
    p50, p99 = np.percentile([answer.spent_ms for answer in answers], [50, 99])
    return float(p50), float(p99)


def _control(measured: Measured) -> dict[str, float]:
    again, first = (_percentiles(measured.answers[name]) for name in (AGAIN, f"taktsight {REFERENCE}"))
    return {"p50": round(again[0] / first[0], 3), "p99": round(again[1] / first[1], 3)}


def _print(
    rows: Sequence[dict[str, object]], controls: dict[str, dict[str, float]], left_out: Sequence[str]
) -> None:
    table = Table(
        "model", "peer", "its p50, p99 ms", "Taktsight on", "p50, p99 ms", "ratio p50", "p99", "Δ score"
    )
    for row in rows:
        table.add_row(
            f"{row['model']}",
            f"{row['peer']}",
            f"{row['peer_p50_ms']}, {row['peer_p99_ms']}",
            f"{row['taktsight_engine']}",
            f"{row['taktsight_p50_ms']}, {row['taktsight_p99_ms']}",
            f"{row['ratio_p50']}",
            f"{row['ratio_p99']}",
            f"{row['score_difference']}, {row['decisions_that_differ']} flipped",
        )
    console = Console(width=160)
    console.print(table)
    for model, control in controls.items():
        console.print(f"A/A {model}: p50 {control['p50']}, p99 {control['p99']}")
    console.print(f"left out: {', '.join(left_out) or 'none'}")


def _result(
    arguments: argparse.Namespace,
    rows: Sequence[dict[str, object]],
    controls: dict[str, dict[str, float]],
    left_out: Sequence[str],
    every: Sequence[Measured],
) -> dict[str, object]:
    given = [
        f"--{peer} PYTHON" for peer in ("ultralytics", "roboflow", "anomalib") if getattr(arguments, peer)
    ]
    command = (
        f"python benchmarks/peers/compare.py demo/flange {' '.join(given)} --rounds {arguments.rounds}"
    )
    return {
        "ratio": "Taktsight's cycle ÷ the peer's: below 1 Taktsight is faster",
        "rows": rows,
        "aa": controls,
        "left_out": left_out,
        "versions": {name: found for each in every for name, found in each.versions.items()},
        "rounds": arguments.rounds,
        "frames": arguments.frames,
        "threads": arguments.threads,
        "memory_gib": arguments.memory_gib,
        **circumstances(),
        "command": command,
    }


if __name__ == "__main__":
    main()
