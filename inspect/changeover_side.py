"""The changeover in the line's loop: done between two parts, and written down whatever became of it."""

from __future__ import annotations

from taktsight.inspect.books import Books
from taktsight.inspect.changeover import Changeovers
from taktsight.inspect.conductor import Conductor
from taktsight.inspect.golden_desk import GoldenDesk
from taktsight.inspect.messages import NotPrepared, Prepared
from taktsight.inspect.vision_port import VisionPort


class ChangeoverSide:
    """Who must know that the next part is judged by another bundle or recipe. Nothing waits."""

    def __init__(
        self,
        changeovers: Changeovers,
        vision: VisionPort,
        conductor: Conductor,
        books: Books,
        desk: GoldenDesk,
    ) -> None:
        self._changeovers = changeovers
        self._vision = vision
        self._conductor = conductor
        self._books = books
        self._desk = desk

    def take_in(self, message: Prepared | NotPrepared) -> None:
        """What vision says of the one that it was asked for."""
        if isinstance(message, Prepared):
            self._change_over(message)
        else:
            self._write_down(self._changeovers.refused(message))

    def look(self, now_ns: int) -> None:
        """Gives up what takes too long."""
        self._write_down(self._changeovers.look(now_ns))

    def vision_lost(self) -> None:
        """What vision was getting ready, if anything, is lost with it."""
        self._write_down(self._changeovers.vision_lost())

    def _change_over(self, prepared: Prepared) -> None:
        """Between two parts: those that are open are judged by what they were exposed for."""
        first_trigger = self._conductor.next_trigger
        station = self._changeovers.prepared(prepared, first_trigger)
        if station is None:
            return
        self._vision.change_over(station, prepared)
        self._books.judged_by(first_trigger, prepared.ready)
        labels = ", ".join(prepared.ready.labels)
        self._books.changed_over(f"before part {first_trigger}", f"labels {labels}", *prepared.ready.engine)
        self._desk.changed_over()
        self._books.meters.add("changeovers")

    def _write_down(self, refused: str) -> None:
        if refused:
            self._books.changed_over(refused)
