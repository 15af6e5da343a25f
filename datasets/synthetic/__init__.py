"""A synthetic product: machined parts with defects of known kind and size."""

from taktsight.datasets.synthetic.product import (
    DEFAULT_RANGES,
    FIELD_MM,
    DefectRange,
    KnownDefect,
    Product,
    RenderedPart,
)
from taktsight.datasets.synthetic.render import render_part
from taktsight.datasets.synthetic.writing import Written, plan_labels, write_dataset

__all__ = [
    "DEFAULT_RANGES",
    "FIELD_MM",
    "DefectRange",
    "KnownDefect",
    "Product",
    "RenderedPart",
    "Written",
    "plan_labels",
    "render_part",
    "write_dataset",
]
