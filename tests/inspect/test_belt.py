"""A belt whose count is set anew: nobody knows where the parts are, so none of them is let through."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from taktsight.inspect.belt import Belt, PlcEncoder
from taktsight.inspect.belt_settings import PlcEncoderSettings
from taktsight.inspect.plc.blocks import PartBlock
from taktsight.inspect.plc.link import PlcLink, Reading

MS = 1_000_000
SETTINGS = PlcEncoderSettings(kind="plc", mm_per_count=0.5, max_mm_per_s=1000)


class Feed:
    """In the place of a link: gives a reading every 10 ms."""

    def __init__(self, settings: PlcEncoderSettings = SETTINGS, *, counts_parts: bool = True) -> None:
        self.outage = SimpleNamespace(program_stands=False)
        self.belt = Belt(settings.mm_per_count)
        self.lost: list[str] = []
        self.belt.on_lost(self.lost.append)
        self._listener: Callable[[Reading], None] | None = None
        self._now_ns = 0
        PlcEncoder(self.belt, cast(PlcLink, self), settings, counts_parts=counts_parts)

    def listen(self, listener: Callable[[Reading], None]) -> None:
        self._listener = listener

    def say(self, encoder: int, counter: int = 0, *, after_ms: int = 10, is_first: bool = False) -> float:
        """The PLC says so; how far the belt has run by then, mm."""
        assert self._listener is not None
        before_ns, self._now_ns = self._now_ns, self._now_ns + after_ms * MS
        block = PartBlock(counter, 0, 0, encoder, None)
        self._listener(Reading(block, before_ns, self._now_ns, is_first))
        return self.belt.position_mm


def test_belt_runs_as_far_as_it_can_in_either_direction_and_over_the_last_count() -> None:
    feed = Feed()
    feed.say(65_530, is_first=True)
    assert [feed.say(count) for count in (65_535, 4, 65_535, 100)] == [2.5, 5.0, 2.5, 53.0]
    assert feed.lost == []


@pytest.mark.parametrize("anew", [0, 65_535, 30_000])
def test_count_that_was_set_anew_is_no_movement(anew: int) -> None:
    feed = Feed()
    feed.say(12_000, is_first=True)
    feed.say(12_010)
    assert feed.say(anew) == 5.0
    assert len(feed.lost) == 1
    assert f"its count went from 12010 to {anew}" in feed.lost[0]
    assert "max_mm_per_s" in feed.lost[0]
    assert feed.say(anew - 4) == 3.0
    assert len(feed.lost) == 1


def test_part_counter_that_was_set_anew_took_the_encoder_with_it() -> None:
    feed = Feed()
    feed.say(40, 7, is_first=True)
    assert feed.say(0, 0) == 0.0
    assert feed.lost == [
        "the PLC's part counter went from 7 to 0: it was set anew, its encoder perhaps too"
    ]


def test_part_counter_that_nobody_counts_by_may_begin_anew() -> None:
    """With another trigger the PLC counts from 1 each time that the line is armed."""
    feed = Feed(counts_parts=False)
    feed.say(40, 7, is_first=True)
    assert feed.say(44, 0) == 2.0
    assert feed.lost == []


def test_count_that_may_have_gone_round_between_two_readings_says_nothing() -> None:
    feed = Feed(PlcEncoderSettings(kind="plc", mm_per_count=0.01, max_mm_per_s=1000))
    feed.say(0, is_first=True)
    assert feed.say(10, after_ms=400) == 0.0
    assert "may have gone round" in feed.lost[0]


def test_program_that_stood_has_not_counted() -> None:
    feed = Feed()
    feed.say(0, is_first=True)
    feed.say(2)
    feed.outage.program_stands = True
    feed.say(2)
    feed.say(2)
    feed.outage.program_stands = False
    feed.say(4)
    assert feed.lost == ["the PLC's program, which counts the encoder, stood still"] * 2
