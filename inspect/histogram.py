"""A histogram of times in shared memory: as fine as a percentile needs, and its size never changes."""

from __future__ import annotations

SUB_BUCKETS = 32
"""Per octave: a percentile is at most 3 % too high."""
FIRST_OCTAVE = 10
OCTAVES = 32
BUCKETS = SUB_BUCKETS * OCTAVES
_SUM, _MAX, _FIRST = 0, 1, 2
WORDS = _FIRST + BUCKETS
"""What one takes in memory, in words of 8 bytes."""


class Histogram:
    """One writer, any number of readers."""

    def __init__(self, words: memoryview) -> None:
        """``words``: so many as it takes, zero where nothing was recorded."""
        self._words = words

    def record(self, time_ns: int) -> None:
        """One time, ns."""
        words, time_ns = self._words, max(time_ns, 0)
        words[_FIRST + _bucket(time_ns)] += 1
        words[_SUM] += time_ns
        words[_MAX] = max(words[_MAX], time_ns)

    @property
    def max_ns(self) -> int:
        """The longest time, exact."""
        return int(self._words[_MAX])

    @property
    def sum_ns(self) -> int:
        """All times together, exact."""
        return int(self._words[_SUM])

    def counts(self) -> list[int]:
        """How many times fell into each bucket; see :func:`upper_ns`."""
        return self._words[_FIRST:].tolist()

    def percentile_ns(self, percent: float) -> int:
        """The time that ``percent`` of all stayed within: up to 3 % too high, never too low; 0 of none."""
        counts = self.counts()
        wanted = sum(counts) * percent / 100
        seen = 0
        for bucket, count in enumerate(counts):
            seen += count
            if count and seen >= wanted:
                return min(upper_ns(bucket), self.max_ns)
        return 0


def _bucket(time_ns: int) -> int:
    octave = max(time_ns.bit_length() - 1, FIRST_OCTAVE)
    if octave >= FIRST_OCTAVE + OCTAVES:
        return BUCKETS - 1
    within = max(time_ns - (1 << octave), 0) * SUB_BUCKETS >> octave
    return (octave - FIRST_OCTAVE) * SUB_BUCKETS + within


def upper_ns(bucket: int) -> int:
    """The end of a bucket, ns; what it counts is shorter."""
    octave, within = divmod(bucket, SUB_BUCKETS)
    return (SUB_BUCKETS + within + 1) << (octave + FIRST_OCTAVE) >> 5
