"""The three curves that probability of detection is fitted with, and their likelihood.

η is the linear predictor b0 + b1·x, where x is the size or its logarithm; g(POD) = η.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.special import expit, log_expit, log_ndtr, logit, ndtr, ndtri

from taktsight.quality.tables import Bools, Floats

Link = Literal["logit", "probit", "cloglog"]
LINKS: tuple[Link, ...] = ("logit", "probit", "cloglog")
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_HIGHEST = 40.0
"""η from which e^η would only overflow in the complementary log-log."""


def predictor(link: Link, probability: float) -> float:
    """g(p): the η at which the curve is ``probability``."""
    if link == "logit":
        return float(logit(probability))
    if link == "probit":
        return float(ndtri(probability))
    return math.log(-math.log1p(-probability))


def probability(link: Link, eta: Floats) -> Floats:
    """POD at each η, 0–1."""
    if link == "logit":
        return np.asarray(expit(eta))
    if link == "probit":
        return np.asarray(ndtr(eta))
    return np.asarray(-np.expm1(-np.exp(np.minimum(eta, _HIGHEST))))


def likelihood(link: Link, eta: Floats, hit: Bools) -> tuple[Floats, Floats, Floats]:
    """The log likelihood of each target, and its first and second derivative by η.

    All three links are log-concave: the second derivative is never positive.

    Args:
        link: the curve.
        eta: (…, N) linear predictor.
        hit: (N,) whether the target was found.
    """
    if link == "cloglog":
        return _cloglog(eta, hit)
    sign = np.where(hit, 1.0, -1.0)
    turned = sign * eta
    if link == "logit":
        missing = expit(-turned)
        return np.asarray(log_expit(turned)), sign * missing, -missing * (1 - missing)
    log_p = np.asarray(log_ndtr(turned))
    mills = np.exp(-0.5 * turned * turned - _HALF_LOG_2PI - log_p)
    return log_p, sign * mills, -mills * (mills + turned)


def _cloglog(eta: Floats, hit: Bools) -> tuple[Floats, Floats, Floats]:
    rate = np.exp(np.minimum(eta, _HIGHEST))
    found = -np.expm1(-rate)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_found = np.where(eta < -30, eta, np.log(found))
        slope = np.where(rate < 1e-8, 1 - rate / 2, rate * np.exp(-rate) / found)
    bend = np.minimum(np.where(rate < 1e-8, -rate / 2, slope * (1 - rate - slope)), 0.0)
    return (
        np.where(hit, log_found, -rate),
        np.where(hit, slope, -rate),
        np.where(hit, bend, -rate),
    )


def fisher_weights(link: Link, eta: Floats) -> Floats:
    """(dPOD/dη)² ÷ (POD (1 − POD)): what a target tells of η, on average over hit and miss."""
    if link == "logit":
        return np.asarray(expit(eta) * expit(-eta))
    if link == "probit":
        return np.exp(-eta * eta - 2 * _HALF_LOG_2PI - log_ndtr(eta) - log_ndtr(-eta))
    rate = np.exp(np.minimum(eta, _HIGHEST))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = rate * rate / np.expm1(rate)
    return np.where(rate > 700, 0.0, weights)
