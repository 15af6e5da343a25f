"""The images of a data set and what annotations say of each, until they are samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Literal, TypeVar

from taktsight.datasets.readers.faults import Fault, FaultKind, OnFault
from taktsight.datasets.readers.files import image_files
from taktsight.datasets.readers.sizes import Size, image_size
from taktsight.datasets.regions import Region, main_label
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError

Unlabelled = Literal["refuse", "good", "leave_out"]
"""What an image is that no annotation says anything about."""
IMAGE_FOLDERS = ("", "images", "data")
"""Where a named image may lie below the root when it does not lie where the annotation does."""

Drawing = TypeVar("Drawing")


class Album:
    """Every image below a folder. One with a fault is left out whole: half its defects are no label."""

    def __init__(self, root: Path, good: str, on_fault: OnFault) -> None:
        self.root, self.good = root, good
        self.images = image_files(root)
        self._on_fault = on_fault
        self._by_place = {self._place(image): image for image in self.images}
        self._said: dict[Path, Sample | None] = {}
        """None: mentioned, and left out."""
        self._unsure = self._unread = False

    def fault(self, kind: FaultKind, path: Path, message: object, *, image: Path | None = None) -> None:
        """Hands on what is wrong with ``path``; leaves out ``image`` where it is known which one it is."""
        if image is None:
            self._unsure = True
        else:
            self._said[image] = None
        self._on_fault(Fault(kind, path, str(message).removeprefix(f"{path}: ")))

    def leave_out(self, *images: Path) -> None:
        """Whatever else is said of them."""
        self._said.update(dict.fromkeys(images))

    def unread(self, document: Path, error: DataError) -> None:
        """An annotation file that says nothing: what it was about is left out."""
        images = [image for image in self.images if image.stem == document.stem]
        self.leave_out(*images)
        self._unread = self._unread or not images
        self.fault("annotation", document, error)

    def find(
        self, name: str, document: Path, entry: str = "", folders: tuple[str, ...] = IMAGE_FOLDERS
    ) -> Path | None:
        """The image that an annotation names; None, and a fault, where it names none of ours.

        Args:
            name: relative to the annotation file's folder, or to one of ``folders`` below the root;
                either slash.
            document: the annotation file.
            entry: where in it, for the complaint.
            folders: of several that hold the name none is chosen.
        """
        said = f"{entry}: the image {name!r}" if entry else f"the image {name!r}"
        own, *others = dict.fromkeys(
            self._place(folder, name)
            for folder in (document.parent, *(self.root / each for each in folders))
        )
        named = [own] if own in self._by_place else [place for place in others if place in self._by_place]
        found = [self._by_place[place] for place in named]
        if name.startswith(("/", "\\")) or PureWindowsPath(name).drive:
            self.fault(
                "annotation", document, f"{said} is an absolute path, wanted is one below {self.root}"
            )
        elif len(found) > 1:
            several = " or ".join(str(image.relative_to(self.root)) for image in found)
            self.fault("annotation", document, f"{said} may be {several}; name it from {self.root}")
        elif not found and not any(map(self._is_inside, (own, *others))):
            self.fault("annotation", document, f"{said} leads out of {self.root}")
        elif not found:
            self.fault(
                "orphan", document, f"{said} is not there; add the image or remove what is said of it"
            )
        elif found[0] in self._said:
            self.fault(
                "annotation",
                document,
                f"{said} is described a second time; keep one description",
                image=found[0],
            )
        else:
            self._said[found[0]] = None
            return found[0]
        return None

    def draw(
        self,
        image: Path,
        document: Path,
        entries: Iterable[tuple[str, Drawing]],
        region_of: Callable[[Drawing, Size], Region],
        *,
        stated: Size | None = None,
    ) -> Sample | None:
        """Takes an image with what was drawn on it; nothing drawn is a good part.

        Args:
            image: one of ours.
            document: the annotation file, for complaints.
            entries: of each drawing its place in the file, and what stands there.
            region_of: makes a region of it, on an image of that size; DataError where it cannot.
            stated: height and width that the annotation was made for, where it says so.

        Returns:
            The sample, or None, and a fault for each entry that is wrong.
        """
        entries = list(entries)
        self._said[image] = Sample((image,), GOOD, regions=((),))
        size = self._size(image, document, stated) if entries or stated else None
        if size is None:
            return self._said[image]
        regions = []
        for entry, drawing in entries:
            try:
                region = region_of(drawing, size)
                regions.append(replace(region, label=self._defect_label(region.label)))
            except DataError as error:
                self.fault("annotation", document, f"{entry}: {error}", image=image)
        if regions and self._said[image]:
            self._said[image] = Sample((image,), main_label(regions), regions=(tuple(regions),))
        return self._said[image]

    def judge(self, image: Path, document: Path, entry: str, labels: list[str]) -> None:
        """Takes what was said of the whole part, after what was drawn on it; no label says nothing."""
        sample = self._said.get(image)
        if not labels or sample is None:
            return
        try:
            if len(set(labels)) > 1:
                raise DataError(
                    f"the part has the labels {', '.join(labels)}; keep one, or draw the defects"
                )
            label = GOOD if labels[0].strip() == self.good else self._defect_label(labels[0])
            drawn = sample.labels
            if drawn and label not in drawn:
                raise DataError(
                    f"the part is {label!r}, and drawn on it is {', '.join(drawn)}; correct one"
                )
        except DataError as error:
            self.fault("annotation", document, f"{entry}: {error}", image=image)
            return
        if not drawn:
            self.keep(replace(sample, label=label, regions=((),) if label == GOOD else ()))

    def keep(self, sample: Sample) -> Sample:
        """Takes a sample as it is."""
        self._said[sample.images[0]] = sample
        return sample

    def add_mask(self, image: Path, mask: Path) -> None:
        """Gives the sample its mask, unless it was left out."""
        sample = self._said[image]
        if sample:
            self.keep(replace(sample, masks=(mask,), regions=()))

    def samples(self, unlabelled: Unlabelled) -> list[Sample]:
        """Every image as a sample, in natural order, but those with a fault.

        Where something could not be tied to an image, nobody knows that the others are good.
        """
        for image in self.images:
            if image in self._said:
                continue
            if unlabelled == "good" and not self._unsure:
                self.keep(Sample((image,), GOOD))
            elif unlabelled == "refuse" and not self._unread:
                message = (
                    "has no annotation; annotate it, or say that images without one are good or left out"
                )
                self.fault("unlabelled", image, message, image=image)
        return [sample for image in self.images if (sample := self._said.get(image))]

    def _defect_label(self, text: str) -> str:
        label = text.strip()
        if not label or not label.isprintable():
            raise DataError(f"the label is {text!r}, wanted is a name")
        if label in (self.good, GOOD):
            raise DataError(
                f"the label {label!r} is that of good parts, wanted is a defect; remove it or rename it"
            )
        return label

    def _size(self, image: Path, document: Path, stated: Size | None) -> Size | None:
        try:
            size = image_size(image)
        except DataError as error:
            self.fault("image", image, error, image=image)
            return None
        if stated in (None, size):
            return size
        height, width = stated or size
        self.fault(
            "annotation",
            document,
            f"was made on {width}×{height} pixels, and {image} has {size[1]}×{size[0]}; "
            "use the images that were annotated",
            image=image,
        )
        return None

    def _place(self, folder: Path, name: str = "") -> str:
        """Without ``..``, and links as they stand: two names of one file are one place."""
        return os.path.normpath(folder.absolute() / name.replace("\\", "/"))

    def _is_inside(self, place: str) -> bool:
        return Path(place).is_relative_to(self._place(self.root))
