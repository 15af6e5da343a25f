"""Labelled images as Lightning takes them: read, split, prepared once, balanced, augmented."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import lightning
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from taktsight.datasets.augment import Augmentation
from taktsight.datasets.cache import Cache, open_cache
from taktsight.datasets.draws import Draw, DrawOrder
from taktsight.datasets.learn_from import LearnFrom, only_good_to_learn
from taktsight.datasets.prepared_split import Crops, PreparedSplit, Tile, collate
from taktsight.datasets.read_ahead import drawing_workers, drawn_ahead
from taktsight.datasets.readers import Layout, Unlabelled
from taktsight.datasets.samples import GOOD, Sample, Split, defect_labels
from taktsight.datasets.source import Source
from taktsight.datasets.splits import check_splits, split_samples, with_val
from taktsight.datasets.view_files import check_references
from taktsight.errors import ConfigError, DataError
from taktsight.imaging import Canvas


class InspectionData(lightning.LightningDataModule):
    """The labelled parts of one product.

    Args:
        root: folder of the data set.
        layout: mask_folder, class_folder or mvtec.
        canvas: the network's input: height, width (multiples of 32), channels, factor, overlap; paired
            where each view is compared with its golden template.
        good: what good parts are called.
        annotations: file or folder of annotations, where they lie elsewhere than the layout says.
        unlabelled: what an image without any annotation is: refuse, good or leave_out.
        learn_from: ``all`` parts and their labels; or ``good`` parts only: whatever is not good is then
            one label, ``anomaly``, and no defective part is trained on.
        index: CSV with the columns below, where the folders do not say it all.
        image_column: the image's path, relative to the index; absent: ``image``.
        part_column: the physical part.
        lot_column: the lot.
        camera_column: the camera.
        time_column: when it was taken, such as ISO 8601; the evaluation says when a lot's alarm came.
        view_column: which view of its part an image is; images of one part then are one sample.
        reference_column: the golden template of an image, relative to the index.
        split_column: train, val or test; without it and ``splits``: by part and lot, 60 : 20 : 20.
            Where nothing is said to be val, a fifth of train is, by part and lot.
        leave_out: column of the index and the value, or values, whose images are left out, as if not there.
        book: defect book: other spellings of a label get its name, and a label it does not know is refused.
        splits: folder of lists that ``taktsight data split`` wrote.
        shared_lots: lots may lie in train and test, as in some published splits; val then is still parted
            from train by lot.
        mm_per_px: scale of the images at the part's surface, mm; absent where nobody knows.
        batch_size: crops per step, of all processes together.
        augment: none, light or strong.
        crop: height and width of random training crops; absent: whole tiles.
        zoom: a tile is made so much smaller or larger before it is cropped, from … to: for parts that were
            taken at another magnification.
        cut_paste: share of the good training tiles that get a defect of another part, 0–1.
        made_up: share of the good training tiles that get a made-up defect, 0–1; for one label only.
        balance: 0 draws each tile once an epoch, 1 each label equally often; 0–1.
        seed: of the split, of the order and of the augmentation; 0 or more.
        cache_dir: where prepared images are kept; may be deleted at any time.
    """

    def __init__(
        self,
        root: Path,
        layout: Layout,
        canvas: Canvas,
        good: str = GOOD,
        annotations: Path | None = None,
        unlabelled: Unlabelled = "refuse",
        learn_from: LearnFrom = "all",
        index: Path | None = None,
        image_column: str | None = None,
        part_column: str | None = None,
        lot_column: str | None = None,
        camera_column: str | None = None,
        time_column: str | None = None,
        view_column: str | None = None,
        reference_column: str | None = None,
        split_column: str | None = None,
        leave_out: dict[str, str | list[str]] | None = None,
        book: Path | None = None,
        splits: Path | None = None,
        shared_lots: bool = False,
        mm_per_px: float | None = None,
        batch_size: int = 16,
        augment: Augmentation = "strong",
        crop: tuple[int, int] | None = None,
        zoom: tuple[float, float] = (1.0, 1.0),
        cut_paste: float = 0.0,
        made_up: float = 0.0,
        balance: float = 0.5,
        seed: int = 0,
        cache_dir: Path = Path(".cache/taktsight"),
    ) -> None:
        super().__init__()
        _check_shares(cut_paste=cut_paste, made_up=made_up, balance=balance)
        _check_zoom(zoom, crop)
        for name, number, least in (("batch_size", batch_size, 1), ("seed", seed, 0)):
            if number < least:
                raise ConfigError(f"data.{name} must be at least {least}, got {number}")
        self.root = root
        self.canvas = canvas
        self.mm_per_px = mm_per_px
        self._batch_size, self._augment, self._crop, self._zoom = batch_size, augment, crop, zoom
        self._cut_paste, self.made_up, self._balance = cut_paste, made_up, balance
        self._seed, self._cache_dir = seed, cache_dir
        columns = {
            "image": image_column,
            "part": part_column,
            "lot": lot_column,
            "camera": camera_column,
            "time": time_column,
            "view": view_column,
            "reference": reference_column,
            "split": split_column,
        }
        if splits is not None and split_column is not None:
            raise ConfigError("data.splits and data.split_column both say what is tested on: give one")
        left_out = leave_out or {}
        source = Source(root, layout, good, annotations, unlabelled, index, columns, left_out, splits, book)
        samples = source.read()
        self.book = source.read_book()
        """What the labels mean; None where nobody says."""
        if split_column is None and any(sample.split is None for sample in samples):
            samples = split_samples(samples, seed=seed)
        samples = with_val(samples, seed=seed)
        if learn_from == "good":
            samples = only_good_to_learn(samples)
        check_splits(
            samples,
            test_only=learn_from == "good",
            apart=("part",) if shared_lots else ("part", "lot"),
        )
        if canvas.paired:
            check_references(samples)
        self.samples = samples
        self.views = samples[0].views or ("camera",)
        """Names of the views that each part has."""
        self.labels = defect_labels(samples)
        """K defect labels: the order of maps and scores."""
        self.has_good = any(not sample.is_defective for sample in samples)
        unseen = set(self.labels) - set(defect_labels(self.split("train")))
        if unseen and learn_from == "all":
            raise DataError(f"no training part shows {', '.join(sorted(unseen))}: nothing could learn it")
        if made_up and len(self.labels) != 1:
            raise ConfigError(
                f"data.made_up makes defects without a name, the data set has {len(self.labels)} labels "
                f"({', '.join(self.labels)}): set it to 0, or merge the labels into one"
            )

    def split(self, name: Split) -> list[Sample]:
        """The samples of one split, in reading order."""
        return [sample for sample in self.samples if sample.split == name]

    def cache(self, name: Split) -> Cache:
        """The prepared tiles of one split."""
        return open_cache(self.split(name), self.canvas, self._cache_dir, self.labels)

    def prepare_data(self) -> None:
        """Prepares what a training reads in the first process, while the others wait for it."""
        self.setup("fit")

    def setup(self, stage: str) -> None:
        """Prepares all that a training reads: a broken image is found before the first step."""
        if stage == "fit":
            for name in ("train", "val"):
                self.cache(name)

    def train_dataloader(self) -> DataLoader[Tile]:
        """Balanced and augmented; this process's share of each batch.

        Raises:
            ConfigError: If a batch cannot be shared evenly by the processes of the training.
            DataError: If there is less than a batch.
        """
        process, processes = self._place()
        if self._batch_size % processes:
            raise ConfigError(
                f"data.batch_size is {self._batch_size}, which {processes} processes cannot share evenly: "
                f"set it to a multiple of {processes}"
            )
        tiles = self._tiles("train", self._augment, self._crop)
        if len(tiles) < self._batch_size:  # the last, short batch is dropped: there would be no step
            raise DataError(
                f"{len(tiles)} training tiles do not fill a batch of {self._batch_size}: lower batch_size"
            )
        order = DrawOrder(
            self._weights(tiles), len(tiles), seed=self._seed, process=process, processes=processes
        )
        share = self._batch_size // processes
        device = self.trainer.strategy.root_device.type if self.trainer else "cpu"
        return drawn_ahead(tiles, share, order, collate, workers=drawing_workers(device))

    def val_dataloader(self) -> DataLoader[Tile]:
        """Whole tiles, in order; of several processes each takes whole batches, in turn.

        Raises:
            DataError: If there are fewer tiles than processes.
        """
        process, processes = self._place()
        tiles = self._tiles("val", "none", None)
        size = min(self._batch_size, len(tiles) // processes)
        if size == 0:
            raise DataError(
                f"{len(tiles)} val tiles cannot be shared by {processes} processes: lower trainer.devices"
            )
        batches = [
            [Draw(0, tile, tile) for tile in range(start, min(start + size, len(tiles)))]
            for start in range(0, len(tiles), size)
        ]
        return DataLoader(tiles, batch_sampler=batches[process::processes], collate_fn=collate)

    def _place(self) -> tuple[int, int]:
        """Which process of how many this is; the first of one where no trainer is at work."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _weights(self, tiles: PreparedSplit) -> NDArray[np.float64] | None:
        """(T,) how often each tile is drawn; None where each is drawn once an epoch."""
        if self._balance == 0:
            return None
        counts = np.bincount(tiles.targets, minlength=len(self.labels) + 1)
        return np.asarray(counts[tiles.targets].astype(np.float64) ** -self._balance)

    def fixed_batch(self) -> Crops:
        """A batch of training tiles, not augmented, every label as often as the others; always the same."""
        tiles = PreparedSplit(
            self.split("train"),
            self.cache("train"),
            self.labels,
            paired=self.canvas.paired,
            crop=self._crop,
            seed=self._seed,
        )
        seen: Counter[int] = Counter()
        turns = []
        for tile, target in enumerate(tiles.targets):
            turns.append((seen[target], target, tile))
            seen[target] += 1
        chosen = [tile for _, _, tile in sorted(turns)[: self._batch_size]]
        return collate([tiles[Draw(0, place, tile)] for place, tile in enumerate(chosen)])

    def _tiles(self, name: Split, augment: Augmentation, crop: tuple[int, int] | None) -> PreparedSplit:
        return PreparedSplit(
            self.split(name),
            self.cache(name),
            self.labels,
            paired=self.canvas.paired,
            augment=augment,
            crop=crop,
            zoom=self._zoom if crop else (1.0, 1.0),
            cut_paste=self._cut_paste if name == "train" else 0.0,
            made_up=self.made_up if name == "train" else 0.0,
            seed=self._seed,
        )


def _check_shares(*, cut_paste: float, made_up: float, balance: float) -> None:
    for name, share in (("cut_paste", cut_paste), ("made_up", made_up), ("balance", balance)):
        if not 0 <= share <= 1:
            raise ConfigError(f"data.{name} must lie within 0–1, got {share}")
    if cut_paste + made_up > 1:
        raise ConfigError(
            "data.cut_paste and data.made_up are shares of the same tiles: together at most 1"
        )


def _check_zoom(zoom: tuple[float, float], crop: tuple[int, int] | None) -> None:
    if not 0 < zoom[0] <= zoom[1]:
        raise ConfigError(f"data.zoom goes from a factor above 0 to one not below it, got {list(zoom)}")
    if zoom != (1.0, 1.0) and crop is None:
        raise ConfigError("data.zoom makes tiles of many sizes: set data.crop, which they are cropped to")
