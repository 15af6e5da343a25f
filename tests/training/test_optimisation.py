"""The schedule, what is decayed, and the precision that a machine multiplies fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from taktsight.training import machine
from taktsight.training.optimisation import adamw_cosine


def rates(steps: int, learning_rate: float = 0.1) -> list[float]:
    chosen: Any = adamw_cosine(nn.Linear(2, 2), learning_rate=learning_rate, weight_decay=0.5, steps=steps)
    optimizer, scheduler = chosen["optimizer"], chosen["lr_scheduler"]["scheduler"]
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_rate_warms_up_over_5_percent_and_falls_to_zero() -> None:
    seen = rates(100)
    assert seen[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert max(seen) == pytest.approx(0.1)
    assert seen[5:] == sorted(seen[5:], reverse=True)
    assert seen[-1] == pytest.approx(0, abs=1e-9)
    assert seen[52] == pytest.approx(0.05, abs=0.002)  # half-way down the cosine


@pytest.mark.parametrize("steps", [1, 2, 19])
def test_short_training_begins_at_a_rate_that_moves_something(steps: int) -> None:
    assert rates(steps)[0] == pytest.approx(0.1)


def test_schedule_moves_with_every_step_and_not_with_every_epoch() -> None:
    chosen: Any = adamw_cosine(nn.Linear(2, 2), learning_rate=0.1, weight_decay=0.5, steps=10)
    assert chosen["lr_scheduler"]["interval"] == "step"


def test_what_knows_something_already_moves_slower() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    chosen: Any = adamw_cosine(
        network, learning_rate=0.1, weight_decay=0.5, steps=1, slow=network[0], slow_rate=0.25
    )
    rates_of = {id(p): group["lr"] for group in chosen["optimizer"].param_groups for p in group["params"]}
    assert [rates_of[id(p)] for p in network.parameters()] == pytest.approx([0.025, 0.025, 0.1, 0.1])


def test_biases_and_norms_are_not_decayed_and_frozen_weights_are_not_trained() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 4))
    network[2].weight.requires_grad = False
    chosen: Any = adamw_cosine(network, learning_rate=0.1, weight_decay=0.5, steps=10)
    decayed, free = chosen["optimizer"].param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.5, 0.0)
    assert [tuple(weight.shape) for weight in decayed["params"]] == [(2, 1, 3, 3)]
    assert all(weight.dim() == 1 for weight in free["params"])
    assert len(free["params"]) == 4


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ("fpu avx2 avx512f avx512_bf16", "bf16-mixed"),
        ("fpu amx_bf16 amx_tile", "bf16-mixed"),
        ("fpu avx2 avx512f", "32-true"),
        ("", "32-true"),
    ],
)
def test_cpu_takes_bfloat16_only_where_its_flags_have_it(
    flags: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: bf16 maker\nflags\t\t: {flags}\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "Path", lambda _: cpuinfo)
    assert machine.fast_precision() == wanted


def test_machine_that_does_not_tell_its_flags_computes_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "Path", lambda _: tmp_path / "absent")
    assert machine.fast_precision() == "32-true"
