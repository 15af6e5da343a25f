"""The tiles of one split, as a training draws them: another defect, another pose, another light."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from taktsight.datasets.another_take import another_take
from taktsight.datasets.augment import Augmentation, augmentation
from taktsight.datasets.cache import Cache
from taktsight.datasets.cut_paste import paste_defect
from taktsight.datasets.draws import Chance, Draw
from taktsight.datasets.made_up.defect import made_up_defect
from taktsight.datasets.masks import FULL, UNKNOWN
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError


class Crops(NamedTuple):
    """A batch."""

    images: Tensor
    """(N, H, W, C) uint8; of a paired canvas with the golden template's channels behind."""
    masks: Tensor
    """(N, H, W) uint8, share of the pixel that is defective 0–FULL, or UNKNOWN."""
    kinds: Tensor
    """(N, H, W) or (N, 1, 1) uint8, index of the defect label that a defective pixel has."""
    labels: Tensor
    """(N,) int64, index of the defect label that the crop's view shows; K for a good one."""
    owners: Tensor
    """(N,) int64, index of the sample within its split."""


Pixels = NDArray[np.uint8]
Tile = tuple[Pixels, Pixels, Pixels, int, int]
"""Image (H, W, C), mask (H, W), kinds (H, W) or (1, 1), label index, owner index."""


class PreparedSplit(Dataset[Tile]):
    """The tiles of one split, augmented on the way out: the same draw gives the same tile at any time."""

    def __init__(
        self,
        samples: list[Sample],
        cache: Cache,
        labels: tuple[str, ...],
        *,
        paired: bool = False,
        augment: Augmentation = "none",
        crop: tuple[int, int] | None = None,
        zoom: tuple[float, float] = (1.0, 1.0),
        cut_paste: float = 0.0,
        made_up: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.samples = samples
        self._cache = cache
        self._crop = crop
        order = {label: index for index, label in enumerate(labels)} | {GOOD: len(labels)}
        seen = [sample.each_view() for sample in samples]
        places = zip(cache.owners.tolist(), cache.views.tolist(), strict=True)
        self.targets = [order[seen[owner][view].label] for owner, view in places]
        self._paired = paired
        self._channels = cache.images.shape[3] // 2 if paired else cache.images.shape[3]
        self._chance = Chance(seed)
        self._augment = augmentation(augment, crop=crop, zoom=zoom, chance=self._chance)
        self._varies = augment != "none"
        self._cut_paste, self._made_up = cut_paste, made_up
        self._good = len(labels)
        self._donors = _defective_tiles(cache) if cut_paste else np.zeros(0, np.int64)
        if cut_paste and not len(self._donors):
            raise DataError(
                "cut_paste needs defects with masks, and no training mask shows one: set it to 0"
            )

    def __len__(self) -> int:
        return len(self._cache.owners)

    def __getitem__(self, draw: Draw) -> Tile:
        self._chance.begin_draw(draw)
        tile, target = draw.tile, self.targets[draw.tile]
        planes = self._planes(tile)
        if target == self._good:
            planes, target = self._perhaps_defective(planes)
        named = dict(zip(("image", "mask", "kinds"), planes, strict=False))
        if self._paired:
            named["template"] = self._template(tile)
        if self._crop is None:  # crops come from the part, whole tiles are padded as on the line
            named = {name: self._pad(plane) for name, plane in named.items()}
        drawn = self._augment(**{name: np.ascontiguousarray(plane) for name, plane in named.items()})
        kinds = drawn.get("kinds", np.full((1, 1), min(target, self._good - 1), np.uint8))
        image = np.concatenate([drawn["image"], drawn["template"]], 2) if self._paired else drawn["image"]
        return image, drawn["mask"], kinds, target, int(self._cache.owners[tile])

    def _perhaps_defective(self, planes: list[Pixels]) -> tuple[list[Pixels], int]:
        """A good tile with a defect of another part, with one that is made up, or as it is; its target."""
        rng = self._chance.rng
        share = rng.random()
        if share < self._cut_paste:
            donor = int(rng.choice(self._donors))
            pasted = paste_defect(planes, self._planes(donor), rng)
            if pasted is not None:
                return pasted, self.targets[donor]
        elif share < self._cut_paste + self._made_up:
            (texture, *_), (image, *_) = self._planes(int(rng.integers(len(self)))), planes
            drawn, mask = made_up_defect(image, texture, rng)
            return [drawn, mask], 0 if mask.any() else self._good  # the only label there is
        return planes, self._good

    def _planes(self, tile: int) -> list[Pixels]:
        """Image, mask and, where views have several labels, kinds in the tile, without its padding."""
        height, width = self._cache.sizes[tile]
        planes = [self._cache.images[tile][:, :, : self._channels], self._cache.masks[tile]]
        planes += [] if self._cache.kinds is None else [self._cache.kinds[tile]]
        return [plane[:height, :width] for plane in planes]

    def _template(self, tile: int) -> Pixels:
        """The golden template in the tile, as it lies under the camera another time."""
        height, width = self._cache.sizes[tile]
        template = self._cache.images[tile][:height, :width, self._channels :]
        return another_take(template, self._chance.rng) if self._varies else template

    def _pad(self, plane: Pixels) -> Pixels:
        down, right = np.subtract(self._cache.masks.shape[1:], plane.shape[:2]).tolist()
        return np.pad(plane, [(0, down), (0, right), (0, 0)][: plane.ndim], mode="edge")


def _defective_tiles(cache: Cache) -> NDArray[np.int64]:
    """The tiles in which a pixel is known to be defective."""
    return np.flatnonzero(((cache.masks != 0) & (cache.masks != UNKNOWN)).any(axis=(1, 2)))


def defective_share(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Masks as (share 0–1 float32, known float32), both (N, H, W); unknown pixels weigh nothing."""
    known = (masks != UNKNOWN).float()
    return masks.float() / FULL * known, known


def collate(drawn: list[Tile]) -> Crops:
    """Tiles as one batch."""
    images, masks, kinds, labels, owners = zip(*drawn, strict=True)
    return Crops(
        torch.from_numpy(np.stack(images)),
        torch.from_numpy(np.stack(masks)),
        torch.from_numpy(np.stack(kinds)),
        torch.tensor(labels),
        torch.tensor(owners),
    )
