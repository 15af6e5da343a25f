"""Do two samples come from one distribution? Kolmogorov–Smirnov, and the kernel test by permutation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PERMUTATIONS = 999
FIRST_CHUNK = 64
CHUNK = 256
"""Permutations at a time: memory is so many columns of the pooled sample."""
_ROUNDING = 1e-12
"""Of a sum of kernel values; statistics that are equal but for it are equal."""


@dataclass(frozen=True, slots=True)
class TwoSamples:
    """What a test says of two samples."""

    statistic: float
    p: float
    """The chance of such a statistic or a larger one, were both from one distribution."""
    method: Literal["exact", "asymptotic", "permutation"]


def kolmogorov_smirnov(first: Floats, second: Floats) -> TwoSamples:
    """The largest distance of the two distribution functions, two-sided.

    The p-value is that of continuous values, exact up to 10,000 in a sample. Ties make it too large, never
    too small.

    Args:
        first: (N,).
        second: (M,).

    Raises:
        ValueError: If one of them is empty or not finite.
    """
    from scipy.stats import ks_2samp  # half a second to import

    _check(first[:, np.newaxis], second[:, np.newaxis])
    method: Literal["exact", "asymptotic"] = (
        "exact" if max(first.size, second.size) <= 10_000 else "asymptotic"
    )
    with warnings.catch_warnings(record=True) as said:  # it says so where it could not count the paths
        warnings.simplefilter("always", RuntimeWarning)
        found = ks_2samp(first, second, method="exact" if method == "exact" else "asymp")
    return TwoSamples(float(found.statistic), float(found.pvalue), "asymptotic" if said else method)


def mmd(
    first: Floats,
    second: Floats,
    rng: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
    level: float = 1.0,
) -> TwoSamples:
    """The kernel two-sample test: unbiased squared maximum mean discrepancy, p-value by permutation.

    Gretton et al., JMLR 13 (2012). The kernel is exp(−d² ÷ 2σ²), σ the median distance within the pooled
    sample, which no permutation changes. p = (1 + permutations as large) ÷ (1 + permutations): valid at
    every level for exchangeable rows, and never below 1 ÷ (1 + permutations).

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.
        rng: draws the permutations. The order of the rows changes nothing.
        permutations: how many at most.
        level: once p can no longer be as low, no more are drawn; p is then that of those drawn (Besag and
            Clifford, 1991), above the level, and cheap: a strict test costs little while nothing changes.

    Raises:
        ValueError: If a sample has fewer than two rows, or a value is not finite.
    """
    _check(first, second)
    if min(len(first), len(second)) < 2:
        raise ValueError(f"two rows of each sample are wanted, got {len(first)} and {len(second)}")
    pooled = np.concatenate([first, second])
    order = np.lexsort(pooled.T)  # whoever sorts the rows otherwise draws the same permutations
    kernel = _kernel(pooled[order])
    if kernel is None:  # all rows are one
        return TwoSamples(0.0, 1.0, "permutation")
    observed = float(_discrepancies(kernel, (order < len(first))[:, np.newaxis])[0])
    as_large, drawn = 0, 0
    while drawn < permutations and as_large + 1 <= level * (1 + permutations):
        count = min(FIRST_CHUNK if not drawn else CHUNK, permutations - drawn)
        is_first = rng.random((len(pooled), count)).argsort(axis=0) < len(first)
        as_large += int(np.sum(_discrepancies(kernel, is_first) >= observed - _ROUNDING))
        drawn += count
    return TwoSamples(observed, (1 + as_large) / (1 + drawn), "permutation")


def _kernel(rows: Floats) -> Floats | None:
    """(N, N) kernel values with a diagonal of zeros; None where no two rows differ."""
    squares = (rows**2).sum(axis=1)
    distances = np.maximum(squares[:, np.newaxis] + squares - 2 * rows @ rows.T, 0.0)
    between = distances[np.triu_indices(len(rows), 1)]
    width = float(np.median(between)) or float(between.mean())
    if width <= _ROUNDING * max(float(squares.max()), 1e-300):
        return None
    kernel: Floats = np.exp(-distances / (2 * width))
    np.fill_diagonal(kernel, 0.0)
    return kernel


def _discrepancies(kernel: Floats, is_first: NDArray[np.bool_]) -> Floats:
    """(P,) unbiased MMD² of P ways to part the pooled rows; ``is_first`` is (N, P)."""
    member = is_first.astype(np.float64)
    one = member.sum(axis=0)
    other = len(kernel) - one
    within = np.einsum("np,np->p", member, kernel @ member)
    across = kernel.sum(axis=0) @ member - within
    rest = kernel.sum() - within - 2 * across
    found: Floats = within / (one * (one - 1)) + rest / (other * (other - 1)) - 2 * across / (one * other)
    return found


def _check(first: Floats, second: Floats) -> None:
    if not first.size or not second.size:
        raise ValueError(f"both samples need rows, got {len(first)} and {len(second)}")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"rows of {first.shape[1]} and of {second.shape[1]} values cannot be compared")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a value is not finite")
