"""The Bernoulli CUSUM, designed and drawn: watches every part for a share of defective ones that rose.

Reynolds and Stoumbos, Journal of Quality Technology 31 (1999). A defective part adds 1 − 1/m, a good one
takes 1/m off, never below 0; the sum signals strictly above h = H/m. Since m is a whole number the sum
moves on a lattice, and the mean number of parts to a signal is exact.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter

from taktsight.errors import DataError
from taktsight.quality.bernoulli_sum import BernoulliCusum
from taktsight.quality.control_chart import Drawn
from taktsight.quality.spc_limits import BernoulliLimits
from taktsight.quality.tables import Bools, Floats

LARGEST_HEIGHT = 20_000_000


def design(share: float, worse_share: float, arl0: float) -> BernoulliLimits:
    """The chart that finds ``worse_share`` and gives a false alarm after ``arl0`` parts at least.

    Args:
        share: p0, of defective parts that is accepted.
        worse_share: p1, that should be found; m is 1 ÷ γ rounded, γ = r1/r2 of the likelihood ratio.
        arl0: mean number of parts to a false alarm while the share is p0.

    Raises:
        DataError: If the shares are not 0 < p0 < p1 < 1, or arl0 is out of reach.
    """
    if not 0 < share < worse_share < 1:
        raise DataError(f"0 < p0 < p1 < 1 is wanted, got p0 = {share:g} and p1 = {worse_share:g}")
    if not (1 / share <= arl0 <= 1e12):
        raise DataError(
            f"arl0 is in parts: between {1 / share:g} (one defective part) and 1e12 is wanted, got {arl0:g}"
        )
    steps = steps_of(share, worse_share)
    low, high = 1, steps
    while mean_run(steps, high, share) < arl0:
        low, high = high, 2 * high
        if high > LARGEST_HEIGHT:
            raise DataError(f"no limit reaches arl0 = {arl0:g}; take a larger p1")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mean_run(steps, middle, share) >= arl0 else (middle, high)
    return BernoulliLimits(
        chart="bernoulli", share=share, worse_share=worse_share, steps=steps, height=high
    )


def steps_of(share: float, worse_share: float) -> int:
    """m = r2/r1 rounded, at least 2."""
    r1 = -math.log((1 - worse_share) / (1 - share))
    r2 = math.log(worse_share * (1 - share) / (share * (1 - worse_share)))
    return max(2, round(r2 / r1))


def mean_run(steps: int, height: int, share: float) -> float:
    """Mean number of parts to a signal from sum 0: exact.

    The sum in units of 1/m is a Markov chain on 0 … H: −1 with a good part (0 stays), + (m − 1) with a
    defective one, which signals above H. Within a block of m − 1 states L(s) = 1 + p L(s + m − 1) +
    (1 − p) L(s − 1) is a linear recursion from the block's lower end, so the chain comes down to one
    unknown for each block.

    Args:
        steps: m.
        height: H.
        share: of defective parts, as it is.
    """
    width, good = steps - 1, 1 - share
    blocks = -(-(height + 1) // width)
    # Column j: the part of L that belongs to the value below block j; the last: what belongs to none.
    above = np.zeros((width, blocks + 1))
    rows = np.zeros((blocks, blocks + 1))
    for block in range(blocks - 1, -1, -1):
        length = min(width, height + 1 - block * width)
        driven = share * above[:length]
        driven[:, blocks] += 1.0
        driven[0, block] += good
        here = np.zeros((width, blocks + 1))
        here[:length] = lfilter([1.0], [1.0, -good], driven, axis=0)
        if block + 1 < blocks:
            rows[block + 1] = here[length - 1]
        if block == 0:
            rows[0] = here[0]  # below 0 is 0 again
        above = here
    return float(np.linalg.solve(np.eye(blocks) - rows[:, :blocks], rows[:, blocks])[0])


def draw_bernoulli(limits: BernoulliLimits, defective: Bools) -> Drawn:
    """The sum after each part, and its limit; after a signal it goes on."""
    cusum, sums = BernoulliCusum(limits), np.empty(len(defective))
    for index, is_defective in enumerate(defective):
        cusum.add(is_defective=bool(is_defective))
        sums[index] = cusum.sum
    ones: Floats = np.ones(len(defective))
    worse = mean_run(limits.steps, limits.height, limits.worse_share)
    return Drawn(
        limits=limits,
        values=sums,
        centre=0.0 * ones,
        lower=-np.inf * ones,
        upper=limits.height / limits.steps * ones,
        sigma=ones,
        arl0=mean_run(limits.steps, limits.height, limits.share),
        convention=(
            f"γ = 1/{limits.steps}, a sum strictly above {limits.height}/{limits.steps} is out; finds "
            f"p = {limits.worse_share:g} after {worse:.0f} parts on average"
        ),
    )
