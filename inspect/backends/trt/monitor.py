"""How far a build is: the vendor's nested phases as one share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from taktsight.inspect.backends.trt.vendor import Vendor

Tell = Callable[[str, float], None]
"""Told the innermost phase and the share of the whole that is done, 0–1; it never falls."""


class Phases:
    """Phases within phases; each step of a phase may be a phase of its own."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []
        self._done: list[int] = []
        self._furthest = 0.0

    def begin(self, name: str, steps: int) -> None:
        """A phase of so many steps, within the one that is open."""
        self._open.append((name, max(1, steps)))
        self._done.append(0)

    def step(self, name: str, number: int) -> None:
        """A step of a phase is done."""
        place = self._place(name)
        if place is not None:
            self._done[place] = number + 1

    def end(self, name: str) -> None:
        """A phase is over, and what was open within it."""
        place = self._place(name)
        if place is not None:
            del self._open[place:], self._done[place:]
        if not self._open:
            self._furthest = 1.0

    @property
    def innermost(self) -> str:
        """Name of what is going on; "" where nothing is."""
        return self._open[-1][0] if self._open else ""

    @property
    def share(self) -> float:
        """0–1 of the outermost phase."""
        share, width = 0.0, 1.0
        for (_, steps), done in zip(self._open, self._done, strict=True):
            width /= steps
            share += width * min(done, steps)
        self._furthest = max(self._furthest, min(1.0, share))
        return self._furthest

    def _place(self, name: str) -> int | None:
        names = [each for each, _ in self._open]
        return len(names) - 1 - names[::-1].index(name) if name in names else None


def watch(vendor: Vendor, tell: Tell) -> Any:
    """A monitor for the vendor; ``failed`` holds what ``tell`` raised, or the Ctrl-C that came, or None.

    The vendor prints whatever is raised here, and goes on: so nothing passes through its code. The build is
    told to stop, and whoever asked for it raises what is held once it has ended.
    """
    phases = Phases()

    base: Any = vendor.module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]  # the vendor's class is known at run time only
        def __init__(self) -> None:
            base.__init__(self)
            self.failed: BaseException | None = None

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self._note(lambda: phases.begin(name, steps))

        def step_complete(self, name: str, number: int) -> bool:
            self._note(lambda: phases.step(name, number))
            return self.failed is None

        def phase_finish(self, name: str) -> None:
            self._note(lambda: phases.end(name))

        def _note(self, change: Callable[[], None]) -> None:
            if self.failed is not None:
                return
            try:
                change()
                tell(phases.innermost, phases.share)
            except BaseException as error:  # noqa: BLE001  build_engine raises it again
                self.failed = error

    return Monitor()
