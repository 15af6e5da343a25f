"""What a check can find, in words: every kind, how grave it is, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taktsight.datasets.readers.faults import FaultKind

Severity = Literal["fault", "warning"]

Kind = (
    FaultKind
    | Literal[
        "reader",
        "index",
        "missing file",
        "empty file",
        "pointer",
        "cut short",
        "unreadable",
        "mask size",
        "mask scale",
        "empty mask",
        "mask on good",
        "unknown label",
        "regions disagree",
        "blank image",
        "copies disagree",
        "copy across splits",
        "near copy across splits",
        "part across splits",
        "lot across splits",
        "copy",
        "untrainable",
        "near copy",
        "drawn twice",
        "soft mask",
        "rare label",
        "absent label",
        "unused label",
        "few to certify",
        "odd size",
        "odd channels",
        "odd exposure",
    ]
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One kind of finding, for people."""

    title: str
    why: str
    """What it does to a model or to its figures, and what to do."""
    severity: Severity = "fault"


MEANINGS: Mapping[Kind, Meaning] = {
    "reader": Meaning("The folder cannot be read", "Nothing was checked. Is the layout the right one?"),
    "index": Meaning(
        "The index does not fit", "Part, lot, camera and split come from it: correct its rows."
    ),
    "annotation": Meaning(
        "Annotations that cannot be understood", "The image was left out: correct the file."
    ),
    "unlabelled": Meaning(
        "Images nobody labelled", "They are in no split. Unknown is not good: label them."
    ),
    "orphan": Meaning("Annotations without an image", "The image is lost, or one of two names is wrong."),
    "no mask": Meaning("Defects without a mask", "The layout promises one: draw it, or restore the file."),
    "misplaced": Meaning("Files where the layout has none", "They were left out: move them."),
    "image": Meaning("Images whose header is broken", "They were left out: copy them again."),
    "missing file": Meaning("Files that are absent", "Something names them and they are not there."),
    "empty file": Meaning("Empty files", "Copying or saving broke off: copy them again."),
    "pointer": Meaning("Git LFS pointers", "The image was never fetched: run 'git lfs pull'."),
    "cut short": Meaning("Files that are cut short", "Some programs show such an image with grey rows."),
    "unreadable": Meaning("Files that are no 8-bit image", "Nothing can be trained with them."),
    "mask size": Meaning("Masks of another size", "A mask lies on its image pixel by pixel."),
    "mask scale": Meaning("Masks that are too dark", "Pixels above 127 are the defect; here are none."),
    "empty mask": Meaning(
        "Defects whose mask is empty",
        "The part is defective and no pixel says where. Training leaves it out of the pixel loss.",
    ),
    "mask on good": Meaning("Good parts with a marked mask", "One of the two is wrong: look at the part."),
    "unknown label": Meaning(
        "Labels that the defect book does not know",
        "Nobody says what they mean: add them to the book, or to the aliases of a label.",
    ),
    "regions disagree": Meaning(
        "Two labels on the same place", "The same pixels carry two labels: decide which."
    ),
    "blank image": Meaning(
        "Images that show nothing", "No light, a covered lens or a white-out: take again."
    ),
    "copies disagree": Meaning(
        "Copies that are labelled differently",
        "The same image says two things: at least one is wrong. No model can score better than its labels.",
    ),
    "copy across splits": Meaning(
        "Copies on both sides of a split",
        "A model that saw the image in training knows the answer: figures are too good. Delete one.",
    ),
    "near copy across splits": Meaning(
        "Near copies on both sides of a split",
        "Almost the same exposure in two splits: figures are too good. Give them one part name.",
    ),
    "part across splits": Meaning(
        "Parts in two splits", "Figures would be memory. Put each part in one split."
    ),
    "lot across splits": Meaning(
        "Lots in two splits", "Figures would be memory. Put each lot in one split."
    ),
    "copy": Meaning("Copies", "Counted twice, and one day in two splits. Delete all but one."),
    "untrainable": Meaning("What training refuses", "'taktsight train' would stop at it."),
    "near copy": Meaning(
        "Near copies",
        "Almost the same exposure. If they show one part, give them one part name in the index.",
        "warning",
    ),
    "drawn twice": Meaning("Regions drawn twice", "Counts of defects are too high: delete one.", "warning"),
    "soft mask": Meaning(
        "Masks that are not black and white",
        "Edges were smoothed or compressed. Pixels above 127 count as the defect, the rest as good.",
        "warning",
    ),
    "rare label": Meaning("Labels too rare to learn", "Collect more, or merge labels.", "warning"),
    "absent label": Meaning("Labels absent from a split", "Nothing is known of them there.", "warning"),
    "unused label": Meaning(
        "Labels of the defect book without a part", "No model could learn them.", "warning"
    ),
    "few to certify": Meaning(
        "Labels with too few test parts for a claim",
        "Even if none escapes, the bound stays wide: 59 parts show 5 %, 299 show 1 %, at 95 % confidence.",
        "warning",
    ),
    "odd size": Meaning("Sizes that stand out", "Another camera, another crop, or saved again.", "warning"),
    "odd channels": Meaning("Mono among colour, or colour among mono", "Usually saved again.", "warning"),
    "odd exposure": Meaning(
        "Exposures that stand out", "Light, gain or another scene: look at them.", "warning"
    ),
}
"""Every kind, gravest first: the order of the report."""

ORDER: Mapping[Kind, int] = {kind: rank for rank, kind in enumerate(MEANINGS)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth a look."""

    kind: Kind
    paths: tuple[Path, ...]
    """The files to open, the telling ones first: of copies, the two to compare. May be empty."""
    message: str
    """What is so, what was wanted and what to do; does not repeat the first path."""

    @property
    def severity(self) -> Severity:
        """Whether it fails the check."""
        return MEANINGS[self.kind].severity

    def __str__(self) -> str:
        return f"{self.paths[0]}: {self.message}" if self.paths else self.message
