"""The verdicts on their way to the PLC's program, and what became of each. Pure: the time is given to it.

A verdict waits, is being written, is told (the PLC's server confirmed it), and is acknowledged (its
program has taken it). The handshake counter goes on with every block that holds something new.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.gate import Acted, not_told
from taktsight.inspect.plc.blocks import VERDICTS, signed_steps, steps, verdict_block
from taktsight.records import Outcome, Verdict

MAX_WAITING = 64
"""Verdicts that are not written yet; one more is not told."""
GREETING = 0x4000
"""How far the handshake jumps with a new connection: what the program says of a block that still lay in the
PLC must not be taken for its answer."""
MAX_GREETINGS = 0x1000
STRANGE_NUMBER = "the PLC was lost or has set its part counter anew since this part came"


@dataclass(slots=True)
class _Letter:
    answer: Answer
    number: int | None
    """As the PLC counts its parts; None where it does not know this part any more."""
    verdict: Verdict
    handshake: int = 0
    told_ns: int = 0


class Outbox:
    """Between the line's gate and the PLC. What it is given leaves it in the same order."""

    def __init__(self, heartbeat_ns: int) -> None:
        self._heartbeat_ns = heartbeat_ns
        self._is_armed = self._writing_armed = False
        self._said_armed: bool | None = None
        self._held = "it was never there"
        self._waiting: deque[_Letter] = deque()
        self._writing: list[_Letter] = []
        self._told: deque[_Letter] = deque()
        self._acted: list[Acted] = []
        self.handshake = 0
        """Of the last block with something new."""
        self._acknowledged = 0
        self._heartbeat = 0
        self._greetings = 0
        self._is_in_touch = False
        self._next_write_ns = 0

    @property
    def is_acknowledged(self) -> bool:
        """Whether the PLC's program has taken everything that was written."""
        return self._is_in_touch and self._acknowledged == self.handshake

    @property
    def is_settled(self) -> bool:
        """Whether each verdict was told or never will be, and the PLC knows the state, if it listens."""
        is_said = self._said_armed is self._is_armed or not self._is_in_touch
        return is_said and not self._waiting and not self._writing

    @property
    def oldest_told_ns(self) -> int | None:
        """Since when the PLC's program owes an acknowledgement."""
        return self._told[0].told_ns if self._told else None

    def set_armed(self, is_armed: bool) -> None:
        """Whether parts are inspected; said at the next opportunity."""
        self._is_armed = is_armed
        self._next_write_ns = 0

    def hold(self, why: str, now_ns: int) -> None:
        """Nothing is told as long as something is wrong; "" where nothing is."""
        self._held = why
        self._give_up_held(now_ns)

    def put(self, answer: Answer, number: int | None, now_ns: int) -> None:
        """The verdict of a part, and the number that the PLC knows the part by."""
        if len(self._waiting) >= MAX_WAITING:
            self.hold(f"{MAX_WAITING} verdicts wait for the PLC", now_ns)
        self._waiting.append(_Letter(answer, number, answer.verdict))
        self._give_up_held(now_ns)

    def withdraw(self, why: str, now_ns: int) -> None:
        """What waits is UNINSPECTED; what is being written goes before it."""
        for letter in self._waiting:
            letter.answer = replace(letter.answer, verdict=Verdict(Outcome.UNINSPECTED, (why,)))
            letter.verdict = letter.answer.verdict
        held, self._held = self._held, self._held or why
        self._give_up_held(now_ns)
        self._held = held

    def take_acted(self) -> list[Acted]:
        """What became of verdicts since the last call, in trigger order."""
        acted, self._acted = self._acted, []
        return acted

    def greet(self, acknowledged: int) -> None:
        """A new connection: the PLC's program answers an empty block before it gets verdicts."""
        self._acknowledged = acknowledged
        self._greetings = (
            self._greetings % MAX_GREETINGS + 1
        )  # never twice the same: the last may lie there too
        self.handshake = (acknowledged + GREETING + self._greetings) & 0xFFFF
        self._is_in_touch, self._next_write_ns = True, 0

    def acknowledge(self, acknowledged: int) -> bool:
        """Takes the PLC's acknowledgement; False where it is one of what was never sent."""
        self._acknowledged = acknowledged
        if signed_steps(self.handshake, acknowledged) > 0:
            return False
        while self._told and steps(self._told[0].handshake, acknowledged) < 0x8000:
            self._told.popleft()
        return True

    def next_write_ns(self) -> int | None:
        """When the block must be written; None while nobody is there to read it."""
        if not self._is_in_touch:
            return None
        return 0 if self._waiting and self._has_room() else self._next_write_ns

    def compose(self, now_ns: int) -> list[int]:
        """The block to be written now. A verdict whose time is over leaves as UNINSPECTED."""
        while self._waiting and self._has_room():
            letter = self._waiting.popleft()
            letter.verdict = letter.answer.verdict_at(now_ns)
            self._writing.append(letter)
        # Of a part that the PLC has no number for there is nothing to take, and nothing to acknowledge.
        is_new = any(letter.number is not None for letter in self._writing)
        self.handshake = (self.handshake + is_new) & 0xFFFF
        for letter in self._writing:
            letter.handshake = self.handshake
        self._heartbeat = (self._heartbeat + 1) & 0xFFFF
        self._next_write_ns = now_ns + self._heartbeat_ns
        self._writing_armed = self._is_armed
        verdicts = [
            (letter.number & 0xFFFF, letter.verdict.outcome)
            for letter in (*reversed(self._writing), *reversed(self._told))
            if letter.number is not None
        ]
        return verdict_block(self.handshake, self._heartbeat, self._is_armed, verdicts)

    def written(self, now_ns: int) -> None:
        """The PLC's server has the block."""
        self._said_armed = self._writing_armed
        for letter in self._writing:
            letter.told_ns = now_ns
            if letter.number is None:
                self._acted.append(not_told(letter.answer, letter.verdict, STRANGE_NUMBER, now_ns))
            else:
                self._acted.append(Acted(letter.answer, letter.verdict, now_ns))
                self._told.append(letter)
        self._writing.clear()
        self._give_up_held(now_ns)

    def forget_told(self) -> list[int]:
        """Takes back what the program did not acknowledge; the triggers of these parts."""
        triggers = [letter.answer.trigger for letter in self._told]
        self._told.clear()
        self._next_write_ns = 0
        return triggers

    def forget_numbers(self) -> list[int]:
        """The PLC counts anew, and an old number could be another part's: as :meth:`forget_told`."""
        for letter in self._waiting:
            letter.number = None
        return self.forget_told()

    def lose(self, why: str, now_ns: int) -> list[int]:
        """The connection is gone; the triggers of parts that were told and not acknowledged."""
        self._is_in_touch, self._said_armed = False, None
        for letter in self._writing:
            unknown = f"{why}; whether it came through is not known"
            self._acted.append(not_told(letter.answer, letter.verdict, unknown, now_ns))
        self._writing.clear()
        self.hold(why, now_ns)
        return self.forget_told()

    def _has_room(self) -> bool:
        """Whether the program answers, and a block can hold one more."""
        answers = self._told or self._writing or self.is_acknowledged
        return bool(answers) and not self._held and len(self._told) + len(self._writing) < VERDICTS

    def _give_up_held(self, now_ns: int) -> None:
        if self._held and not self._writing:  # what is being written comes first
            while self._waiting:
                letter = self._waiting.popleft()
                self._acted.append(not_told(letter.answer, letter.verdict, self._held, now_ns))
