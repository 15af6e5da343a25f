"""The synthetic product: a turned flange, its drawing in mm, and which defects it can have."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.records import Image

OUTER_RADIUS_MM = 22.0
FIELD_MM = 51.2
"""Side of the field of view that shows the whole part in every pose."""
LEAST_FIELD_MM = 50.0
COARSEST_MM_PER_PX = 0.5
"""Beyond it no defect of a default size can be seen."""
SHIFT_MM = 2.0
"""How far a part may lie from the middle of the field, in x and in y."""

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole, or with ``length_mm`` a slot that runs outward along y."""

    x_mm: float
    y_mm: float
    radius_mm: float
    chamfer_mm: float
    length_mm: float = 0.0
    through: bool = False
    """Whether the conveyor shows through it. A bore is deep and dark instead."""


OUTER_CHAMFER_MM = 0.7
STEP_RADIUS_MM = 10.6
"""The face inside is turned 0.5 mm deeper."""
STEP_WIDTH_MM = 0.45
BORE = Opening(0.0, 0.0, 5.5, 0.6)
BOLTS = tuple(
    Opening(x, y, 1.75, 0.4)
    for x, y in (
        (15.5, 0.0),
        (7.75, 13.423),
        (-7.75, 13.423),
        (-15.5, 0.0),
        (-7.75, -13.423),
        (7.75, -13.423),
    )
)
DOWEL = Opening(13.423, 7.75, 1.0, 0.3)
KEYWAY = Opening(0.0, -19.8, 1.6, 0.4, length_mm=6.0, through=True)
OPENINGS = (BORE, *BOLTS, DOWEL, KEYWAY)


@dataclass(frozen=True, slots=True)
class DefectRange:
    """From where to where one kind of defect is drawn."""

    label: str
    length_mm: Range
    """Along the path for scratch and crack; the longer diameter for pit and stain."""
    width_mm: Range
    """Mean along the path for scratch and crack; the shorter diameter, kept within 0.7–1 of the longer one,
    for pit and stain."""
    contrast: Range
    """Change of brightness ÷ brightness of the surface, as a magnitude, before the lens. Raised where
    coarse tool marks would hide the defect (``Product.least_visible``)."""

    def __post_init__(self) -> None:
        for name, (low, high) in (
            ("length_mm", self.length_mm),
            ("width_mm", self.width_mm),
            ("contrast", self.contrast),
        ):
            if not 0 < low <= high:
                raise ValueError(f"{self.label}: {name} must be 0 < low ≤ high, got {low} to {high}")


KINDS = ("crack", "pit", "scratch", "stain")
DEFAULT_RANGES = (
    DefectRange("crack", (4.0, 9.0), (0.14, 0.25), (0.55, 0.8)),
    DefectRange("pit", (0.7, 1.8), (0.5, 1.8), (0.55, 0.8)),
    DefectRange("scratch", (4.0, 12.0), (0.13, 0.24), (0.5, 0.8)),
    DefectRange("stain", (2.5, 6.0), (1.8, 6.0), (0.28, 0.45)),
)


@dataclass(frozen=True, slots=True)
class Product:
    """How the product is seen and what can be wrong with it. The part itself is fixed in mm."""

    size_px: int = 512
    """Rows and columns of the image, ≥ 128."""
    mm_per_px: float = 0.1
    """Calibration at the part's surface; ``size_px × mm_per_px`` must show the whole part (≥ 50 mm)."""
    parts_per_lot: int = 25
    """Consecutive parts that share tool, material and lighting."""
    ranges: tuple[DefectRange, ...] = DEFAULT_RANGES
    least_visible: float = 4.0
    """Least change of brightness of a defect, in standard deviations of the tool marks under it; it
    overrides the range. 0 leaves a defect as faint as it was drawn."""

    def __post_init__(self) -> None:
        if self.size_px < 128:
            raise ValueError(f"size_px must be ≥ 128, got {self.size_px}")
        if not self.field_mm >= LEAST_FIELD_MM:
            raise ValueError(
                f"{self.size_px} px of {self.mm_per_px} mm show {self.field_mm:.1f} mm, the part needs "
                f"{LEAST_FIELD_MM:.0f} mm: use mm_per_px {FIELD_MM / self.size_px:.4g}"
            )
        if self.mm_per_px > COARSEST_MM_PER_PX:
            raise ValueError(
                f"mm_per_px must be ≤ {COARSEST_MM_PER_PX}, got {self.mm_per_px}: no defect would show"
            )
        if self.parts_per_lot < 1:
            raise ValueError(f"parts_per_lot must be ≥ 1, got {self.parts_per_lot}")
        if not self.least_visible >= 0:
            raise ValueError(f"least_visible must be ≥ 0, got {self.least_visible}")
        labels = [limits.label for limits in self.ranges]
        if not set(labels) <= set(KINDS) or len(set(labels)) != len(labels):
            raise ValueError(f"ranges must be of {', '.join(KINDS)}, each once, got {labels}")

    @property
    def field_mm(self) -> float:
        """Side of the field of view."""
        return self.size_px * self.mm_per_px

    @property
    def labels(self) -> tuple[str, ...]:
        """The K defect labels, sorted."""
        return tuple(sorted(limits.label for limits in self.ranges))

    def range_of(self, label: str) -> DefectRange:
        """The range that a label is drawn from; ``ValueError`` where the product cannot have it."""
        for limits in self.ranges:
            if limits.label == label:
                return limits
        raise ValueError(f"the product has no defect {label!r}; it has {', '.join(self.labels)}")


@dataclass(frozen=True, slots=True)
class KnownDefect:
    """A defect that was put there: its size is known, not measured."""

    label: str
    length_mm: float
    """As drawn or asked for. A crack's branches are not counted; a pit or stain has the area of the
    ellipse of this length and width, its edge is uneven."""
    width_mm: float
    area_mm2: float
    """Of its pixels in the mask."""
    centre_px: tuple[float, float]
    """x, y of the middle of its pixels."""
    contrast: float
    """Mean change of brightness ÷ mean brightness before, over its pixels, before the lens; negative is
    darker."""


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """One part as the camera saw it, and the truth about it."""

    image: Image
    """(H, W, 1) uint8."""
    mask: Image
    """(H, W, 1) uint8, 255 on a defect, 0 elsewhere; all 0 for a good part."""
    label: str
    """A defect label, or ``good``."""
    defects: tuple[KnownDefect, ...]
    number: int
    lot: int

    @property
    def part_name(self) -> str:
        """Name of the physical piece: part-000123."""
        return f"part-{self.number:06d}"

    @property
    def lot_name(self) -> str:
        """Name of its lot: lot-0004."""
        return f"lot-{self.lot:04d}"
