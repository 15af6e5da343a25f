"""How many parts a claim takes, before anybody collects them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count

from scipy.special import bdtr

from taktsight.errors import ConfigError
from taktsight.quality.exact_binomial import parts_needed

MAX_EVENTS = 5000
"""A plan with more events than this is for a rate too near to the limit."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many parts, in which so many events may be seen."""

    events: int
    parts: int
    chance: float | None
    """Of showing all claims where the true rate of each is the expected one; None where none is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many parts show that a rate is at most alpha."""

    alpha: float
    delta: float
    """Of one claim, after the correction for several."""
    claims: int
    expected: float | None
    power: float | None
    design_effect: float
    steps: tuple[Step, ...]
    """From no event on."""
    chosen: Step | None
    """The first step whose chance reaches the power; None where no rate is expected."""

    @property
    def parts(self) -> int:
        """To collect for each claim: those of the chosen step, or of the first."""
        return (self.chosen or self.steps[0]).parts


def plan(
    alpha: float,
    delta: float = 0.05,
    *,
    claims: int = 1,
    expected: float | None = None,
    power: float = 0.8,
    design_effect: float = 1.0,
    shown: int = 6,
) -> Plan:
    """The parts that each number of events takes, and those to collect for a chance of success.

    Args:
        alpha: the rate is to be at most this.
        delta: chance that a claim is wrong, for all of them together.
        claims: labels that are each claimed about; Bonferroni divides ``delta`` by them.
        expected: the rate one believes in; the nearer to alpha, the more parts.
        power: chance of showing the claim where ``expected`` is true.
        design_effect: by which parts of a lot are worth less than independent ones.
        shown: steps that are listed at least.

    Raises:
        ConfigError: If a number cannot be, or the expected rate is too near to alpha.
    """
    _check(alpha, delta, claims, expected, power, design_effect)
    each = delta / claims
    steps: list[Step] = []
    chosen = None
    for events in count():
        needed = parts_needed(events, alpha, each)
        chance = None if expected is None else float(bdtr(events, needed, expected)) ** claims
        step = Step(events, math.ceil(needed * design_effect), chance)
        if chance is not None and chosen is None and chance >= power:
            chosen = step
        if events < shown or step is chosen:
            steps.append(step)
        if events + 1 >= shown and (expected is None or chosen is not None):
            break
        if events >= MAX_EVENTS:
            raise ConfigError(
                f"an expected rate of {expected:g} is too near to {alpha:g}: more than {needed:,} parts "
                "would be needed; claim less, or mend the network first"
            )
    power_said = None if expected is None else power
    return Plan(alpha, each, claims, expected, power_said, design_effect, tuple(steps), chosen)


def _check(
    alpha: float, delta: float, claims: int, expected: float | None, power: float, effect: float
) -> None:
    for name, value in (("the rate", alpha), ("delta", delta), ("power", power)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} must lie between 0 and 1, got {value}")
    if claims < 1:
        raise ConfigError(f"1 claim or more is planned for, got {claims}")
    if not (math.isfinite(effect) and effect >= 1):
        raise ConfigError(f"a design effect is 1 or more, got {effect}")
    if expected is not None and not 0 <= expected < alpha:
        raise ConfigError(
            f"an expected rate of {expected:g} cannot show one of at most {alpha:g}: it must be lower"
        )
