"""A first defect book from labelled images: labels, counts, sizes, typical examples; people do the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from taktsight.datasets.masks import read_mask
from taktsight.datasets.outlined import Colours, outlined
from taktsight.datasets.readers.sizes import image_size
from taktsight.datasets.regions import Cover
from taktsight.datasets.samples import Sample, defect_labels
from taktsight.errors import ConfigError
from taktsight.image_files import encode_png, read_image

TYPICAL = (0.25, 0.5, 0.75)
"""Which defects are shown, by their place among all of their label sorted by area."""
EXAMPLE_PX = 320
"""Longest side of an example picture."""
SURROUNDINGS = 2.0
"""Side of the square that is shown ÷ longest side of the defect."""
LEAST_SHOWN_PX = 48
"""A pit of three pixels is shown on the surface around it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One label on one part."""

    sample: Sample
    area_px: int | None
    """Of this label on the first view; None where nobody drew it."""


def write_draft(file: Path, samples: Sequence[Sample], product: str, mm_per_px: float | None) -> int:
    """Writes the draft and its pictures; returns how many pictures.

    The draft is no book yet: descriptions and severities are left open, and every reader refuses it until
    somebody has filled them in.

    Args:
        file: the YAML file; the pictures lie in a folder of its name, without the suffix, beside it.
        samples: one defective at least.
        product: the product's name.
        mm_per_px: scale of the images, or None to tell sizes in pixels.

    Raises:
        ConfigError: If the file or the folder is there already, nothing is defective, or the disk says no.
    """
    folder = file.with_suffix("")
    for taken in (file, folder):
        if taken.exists():
            raise ConfigError(f"{taken}: is there already, with what people wrote; name another file")
    labels = defect_labels(samples)
    if not labels:
        raise ConfigError("no part is labelled with a defect: there is nothing to describe")
    try:
        folder.mkdir(parents=True)
        entries, pictures = [], 0
        for number, label in enumerate(labels, start=1):
            shown = _shown(samples, label)
            names = []
            for place, each in enumerate(_typical(shown), start=1):
                names.append(f"{folder.name}/{number}-{_file_name(label)}-{place}.png")
                (file.parent / names[-1]).write_bytes(encode_png(_picture(each, label), compression=9))
            entries.append(_entry(label, _measured(shown, mm_per_px), names))
            pictures += len(names)
        file.write_text(_HEAD + f"product: {_quoted(product)}\nlabels:\n" + "".join(entries), "utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
    return pictures


_HEAD = """\
# Defect book: what every label means, how grave it is, and how much of it is tolerated. Fill in description
# and severity of each label; until then nothing reads this file.
#   critical  hazardous to whoever uses the product
#   major     likely fails, or is much less usable
#   minor     hardly less usable                            (after MIL-STD-105E, 3)
"""


def _entry(label: str, measured: str, examples: Sequence[str]) -> str:
    return f"""\
  # {measured}
  - name: {_quoted(label)}
    description:                # what one sees and where, and what it is told apart from
    severity:                   # critical, major or minor
    max_area_mm2: 0.0           # the largest single region that is tolerated
    why: ""                     # where the limit comes from: a drawing, a standard, a sample board
    aliases: []                 # other names in annotations that mean this label
    examples: [{", ".join(map(_quoted, examples))}]
"""


def _quoted(text: str) -> str:
    """The text as YAML writes it in one line, within brackets too."""
    dumped: str = yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000)
    return dumped.strip()[1:-1]


def _shown(samples: Sequence[Sample], label: str) -> list[Shown]:
    """One exposure of each part with the label, smallest first where sizes are known."""
    first: dict[str, Sample] = {}
    for sample in samples:
        if label in sample.labels:
            first.setdefault(sample.part or str(sample.images[0]), sample)
    shown = []
    for sample in first.values():
        covered = _cover(sample, label)
        shown.append(Shown(sample, int(covered.sum()) if covered is not None else None))
    return sorted(shown, key=lambda each: (each.area_px or 0, str(each.sample.images[0])))


def _cover(sample: Sample, label: str) -> Cover | None:
    """(H, W) where the label lies; None where nobody drew it."""
    if not (sample.masks or sample.regions):
        return None
    mask = read_mask(sample, image_size(sample.images[0]), label=label)
    return mask > 0 if mask is not None and mask.any() else None


def _typical(shown: Sequence[Shown]) -> list[Shown]:
    known = [each for each in shown if each.area_px is not None] or shown
    places = sorted({round(share * (len(known) - 1)) for share in TYPICAL}) if len(known) > 3 else None
    return list(known) if places is None else [known[place] for place in places]


def _measured(shown: Sequence[Shown], mm_per_px: float | None) -> str:
    """Counts and areas in words."""
    parts = "1 part" if len(shown) == 1 else f"{len(shown)} parts"
    areas = np.array([each.area_px for each in shown if each.area_px is not None], np.float64)
    if not len(areas):
        return f"{parts}; nobody drew where"
    unit = "mm²" if mm_per_px else "px²"
    low, middle, high = np.quantile(areas * (mm_per_px or 1.0) ** 2, (0.0, 0.5, 1.0))
    return f"{parts}; defective area of a part {low:.3g} to {high:.3g} {unit}, median {middle:.3g} {unit}"


def _picture(shown: Shown, label: str) -> Colours:
    """The largest region of the label with its surroundings, outlined; the whole part without a drawing."""
    image = read_image(shown.sample.images[0], channels=3)
    covered = _cover(shown.sample, label)
    if covered is None:
        return outlined(image, None, EXAMPLE_PX)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(covered.astype(np.uint8), connectivity=8)
    x, y, width, height, _ = max(boxes[1:].tolist(), key=lambda box: box[4])
    side = max(LEAST_SHOWN_PX, round(SURROUNDINGS * max(width, height)))
    rows = _within(y + height // 2, side, image.shape[0])
    columns = _within(x + width // 2, side, image.shape[1])
    return outlined(image[rows, columns], covered[rows, columns], EXAMPLE_PX)


def _within(middle: int, side: int, whole: int) -> slice:
    """So many pixels about the middle, shifted inwards at an edge."""
    start = max(0, min(middle - side // 2, whole - side))
    return slice(start, min(whole, start + side))


def _file_name(label: str) -> str:
    """The label without what file systems refuse."""
    return "".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in label)[:40]
