"""A frame as it would be under other light, out of focus, moved, turned, or with more noise. Seeded.

Everything happens in linear light: a camera without gamma counts photons, and one with gamma says so. What
a perturbation makes is cut to 0–255 and rounded as a camera does it. Two things are not as on a real line:
a blurred frame has lost its sensor's noise, which real defocus keeps; and what moves in at an edge is the
edge, repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.records import Image

Light = NDArray[np.float32]
"""(H, W, C) share of saturation, linear, 0–1 and beyond."""
Kind = Literal["light", "blur", "shift", "rotation", "noise"]

LIGHT = (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4)
"""Gain − 1."""
BLUR_PX = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Standard deviation of the Gaussian spread, pixels."""
SHIFT_PX = (0.5, 2.0, 5.0, 10.0)
"""To the right and downwards together, at 30° to the rows, pixels."""
ROTATION_DEG = (0.5, 1.0, 2.0, 5.0)
"""Around the middle of the frame, counter-clockwise."""
FULL_WELL_E = (10_000.0, 2_500.0, 600.0, 150.0)
"""Electrons at 255: the fewer, the noisier. 10,000 is a usual sensor, 2,500 the same at a quarter of the
light and four times the gain."""
READ_NOISE_E = 5.0
DIRECTION_DEG = 30.0
"""No pixel grid lies along it: each shift is one of a fraction in at least one direction."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One kind at one strength."""

    kind: Kind
    strength: float

    def __str__(self) -> str:
        return {
            "light": f"light {self.strength:+.0%}",
            "blur": f"blur σ {self.strength:g} px",
            "shift": f"shift {self.strength:g} px",
            "rotation": f"rotation {self.strength:g}°",
            "noise": f"noise at {self.strength:,.0f} e⁻",
        }[self.kind]

    @property
    def seed(self) -> tuple[int, int]:
        """Of its own noise: another one for every strength."""
        return sum(map(ord, self.kind)), round(1000 * (self.strength + 10))


STRENGTHS: dict[Kind, tuple[float, ...]] = {
    "light": LIGHT,
    "blur": BLUR_PX,
    "shift": SHIFT_PX,
    "rotation": ROTATION_DEG,
    "noise": FULL_WELL_E,
}
PERTURBATIONS = tuple(Perturbation(kind, each) for kind, several in STRENGTHS.items() for each in several)


def perturb(
    image: Image, perturbation: Perturbation, rng: np.random.Generator, *, gamma: float = 1.0
) -> Image:
    """The frame as the camera would have given it.

    Args:
        image: (H, W, C) uint8.
        perturbation: what is otherwise.
        rng: of the noise.
        gamma: of the camera: level = 255 · light^(1 ÷ gamma); 1 for one without.
    """
    changes: dict[Kind, Callable[[Light], Light]] = {
        "light": lambda light: light * np.float32(1 + perturbation.strength),
        "blur": lambda light: _blurred(light, perturbation.strength),
        "shift": lambda light: _moved(light, perturbation.strength),
        "rotation": lambda light: _turned(light, perturbation.strength),
        "noise": lambda light: _noisy(light, perturbation.strength, rng),
    }
    light = np.asarray((image.astype(np.float32) / 255) ** np.float32(gamma), np.float32)
    changed = changes[perturbation.kind](light).reshape(image.shape)
    levels = 255 * np.clip(changed, 0, 1) ** np.float32(1 / gamma)
    return np.asarray(np.rint(levels), np.uint8)


def _blurred(light: Light, sigma_px: float) -> Light:
    """Convolved with a Gaussian, to four deviations."""
    size = 2 * int(np.ceil(4 * sigma_px)) + 1
    blurred = cv2.GaussianBlur(light, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def _moved(light: Light, by_px: float) -> Light:
    x, y = by_px * np.cos(np.radians(DIRECTION_DEG)), by_px * np.sin(np.radians(DIRECTION_DEG))
    return _warped(light, np.array([[1.0, 0.0, x], [0.0, 1.0, y]]))


def _turned(light: Light, by_deg: float) -> Light:
    height, width = light.shape[:2]
    return _warped(
        light, np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), by_deg, 1.0))
    )


def _warped(light: Light, matrix: NDArray[np.floating[Any]]) -> Light:
    """By Lanczos interpolation over 8 × 8 pixels: the least blur of its own."""
    size = (light.shape[1], light.shape[0])
    warped = cv2.warpAffine(light, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def _noisy(light: Light, full_well_e: float, rng: np.random.Generator) -> Light:
    """With shot noise of the electrons and the noise of reading them out; the frame's own noise stays."""
    variance = light * np.float32(full_well_e) + np.float32(READ_NOISE_E**2)
    noise = rng.standard_normal(light.shape, dtype=np.float32) * np.sqrt(variance)
    return np.asarray(light + noise / np.float32(full_well_e), np.float32)
