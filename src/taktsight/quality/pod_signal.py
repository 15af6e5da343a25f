"""Probability of detection from signals by size, â versus a: censored regression (MIL-HDBK-1823A, G.2).

The model is y = b0 + b1·x + e with e normal of standard deviation s; y is the signal or its logarithm, x
the size or its. A signal at the ends of what can be recorded says no more than that it lies there or
beyond: it is censored. POD is the chance that y exceeds the decision: Φ((x − mu) / sigma) with
mu = (decision − b0) / b1 and sigma = s / b1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from taktsight.quality.tables import Bools, Floats

MAX_STEPS = 200
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class SignalFit:
    """A fitted line with its scatter."""

    coefficients: Floats
    """(P,) of the columns of the design: intercept, slope."""
    scatter: float
    """Standard deviation s about the line, of maximum likelihood: divided by N, not N − 2."""
    covariance: Floats
    """(P + 1, P + 1) of the coefficients and s, from the observed information."""
    log_likelihood: float


def fit_censored(design: Floats, y: Floats, *, at_most: Bools, at_least: Bools) -> SignalFit:
    """The line of maximum likelihood through signals of which some are known by one side alone.

    Works in Olsen's coordinates θ = 1/s and γ = b/s, where the likelihood is concave (Econometrica 46,
    1978), and goes back to b and s with the delta method.

    Args:
        design: (N, P) a column of ones, then x.
        y: (N,) signals; of a censored one, the end it lies beyond.
        at_most: (N,) True where the signal is y or less.
        at_least: (N,) True where it is y or more.

    Raises:
        ValueError: If the points lie on a line without any scatter, or nothing uncensored is left.
    """
    inner = ~(at_most | at_least)
    if inner.sum() <= design.shape[1]:
        raise ValueError("too few signals lie within the ends of what can be recorded")
    centre, scale = float(y[inner].mean()), float(y[inner].std()) or 1.0
    scaled = (y - centre) / scale
    start, *_ = np.linalg.lstsq(design[inner], scaled[inner], rcond=None)
    spread = float(np.sqrt(np.mean((scaled[inner] - design[inner] @ start) ** 2)))
    if spread < 1e-9:
        raise ValueError("the signals lie on a line without any scatter")
    theta = np.append(start, 1.0) / spread
    theta, value, information = _newton(theta, design, scaled, at_most, at_least)
    coefficients, scatter = theta[:-1] / theta[-1], 1 / theta[-1]
    turn = np.eye(len(theta)) / theta[-1]
    turn[:-1, -1] = -coefficients / theta[-1]
    turn[-1, -1] = -1 / theta[-1] ** 2
    covariance = turn @ np.linalg.inv(information) @ turn.T * scale * scale
    coefficients = coefficients * scale
    coefficients[0] += centre
    top = value - float(inner.sum()) * math.log(scale)
    return SignalFit(coefficients, float(scatter * scale), covariance, top)


def _newton(
    theta: Floats, design: Floats, y: Floats, at_most: Bools, at_least: Bools
) -> tuple[Floats, float, Floats]:
    value, slope, information = _olsen(theta, design, y, at_most, at_least)
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(information, slope)
        for _ in range(60):
            if theta[-1] + step[-1] > 0:
                new = _olsen(theta + step, design, y, at_most, at_least)
                if new[0] >= value - 1e-12:
                    break
            step = step / 2
        theta = theta + step
        done = float(np.abs(step).max()) < 1e-11 * max(1.0, float(np.abs(theta).max()))
        value, slope, information = _olsen(theta, design, y, at_most, at_least)
        if done:
            break
    return theta, value, information


def _olsen(
    theta: Floats, design: Floats, y: Floats, at_most: Bools, at_least: Bools
) -> tuple[float, Floats, Floats]:
    """Log likelihood, gradient and minus the second derivatives by (γ, θ)."""
    inner = ~(at_most | at_least)
    # Every signal is one residual r = θ·y − γ·x: its derivative by (γ, θ) is (−x, y).
    by = np.column_stack([-design, y])
    r = by @ theta
    turned = np.where(at_least, -r, r)
    log_p = log_ndtr(turned)
    mills = np.exp(-0.5 * turned * turned - _HALF_LOG_2PI - log_p)
    first = np.where(inner, -r, np.where(at_least, -mills, mills))
    second = np.where(inner, 1.0, mills * (mills + turned))
    uncensored = -0.5 * r * r - _HALF_LOG_2PI + math.log(theta[-1])
    value = float(np.where(inner, uncensored, log_p).sum())
    slope = by.T @ first
    information = by.T @ (by * second[:, None])
    count = float(inner.sum())
    slope[-1] += count / theta[-1]
    information[-1, -1] += count / theta[-1] ** 2
    return value, slope, information


@dataclass(frozen=True, slots=True)
class NormalPod:
    """POD(x) = Φ((x − mu) / sigma) with the covariance of mu and sigma."""

    mu: float
    sigma: float
    covariance: Floats

    def at(self, share: float) -> float:
        """x at which POD is ``share``."""
        return self.mu + self.sigma * float(ndtri(share))

    def bound(self, share: float, confidence: float) -> float:
        """Upper one-sided bound of :meth:`at`, by its standard error (Wald)."""
        z = float(ndtri(share))
        cov = self.covariance
        variance = float(cov[0, 0] + 2 * z * cov[0, 1] + z * z * cov[1, 1])
        return self.at(share) + float(ndtri(confidence)) * math.sqrt(max(variance, 0.0))


def pod_of(fit: SignalFit, decision: float) -> NormalPod:
    """What the fitted line finds at a decision, with the delta method.

    Args:
        fit: of two coefficients, of which the slope is above 0.
        decision: on the scale of y.
    """
    intercept, slope = (float(value) for value in fit.coefficients)
    mu, sigma = (decision - intercept) / slope, fit.scatter / slope
    turn = np.array([[-1.0, -mu, 0.0], [0.0, -sigma, 1.0]]) / slope
    return NormalPod(mu, sigma, turn @ fit.covariance @ turn.T)
