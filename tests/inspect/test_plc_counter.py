"""Whatever a PLC's counter does: each of its parts is one part of the line, or it is said why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.notes import Notes
from taktsight.inspect.plc.blocks import PartBlock
from taktsight.inspect.plc.link import PlcLink, Reading
from taktsight.inspect.triggers.arrivals import MAX_LOST
from taktsight.inspect.triggers.plc import PlcTrigger
from taktsight.inspect.triggers.settings import PlcTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival

readings = st.lists(
    st.tuples(
        # Mostly nothing or one; jumps, and what no line counts.
        st.sampled_from([0, 0, 1, 1, 1, 2, 5, MAX_LOST, MAX_LOST + 1, 40_000, 65_535]),
        st.sampled_from([False, False, False, True]),  # the connection was made anew before it
        st.booleans(),  # the line takes what has come
    ),
    max_size=40,
)


class Feed:
    """In the place of a link: gives readings."""

    def __init__(self) -> None:
        self.listener: Callable[[Reading], None] | None = None

    def listen(self, listener: Callable[[Reading], None]) -> None:
        self.listener = listener


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 65_535), readings)
def test_each_step_of_the_counter_is_one_part_in_order(
    start: int, steps: list[tuple[int, bool, bool]]
) -> None:
    feed, counts, faults = Feed(), Counter[str](), list[str]()

    def count(name: str, by: int) -> None:
        counts[name] += by

    trigger = PlcTrigger(PlcTriggerSettings(kind="plc"), cast(PlcLink, feed), Notes(faults.append, count))
    assert feed.listener is not None
    counter, now_ns = start, 0
    taken: list[Arrival] = []
    wanted: list[tuple[int | None, bool]] = []
    resets = 0
    feed.listener(Reading(PartBlock(counter, 0, 0, 0, None), 0, 1, True))
    trigger.arm(0, None)
    for step, is_first, is_taken in steps:
        before, counter, now_ns = counter, counter + step & 0xFFFF, now_ns + 10
        waiting = len(wanted) - len(taken)
        if is_first:  # what waits may have another number in a PLC that was started anew
            wanted[len(taken) :] = [(None, is_lost) for _, is_lost in wanted[len(taken) :]]
        feed.listener(Reading(PartBlock(counter, 0, 0, 0, None), now_ns - 10, now_ns, is_first))
        if step > MAX_LOST or (step and waiting > MAX_LOST):
            resets += 1
            untaken = [(None, True)] * waiting  # they have no number any more, and nobody looks at them
            wanted[len(wanted) - waiting :] = untaken
        else:
            numbers = [before + 1 + part & 0xFFFF for part in range(step)]
            wanted += [(number, is_first or number != counter) for number in numbers]
        while is_taken and (arrival := trigger.fire(now_ns)) is not None:
            taken.append(arrival)
            assert trigger.number_of(len(taken)) == arrival.number
    while (arrival := trigger.fire(now_ns)) is not None:
        taken.append(arrival)
    assert [(arrival.number, bool(arrival.unseen)) for arrival in taken] == wanted
    assert [arrival.triggered_ns for arrival in taken] == sorted(arrival.triggered_ns for arrival in taken)
    assert counts["counter_resets"] == resets == len(faults)


def test_part_from_before_the_counter_was_set_anew_has_no_number() -> None:
    feed, told = Feed(), list[str]()
    notes = Notes(lambda _text: None, lambda _name, _count: None)
    trigger = PlcTrigger(PlcTriggerSettings(kind="plc"), cast(PlcLink, feed), notes)
    trigger.tell_anew(lambda: told.append("anew"))
    assert feed.listener is not None
    trigger.arm(0, None)
    for now_ns, counter in enumerate((7, 8, 9)):
        feed.listener(Reading(PartBlock(counter, 0, 0, 0, None), now_ns, now_ns, False))
        trigger.fire(now_ns)
    assert trigger.number_of(1) == 8
    feed.listener(Reading(PartBlock(0, 0, 0, 0, None), 9, 9, False))
    assert (trigger.number_of(2), told) == (None, ["anew"])


def test_part_from_before_the_connection_was_lost_has_no_number_even_where_the_counter_stands() -> None:
    """A PLC that was started anew may have counted as far as before: that number is another part now."""
    feed = Feed()
    notes = Notes(lambda _text: None, lambda _name, _count: None)
    trigger = PlcTrigger(PlcTriggerSettings(kind="plc"), cast(PlcLink, feed), notes)
    assert feed.listener is not None
    trigger.arm(0, None)
    for now_ns, counter in enumerate((0, 1, 2)):
        feed.listener(Reading(PartBlock(counter, 0, 0, 0, None), now_ns, now_ns, False))
        trigger.fire(now_ns)
    feed.listener(Reading(PartBlock(2, 0, 0, 0, None), 5_000, 5_001, True))
    assert trigger.number_of(2) is None
    feed.listener(Reading(PartBlock(3, 0, 0, 0, None), 5_002, 5_003, False))
    trigger.fire(5_003)
    assert trigger.number_of(3) == 3
