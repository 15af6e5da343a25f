"""Lines of a part by the time of its trigger, out of the strips that were kept; or none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taktsight.inspect.cameras.line_images import History, join
from taktsight.inspect.cameras.line_strips import Rules, Strip, StripMaker

from .scan import HEIGHT, run
from .web import LINE_NS, lines_of


def strips(*numbers: int) -> list[Strip]:
    maker, given = StripMaker(Rules(HEIGHT)), []
    for each in run(*numbers):
        given += maker.add(each)
    return given


def test_part_begins_at_the_line_under_the_sensor_at_its_trigger() -> None:
    history = History(lines=6, lead_lines=-2, kept=40)
    for strip in strips(*range(8)):
        history.add(strip)
    joined = history.part(13 * LINE_NS)
    assert joined is not None
    assert joined.image is not None
    assert lines_of(joined.image) == list(range(11, 17))
    assert joined.captured_ns == 17 * LINE_NS
    assert history.part(25 * LINE_NS) is None  # its last lines are still to come
    assert history.part(90 * LINE_NS) is None


def test_part_whose_lines_are_gone_or_missing_has_no_image() -> None:
    history = History(lines=6, lead_lines=0, kept=28)
    for strip in strips(*range(6), 7, *range(8, 12)):
        history.add(strip)
    fault = {at: history.part(at * LINE_NS) for at in (2, 22, 25)}
    assert all(joined is not None and joined.image is None for joined in fault.values())
    texts = [joined.fault for joined in fault.values() if joined is not None]
    assert "before the lines that are kept" in texts[0]
    assert texts[1] == "lines 2 to 5 of 6 are missing: 1 block did not arrive"
    assert "in a gap" in texts[2]


def test_part_whose_trigger_met_a_belt_that_stopped_has_no_image() -> None:
    blocks = run(*range(6))
    blocks[3:] = [replace(each, captured_ns=each.captured_ns + 10**9) for each in blocks[3:]]
    maker, history = StripMaker(Rules(HEIGHT)), History(lines=4, lead_lines=0, kept=40)
    for each in blocks:
        for strip in maker.add(each):
            history.add(strip)
    stopped = history.part(10 * LINE_NS)
    assert stopped is not None
    assert "the belt stopped" in stopped.fault


def test_lines_that_no_strip_has_are_never_joined() -> None:
    some = strips(*range(5))
    with pytest.raises(ValueError, match="the strips reach to"):
        join(some, 10, 20)
    with pytest.raises(ValueError, match="are wanted"):
        join([some[0], some[2]], 0, 12)


def test_lines_of_one_block_are_not_copied() -> None:
    first = strips(*range(3))[0]
    assert np.shares_memory(join([first], 1, 2).image, first.image)
