"""Memory that was used once is used again, instead of being asked of the kernel anew."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROUNDS = """
import ctypes, resource, sys
from taktsight.training.allocator import keep_freed_memory
libc = ctypes.CDLL("libc.so.6")
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "keep":
    keep_freed_memory()
def use() -> None:
    place = libc.malloc(48 << 20)
    ctypes.memset(place, 1, 48 << 20)
    libc.free(place)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    answer = subprocess.run(
        [sys.executable, "-c", ROUNDS, how], check=True, capture_output=True, text=True
    ).stdout
    return int(answer)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone has these settings")
def test_kept_memory_costs_no_page_faults_the_second_time() -> None:
    assert faults("keep") < 50 < faults("as it is")
