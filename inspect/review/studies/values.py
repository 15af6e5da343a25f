"""A study as it stands in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.quality.study_plan import PlannedLook, StudyPlan, study_plan

PLAN, LOOK, CLOSE = "plan study", "study look", "close study"
ACTIONS = (PLAN, LOOK, CLOSE)
HELD_UP = "not good"
ANSWERS = (GOOD, HELD_UP)


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody said at one look."""

    seq: int
    utc: str
    appraiser: str
    code: str
    answer: str
    shown_ms: int


@dataclass(frozen=True, slots=True)
class Study:
    """A study with the looks that were taken."""

    id: int
    """Number of the log row that planned it."""
    utc: str
    actor: str
    name: str
    seed: int
    trials: int
    appraisers: tuple[str, ...]
    """People; the machine is none of them."""
    machine: bool
    """Whether the station's verdicts are compared too."""
    parts: Mapping[PartKey, str]
    """Part → what it is, "" where nobody knows: of all or of none."""
    looks: Mapping[str, Look]
    """Code → the first answer that was given."""
    closed: str = ""
    """UTC; empty while it goes on."""

    @property
    def plan(self) -> StudyPlan:
        """Who looks at what when: made of the seed, again each time."""
        parts = tuple((str(key), reference) for key, reference in self.parts.items())
        return _plan(parts, self.appraisers, self.trials, self.seed)

    @property
    def has_references(self) -> bool:
        """Whether it is known what the parts are."""
        return all(self.parts.values())

    def looks_of(self, appraiser: str) -> list[PlannedLook]:
        """In their order."""
        return [look for look in self.plan.looks if look.appraiser == appraiser]

    def done(self, appraiser: str) -> int:
        """How many looks were taken."""
        return sum(look.appraiser == appraiser for look in self.looks.values())

    @property
    def looks_each(self) -> int:
        """How many looks one appraiser takes."""
        return len(self.parts) * self.trials

    @property
    def finished(self) -> tuple[str, ...]:
        """Appraisers who took all their looks."""
        return tuple(name for name in self.appraisers if self.done(name) == self.looks_each)

    def is_open_for(self, name: str) -> bool:
        """Whether this person has looks to take."""
        return not self.closed and name in self.appraisers and name not in self.finished


@lru_cache(maxsize=32)
def _plan(
    parts: tuple[tuple[str, str], ...], appraisers: tuple[str, ...], trials: int, seed: int
) -> StudyPlan:
    return study_plan(dict(parts), appraisers, trials=trials, seed=seed)
