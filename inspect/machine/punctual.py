"""Tries to become punctual and prints what was refused; run in a process of its own, which it changes."""

from __future__ import annotations

import sys

from taktsight.inspect.realtime import become_punctual

if __name__ == "__main__":
    sys.stdout.write("".join(f"{sentence}\n" for sentence in become_punctual()))
