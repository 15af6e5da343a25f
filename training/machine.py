"""What this machine computes fast, asked once and said aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

Precision = Literal["bf16-mixed", "16-mixed", "32-true"]


def fast_precision() -> Precision:
    """bfloat16 where the GPU or the CPU multiplies it in hardware, else float32.

    On a CPU without AVX-512 BF16 or AMX, bfloat16 is emulated and slower than float32.
    """
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if _cpu_flags() & {"avx512_bf16", "amx_bf16"} else "32-true"


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux: float32 is right everywhere
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
