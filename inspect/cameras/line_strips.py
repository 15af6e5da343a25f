"""Where each block lies on the belt: an unbroken row of strips, each whole or with the reason why not.

Pure: no thread, no clock. A block says by its count where its first line lies, and nothing says where its
others do but the count of the block behind it. So a block is whole once the next one is exactly its lines
further on; if it is not, lines were lost in it or the belt ran back, and nobody knows which line is which.

A line is decided once. Where the belt runs back, lines that lie before the furthest one are passed over
until it is there again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from taktsight.inspect.cameras.line_blocks import Block
from taktsight.records import Image

UNKNOWN = 4
"""So many damaged blocks in a row are waited for one with a count; then their lines are lost."""
LONGEST_GAP = 1 << 22
"""Lines; a count that goes on by more was set anew."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the station says of blocks and counts."""

    height: int
    """Lines of a block."""
    counts_per_line: int = 1
    counter_bits: int = 32
    sign: int = 1
    """-1 where it counts down while the belt runs forward."""
    gap_lines: int = 1
    """So many lines are lost where nobody knows how many were."""

    def step(self, before: int, after: int) -> int:
        """By how many counts the belt went on, backward below 0; a count that began again goes on."""
        return signed(self.sign * (after - before), self.counter_bits)


@dataclass(frozen=True, slots=True)
class Strip:
    """Lines of the belt, one behind the other. The next strip begins where it ends."""

    first: int
    """Line since the camera was opened; the belt's furthest, whatever it did before."""
    lines: int
    captured_ns: int
    """When its first line was exposed; monotonic clock, ns."""
    end_ns: int
    """When the line behind its last one was: before, nobody knew that it is whole."""
    image: Image | None
    """(lines, W, C) uint8; None where the lines are missing."""
    fault: str = ""
    """Why they are."""

    @property
    def end(self) -> int:
        """The line behind its last one."""
        return self.first + self.lines

    def behind(self, first: int) -> Strip:
        """Its lines from one of them on."""
        image = None if self.image is None else self.image[first - self.first :]
        return replace(
            self, first=first, lines=self.end - first, captured_ns=self.at_ns(first), image=image
        )

    def at_ns(self, line: int) -> int:
        """When one of its lines was exposed, if the belt ran evenly meanwhile."""
        return self.captured_ns + (self.end_ns - self.captured_ns) * (line - self.first) // self.lines


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The last block whose place is known."""

    block: Block
    count: int
    line: int
    is_open: bool
    """Whether it is still to be said what its lines are."""


class StripMaker:
    """Takes blocks in the order of their numbers."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._anchor: _Anchor | None = None
        self._head = 0
        self._shape: tuple[int, ...] | None = None
        self._unknown: list[Block] = []
        self.lost_blocks = 0
        """Blocks that never came, or came damaged."""

    @property
    def head(self) -> int:
        """The line behind the last one of which it is decided what it is."""
        return self._head

    def begin_anew(self, why: str, at_ns: int) -> list[Strip]:
        """Nobody knows how far the belt ran: what was open is lost, and lines go on behind a gap."""
        strips = self._close(why, at_ns)
        self._anchor = None
        self._unknown.clear()
        return strips + self._missing(self._head + self._rules.gap_lines, at_ns, at_ns, why)

    def add(self, block: Block) -> list[Strip]:
        """What is decided by this block: the strips of those before it."""
        block = self._checked(block)
        if block.image is None or block.count is None:
            return self._add_unknown(block)
        anchor = self._anchor
        if anchor is None:
            self._unknown.clear()
            return self._begin_at(block, block.count, self._head)
        went = self._rules.step(anchor.count, block.count)
        blocks = 1 if block.number is None or anchor.block.number is None else _numbers(anchor.block, block)
        lost, self._unknown = self._unknown, []
        self.lost_blocks += blocks - 1
        if self._was_set(went, blocks):
            why = f"the encoder's count jumped by {went} at frame {block.number}"
            strips = self.begin_anew(why, block.captured_ns)
            return strips + self._begin_at(block, block.count, self._head)
        return self._go_on(anchor, block, block.count, went, blocks, lost)

    def _go_on(
        self, anchor: _Anchor, block: Block, count: int, went: int, blocks: int, lost: list[Block]
    ) -> list[Strip]:
        per_line, height = self._rules.counts_per_line, self._rules.height
        end_ns = max(anchor.block.captured_ns, block.captured_ns)
        if went == blocks * height * per_line:
            line, strips = anchor.line + blocks * height, self._whole(anchor, blocks, end_ns)
            why = _why_lost(blocks - 1, lost)
        else:
            # Rounded up: between what came before and this block at least one line is missing.
            line = anchor.line + -(-went // per_line)
            why = (
                f"from frame {anchor.block.number} to {block.number} the encoder went on by {went} counts, "
                f"not {blocks * height * per_line}: lines were lost, or the belt ran back"
            )
            until = line if went > 0 else anchor.line + height
            strips = self._missing(until, anchor.block.captured_ns, end_ns, why)
        strips += self._missing(line, end_ns, end_ns, why)
        return strips + self._begin_at(block, count, line)

    def _begin_at(self, block: Block, count: int, line: int) -> list[Strip]:
        self._anchor = _Anchor(block, count, line, is_open=True)
        return []

    def _was_set(self, went: int, blocks: int) -> bool:
        """A belt does not run back further than lines were exposed meanwhile: each is one step of it."""
        counts = blocks * self._rules.height * self._rules.counts_per_line
        is_ambiguous = counts >= 1 << self._rules.counter_bits - 1
        return -went > counts or went > LONGEST_GAP * self._rules.counts_per_line or is_ambiguous

    def _whole(self, anchor: _Anchor, blocks: int, next_ns: int) -> list[Strip]:
        """The anchor's block, as far as its lines are not decided yet."""
        end, image = anchor.line + self._rules.height, anchor.block.image
        if not anchor.is_open or end <= self._head or image is None:
            return []
        began_ns = anchor.block.captured_ns
        end_ns = began_ns + (next_ns - began_ns) // blocks
        strip = Strip(anchor.line, self._rules.height, began_ns, end_ns, image)
        first, self._head = max(anchor.line, self._head), end
        return [strip.behind(first)]

    def _missing(self, until: int, from_ns: int, to_ns: int, why: str) -> list[Strip]:
        """Lines up to one, as far as they are not decided yet."""
        if until <= self._head:
            return []
        strip = Strip(self._head, until - self._head, from_ns, to_ns, None, why)
        self._head = until
        return [strip]

    def _close(self, why: str, at_ns: int) -> list[Strip]:
        """Whatever is open is lost."""
        anchor = self._anchor
        if anchor is None or not anchor.is_open:
            return []
        self._anchor = _Anchor(anchor.block, anchor.count, anchor.line, is_open=False)
        return self._missing(anchor.line + self._rules.height, anchor.block.captured_ns, at_ns, why)

    def _add_unknown(self, block: Block) -> list[Strip]:
        """A damaged block has its place by its number, as long as nobody knows better."""
        self._unknown.append(block)
        if len(self._unknown) < UNKNOWN:
            return []
        self._unknown = self._unknown[1 - UNKNOWN :]
        anchor, at_ns, height = self._anchor, block.captured_ns, self._rules.height
        why = f"{UNKNOWN} blocks in a row are damaged: {block.fault}"
        if anchor is None or block.number is None or anchor.block.number is None:
            return self._close(why, at_ns) + self._missing(self._head + height, at_ns, at_ns, why)
        until = anchor.line + (_numbers(anchor.block, block) + 1) * height
        if until - self._head > LONGEST_GAP:
            return self.begin_anew(why, at_ns)
        return self._close(why, at_ns) + self._missing(until, at_ns, at_ns, why)

    def _checked(self, block: Block) -> Block:
        if block.image is None or block.count is None:
            return block
        self._shape = self._shape or block.image.shape
        if block.image.shape == self._shape and block.image.shape[0] == self._rules.height:
            return block
        wanted = f"{self._shape[1]} × {self._rules.height}"
        fault = f"a block of {block.image.shape[1]} × {block.image.shape[0]} px came, {wanted} are wanted"
        return Block(block.captured_ns, block.number, None, None, fault)


def signed(difference: int, bits: int) -> int:
    """A difference of two counts that begin again after so many bits: the shorter way."""
    half = 1 << bits - 1
    return (difference + half) % (1 << bits) - half


def _numbers(before: Block, after: Block) -> int:
    """How many numbers one block lies behind the other."""
    return (after.number or 0) - (before.number or 0)


def _why_lost(blocks: int, damaged: list[Block]) -> str:
    if damaged:
        return f"{blocks} {'blocks' if blocks > 1 else 'block'} lost: {damaged[0].fault}"
    return f"{blocks} {'blocks' if blocks > 1 else 'block'} did not arrive"
