"""Lines lie where their count says, or nowhere: no image has a line of another place."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.cameras.line_blocks import LATE, Block, BlockOrder
from taktsight.inspect.cameras.line_images import TOLD, History, Tile, Tiles, join
from taktsight.inspect.cameras.line_strips import LONGEST_GAP, Rules, Strip, StripMaker, signed

from .web import LINE_NS, block, lines_of, web

HEIGHT = 4


class Scan:
    """Order, places and tiles, as the line has them one behind the other."""

    def __init__(self, lines: int, overlap: int = 0, rules: Rules | None = None) -> None:
        self.order = BlockOrder()
        self.maker = StripMaker(rules or Rules(HEIGHT, gap_lines=lines))
        self.cut = Tiles(lines, lines - overlap)
        self.strips: list[Strip] = []
        self.tiles: list[Tile] = []

    def put(self, *blocks: Block) -> Scan:
        for each in blocks:
            for ordered in self.order.put(each):
                self._take(self.maker.add(ordered))
        return self

    def anew(self) -> None:
        self.order.begin_anew()
        self._take(self.maker.begin_anew("opened anew", 0))

    def _take(self, strips: list[Strip]) -> None:
        for strip in strips:
            self.strips.append(strip)
            self.tiles += self.cut.add(strip)

    @property
    def shown(self) -> list[list[int]]:
        """Lines of each tile; none of a tile that is broken."""
        images = [tile.joined.image for tile in self.tiles]
        return [[] if image is None else lines_of(image) for image in images]


def run(*numbers: int) -> list[Block]:
    return [block(number, HEIGHT) for number in numbers]


def test_blocks_of_an_even_belt_are_joined_to_tiles_that_overlap() -> None:
    scan = Scan(lines=10, overlap=4).put(*run(*range(8)))
    assert scan.shown == [list(range(first, first + 10)) for first in (0, 6, 12, 18)]
    assert [tile.number for tile in scan.tiles] == [0, 1, 2, 3]
    times = [tile.captured_ns for tile in scan.tiles]
    assert times == sorted(set(times))


def test_block_is_whole_only_once_the_next_one_says_so() -> None:
    scan = Scan(lines=8).put(*run(0, 1))
    assert scan.tiles == []
    assert scan.put(*run(2)).shown == [list(range(8))]


def test_missing_block_breaks_the_tiles_that_touch_it_and_no_other() -> None:
    scan = Scan(lines=8, overlap=2).put(*run(*range(3), *range(4, 12)))  # lines 12 to 15
    broken = [tile for tile in scan.tiles if tile.joined.image is None]
    assert [(tile.first, tile.joined.fault) for tile in broken] == [
        (6, "lines 6 to 7 of 8 are missing: 1 block did not arrive"),
        (12, "lines 0 to 3 of 8 are missing: 1 block did not arrive"),
    ]
    whole = [lines for lines in scan.shown if lines]
    assert whole == [list(range(first, first + 8)) for first in (0, 18, 24, 30, 36)]
    assert scan.maker.lost_blocks == 1


def test_damaged_block_is_missing_with_its_own_reason() -> None:
    blocks = run(*range(6))
    blocks[2] = replace(blocks[2], image=None, count=None, fault="packets were lost")
    scan = Scan(lines=4).put(*blocks)
    assert scan.shown == [[0, 1, 2, 3], [4, 5, 6, 7], [], [12, 13, 14, 15], [16, 17, 18, 19]]
    assert "1 block lost: packets were lost" in scan.tiles[2].joined.fault


def test_camera_that_damages_every_block_has_broken_tiles_all_the_same() -> None:
    bad = [replace(each, image=None, count=None, fault="no chunk") for each in run(*range(2, 20))]
    scan = Scan(lines=4).put(*run(0, 1), *bad)
    assert scan.shown[0] == [0, 1, 2, 3]
    assert len(scan.tiles) >= 15
    assert all(not lines for lines in scan.shown[1:])
    scan.put(*run(20, 21, 22))
    assert scan.shown[-1] == list(range(80, 84)) or scan.shown[-1] == list(range(84, 88))


def test_lines_that_were_lost_inside_a_block_break_it() -> None:
    """The camera counts no lost frame: only the encoder tells."""
    blocks = run(*range(8))
    blocks[3:] = [replace(each, count=(each.count or 0) + 2) for each in blocks[3:]]
    scan = Scan(lines=4).put(*blocks)
    assert scan.shown[:2] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert scan.shown[2:4] == [[], []]  # the block, and the tile into which those behind it were moved
    assert "from frame 2 to 3 the encoder went on by 6 counts, not 4" in scan.tiles[2].joined.fault
    assert all(lines == list(range(lines[0], lines[0] + 4)) for lines in scan.shown if lines)


def test_belt_that_runs_back_shows_no_line_twice() -> None:
    """Forward to line 40, back to 20, and forward again: what was seen is not seen again."""
    forward = run(*range(10))
    counts = [*range(36, 20, -HEIGHT), *range(20, 80, HEIGHT)]
    back = [
        Block((40 + n * HEIGHT) * LINE_NS, 10 + n, count, web(count, HEIGHT))
        for n, count in enumerate(counts)
    ]
    scan = Scan(lines=4).put(*forward, *back)
    seen = [line for lines in scan.shown for line in lines]
    assert seen == sorted(set(seen))
    assert set(range(36)) <= set(seen)
    assert set(range(48, 72)) <= set(seen)
    assert not {36, 37, 38, 39} & set(seen)  # there it turned round


def test_block_that_lies_over_the_furthest_line_shows_what_is_new_of_it() -> None:
    """Forward to line 40, back to 22, and forward: the block at 38 has two lines that were seen."""
    counts = [*range(34, 22, -HEIGHT), *range(22, 80, HEIGHT)]
    back = [
        Block((40 + n * HEIGHT) * LINE_NS, 10 + n, count, web(count, HEIGHT))
        for n, count in enumerate(counts)
    ]
    scan = Scan(lines=2).put(*run(*range(10)), *back)
    seen = [line for lines in scan.shown for line in lines]
    assert seen == [*range(36), *range(40, 78)]
    (cut,) = (strip for strip in scan.strips if strip.first == 40)
    assert (cut.lines, cut.end_ns - cut.captured_ns) == (2, 2 * LINE_NS)


@pytest.mark.parametrize("went", range(1, 16))
def test_lines_that_lie_between_two_others_are_not_their_neighbours(went: int) -> None:
    """Four counts a line: after a block of less than its lines, nothing joins on to what was before."""
    blocks = [block(n, HEIGHT, counts_per_line=4) for n in range(3)]
    for n in range(3, 12):
        line = 8 + (n - 3) * HEIGHT  # wherever they lie, no image has them with lines from before
        blocks.append(Block(n * 4 * LINE_NS, n, 32 + went + (n - 3) * 16, web(1000 + line, HEIGHT)))
    scan = Scan(lines=3, overlap=2, rules=Rules(HEIGHT, 4, gap_lines=3)).put(*blocks)
    for lines in scan.shown:
        assert not lines or max(lines) < 1000 or min(lines) >= 1000
    assert any(lines and lines[0] >= 1000 for lines in scan.shown)


def test_belt_that_stands_shows_nothing() -> None:
    standing = [Block(n, 2 + n, 8, web(8, HEIGHT)) for n in range(50)]
    assert Scan(lines=4).put(*run(0, 1), *standing).shown == [[0, 1, 2, 3], [4, 5, 6, 7], []]


def test_count_that_was_set_anew_is_a_gap_of_unknown_length() -> None:
    after = [replace(block(n, HEIGHT), count=(n - 20) * HEIGHT) for n in range(20, 30)]
    scan = Scan(lines=8).put(*run(*range(20)), *after)
    broken = [tile for tile in scan.tiles if tile.joined.image is None]
    assert 1 <= len(broken) <= 3
    assert all("count jumped by" in tile.joined.fault for tile in broken)
    assert [lines for lines in scan.shown if lines][-1][-1] < 29 * HEIGHT
    for lines in scan.shown:
        assert lines in ([], list(range(lines[0], lines[0] + 8)) if lines else [])


@pytest.mark.parametrize(("bits", "per_line", "sign"), [(16, 3, 1), (32, 1, 1), (32, 5, -1), (64, 2, -1)])
def test_count_that_begins_again_goes_on(bits: int, per_line: int, sign: int) -> None:
    start = ((1 << bits) - 10) if sign > 0 else 10
    blocks = [block(n, HEIGHT, counts_per_line=sign * per_line, bits=bits, start=start) for n in range(20)]
    scan = Scan(lines=8, rules=Rules(HEIGHT, per_line, bits, sign, 8)).put(*blocks)
    assert scan.shown == [list(range(first, first + 8)) for first in range(0, 72, 8)]


def test_wrong_direction_shows_nothing() -> None:
    scan = Scan(lines=8, rules=Rules(HEIGHT, 1, 32, -1, 8)).put(*run(*range(20)))
    assert all(not lines for lines in scan.shown)


def test_block_of_another_size_is_no_block() -> None:
    blocks = run(*range(6))
    blocks[2] = replace(blocks[2], image=web(8, HEIGHT - 1))
    blocks[4] = replace(blocks[4], image=np.repeat(web(16, HEIGHT), 3, axis=2))
    scan = Scan(lines=4).put(*blocks)
    assert scan.shown == [[0, 1, 2, 3], [4, 5, 6, 7], [], [12, 13, 14, 15], []]
    assert "a block of 16 × 3 px came, 16 × 4 are wanted" in scan.tiles[2].joined.fault


def test_camera_that_was_opened_anew_goes_on_behind_a_gap() -> None:
    scan = Scan(lines=8, overlap=2).put(*run(*range(5)))
    scan.anew()
    scan.put(*run(*range(100, 110)))
    first_new = next(at for at, lines in enumerate(scan.shown) if lines and lines[0] >= 400)
    assert any("opened anew" in tile.joined.fault for tile in scan.tiles[:first_new])
    for lines in scan.shown:
        assert not lines or lines == list(range(lines[0], lines[0] + 8))


def test_long_gap_costs_a_few_tiles_and_leaves_out_their_numbers() -> None:
    scan = Scan(lines=8).put(*run(0, 1, 2, *range(100_000, 100_008)))
    broken = [tile for tile in scan.tiles if tile.joined.image is None]
    assert len(broken) <= TOLD + 1
    assert scan.tiles[-1].number == scan.tiles[-1].first // 8
    assert scan.shown[-1] == list(range(scan.tiles[-1].first, scan.tiles[-1].first + 8))


def test_gap_that_no_belt_makes_is_a_count_that_was_set() -> None:
    far = [replace(each, count=(each.count or 0) + 2 * LONGEST_GAP) for each in run(3, 4, 5, 6, 7)]
    scan = Scan(lines=8).put(*run(0, 1, 2), *far)
    assert any("count jumped" in tile.joined.fault for tile in scan.tiles)
    assert scan.maker.head < 100


def test_nothing_is_kept_that_no_tile_wants() -> None:
    scan = Scan(lines=40, overlap=12)
    for number in range(5000):
        scan.put(block(number, HEIGHT))
        scan.strips.clear()
        scan.tiles.clear()
        kept = len(scan.cut._strips)
        assert kept <= 40 // HEIGHT + 1


def test_block_without_numbers_is_confirmed_by_its_count_alone() -> None:
    blocks = [replace(each, number=None) for each in run(0, 1, 2, 3, 5, 6, 7)]
    scan = Scan(lines=4).put(*blocks)
    assert scan.shown == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
        [],
        [],
        *([[n, n + 1, n + 2, n + 3] for n in (20, 24)]),
    ]


def test_difference_of_counts_is_the_shorter_way() -> None:
    assert signed(-0xFFFF_FFFF, 32) == 1
    assert signed(5, 32) == 5
    assert signed(0xFFFF_FFFF, 32) == -1


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[int], set[int]]:
    """Numbers as they come in, and those that never do: lost, doubled, and late by LATE at most."""
    count = draw(st.integers(5, 60))
    lost = draw(st.sets(st.integers(0, count - 1), max_size=count // 2))
    twice = draw(st.sets(st.integers(0, count - 1), max_size=5))
    chance = random.Random(draw(st.integers(0, 2**32)))
    # Sorted by number plus a delay below LATE + 1: nobody is behind more than LATE younger ones.
    late = draw(st.booleans())
    key = {n: n + (chance.random() * (LATE + 1) if late else 0) for n in range(count)}
    came = sorted((n for n in range(count) if n not in lost), key=key.__getitem__)
    for number in sorted(twice - lost):
        came.insert(chance.randint(came.index(number), len(came)), number)
    return came, lost


@settings(max_examples=150, deadline=None)
@given(arrivals(), st.integers(1, 23), st.data())
def test_every_tile_whose_blocks_came_is_there_once_and_no_line_is_foreign(
    came_and_lost: tuple[list[int], set[int]], lines: int, data: st.DataObject
) -> None:
    came, lost = came_and_lost
    overlap = data.draw(st.integers(0, lines - 1))
    scan = Scan(lines, overlap)
    scan.put(*run(*came))
    if not came:
        assert scan.tiles == []
        return
    # The web begins with the first block that came; from there the grid lies.
    origin = came[0] * HEIGHT
    numbers = [tile.number for tile in scan.tiles]
    assert numbers == sorted(set(numbers))
    last = max(came)
    for tile, shown in zip(scan.tiles, scan.shown, strict=True):
        wanted = list(range(origin + tile.first, origin + tile.first + lines))
        blocks = {line // HEIGHT for line in wanted}
        assert shown in ([], wanted)
        is_whole = not blocks & lost and not any(each < came[0] for each in blocks)
        assert bool(shown) == is_whole
    told = {tile.first for tile in scan.tiles}
    for first in range(0, last * HEIGHT - origin - lines + 1, lines - overlap):
        blocks = {(origin + line) // HEIGHT for line in range(first, first + lines)}
        if not blocks & lost and max(blocks) < last and _released(came, max(blocks) + 1):
            assert first in told


def _released(came: list[int], number: int) -> bool:
    """Whether the order gives out a block of this number, or a later one, before the end."""
    order = BlockOrder()
    return any(
        each.number is not None and each.number >= number
        for n in came
        for each in order.put(block(n, HEIGHT))
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3 * HEIGHT, 4 * HEIGHT), st.integers(1, 3)), min_size=3, max_size=40),
    st.integers(1, 12),
)
def test_whatever_the_belt_does_an_image_has_neighbouring_lines_only(
    moves: list[tuple[int, int]], lines: int
) -> None:
    """Each block shows the lines where the count stands; only blocks whose lines all passed are even."""
    scan, line, number = Scan(lines), 1000, 0
    for asked, numbers in moves:
        step = max(asked, -HEIGHT * numbers)  # a line is one step: further back no belt comes
        # Within a block the belt goes to where the next one begins: evenly only if that is its lines on.
        even = step == HEIGHT * numbers
        image = web(line, HEIGHT) if even else web(10**9 + number * 100, HEIGHT)
        scan.put(Block(number * 1000, number, line, image))
        line, number = line + step, number + numbers
    for shown in scan.shown:
        if shown:
            assert shown == list(range(shown[0], shown[0] + lines))
            assert shown[0] < 10**8
    firsts = [shown[0] for shown in scan.shown if shown]
    assert all(after - before >= 1 for before, after in itertools.pairwise(firsts))


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
