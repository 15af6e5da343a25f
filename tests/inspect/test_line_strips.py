"""Lines lie where their count says, or nowhere: no image has a line of another place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taktsight.inspect.cameras.line_blocks import Block
from taktsight.inspect.cameras.line_images import TOLD
from taktsight.inspect.cameras.line_strips import LONGEST_GAP, Rules, signed

from .scan import HEIGHT, Scan, run
from .web import LINE_NS, block, web


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
