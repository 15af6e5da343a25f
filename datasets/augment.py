"""Variation that a line really shows: pose, lighting, focus, noise. On uint8, before the network."""

from __future__ import annotations

import os
from typing import Any, Literal

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks its makers' server for news at import

import albumentations
import cv2

from taktsight.datasets.draws import Chance

Augmentation = Literal["none", "light", "strong"]


def augmentation(
    kind: Augmentation,
    *,
    crop: tuple[int, int] | None,
    chance: Chance,
    zoom: tuple[float, float] = (1.0, 1.0),
) -> albumentations.Compose:
    """A pipeline for ``image`` (H, W, C) and ``mask`` (H, W), both uint8.

    ``template`` (H, W, C), where given, is moved and lit as the image is, ``kinds`` (H, W) as the mask.

    Args:
        kind: none; light (flips, brightness); strong (also small pose, blur, noise, gamma).
        crop: height and width cut at random places, or None for the whole tile.
        zoom: by how much the tile is made smaller or larger before it is cropped, from … to.
        chance: what varies a tile. Where it stands when the pipeline is called is all that counts.
    """
    steps: list[Any] = []
    if zoom != (1.0, 1.0):
        steps.append(
            albumentations.RandomScale(
                (zoom[0] - 1, zoom[1] - 1),
                interpolation=cv2.INTER_LINEAR,
                mask_interpolation=cv2.INTER_NEAREST,
                area_for_downscale="image",
                p=1,
            )
        )
    if kind == "strong":
        steps.append(
            albumentations.Affine(
                scale=(0.85, 1.15),
                rotate=(-10, 10),
                translate_percent=(-0.05, 0.05),
                interpolation=cv2.INTER_LINEAR,
                mask_interpolation=cv2.INTER_NEAREST,
                border_mode=cv2.BORDER_REPLICATE,
                p=0.6,
            )
        )
    if crop is not None:
        height, width = crop
        steps += [
            albumentations.PadIfNeeded(
                height, width, position="top_left", border_mode=cv2.BORDER_REPLICATE
            ),
            # Every second crop of a defective part shows the defect, however small it is.
            albumentations.OneOf(
                [
                    albumentations.RandomCrop(height, width),
                    albumentations.CropNonEmptyMaskIfExists(height, width),
                ],
                p=1,
            ),
        ]
    if kind != "none":
        steps += [albumentations.HorizontalFlip(p=0.5), albumentations.VerticalFlip(p=0.5)]
        steps.append(albumentations.RandomBrightnessContrast(0.15, 0.15, p=0.6))
    if kind == "strong":
        steps.append(albumentations.Illumination("linear", intensity_range=(0.02, 0.2), p=0.3))
        steps.append(albumentations.RandomGamma((75, 130), p=0.4))
        steps.append(albumentations.GaussianBlur(blur_limit=(3, 3), p=0.1))
        steps.append(albumentations.GaussNoise(std_range=(0.005, 0.02), p=0.2))
    pipeline = albumentations.Compose(steps, additional_targets={"kinds": "mask", "template": "image"})
    # Compose(seed=…) gives every step a generator of the same seed: both flips would always come together.
    pipeline.set_random_state(chance.rng, chance.choices)
    return pipeline
