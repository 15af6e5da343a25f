"""The wrapped network beside the file itself: the same parts, and no part judged by its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from taktsight.datasets.samples import Sample
from taktsight.datasets.view_files import read_view
from taktsight.errors import ExportError
from taktsight.export.foreign.graph import ForeignGraph
from taktsight.export.foreign.reference import Reference
from taktsight.export.parity import Compared, Seen
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.records import Frame, Part

ALONE_DIFFERENCE = 1e-3
"""An image's maps and scores alone and beside another one: rounding stays near 1e-6."""
WRONG = (
    "the wrapped graph answers otherwise than the file itself: a fault of the import; please report it "
    "with the file"
)
SHORTER = "leave this engine out, or allow with --flip-limit what your product can bear"
"""Arithmetic than float32."""
ROUNDED = (
    "its int8 ranges are those of the parts that they were measured on; give more train parts as the line "
    f"will see them, of every label, {SHORTER}"
)


def see(
    reference: Reference, samples: Iterable[Sample], views: Sequence[str], mm_per_px: float | None
) -> Iterator[Seen]:
    """The parts as the foreign file sees them; its regions play no part, for no limit tolerates an area."""
    for number, sample in enumerate(samples):
        looks = reference.look(sample, views, mm_per_px)
        frames = tuple(Frame(look.image, number, 0, look.prediction.view) for look in looks)
        predictions = tuple(look.prediction for look in looks)
        yield Seen(sample, Part(number, frames), {}, predictions, tuple(look.map_px for look in looks))


def check_neighbours(graph: ForeignGraph, model: bytes, canvas: Canvas, samples: Sequence[Sample]) -> None:
    """No image's maps or scores may depend on what lies beside it in the batch.

    Each sample lies beside the others, and beside itself with a quarter of its contrast: of a graph that
    takes the highest value of the batch, two ordinary parts may have the same.

    Args:
        graph: the foreign one; with a batch of one there is nothing to check.
        model: wrapped.
        canvas: what the line gives it.
        samples: a few.

    Raises:
        ExportError: If they do.
    """
    if graph.shape[0] == 1:
        return
    backend = open_backend(engine_named(REFERENCE), {"f32": model})
    images = [read_view(sample.each_view()[0], canvas)[0] for sample in samples]
    tiles = [prepare(image, None, canvas)[0][:1] for image in images]
    tiles += [tile // 4 + 96 for tile in tiles]
    alone = [np.concatenate(each) for each in zip(*map(backend.infer, tiles), strict=True)]
    beside = backend.infer(np.concatenate(tiles))
    for place, kind in ((1, "scores"), (0, "maps")):
        apart = float(np.abs(alone[place] - beside[place]).max())
        if not apart <= ALONE_DIFFERENCE:
            raise ExportError(
                f"{graph.name}: an image has other {kind} beside another one (by {apart:.2g}): its graph "
                "computes over the whole batch, so a verdict would depend on what was judged with it"
            )


def advice(engine: str, worst: Compared) -> str:
    """What to do about an engine that answers otherwise than the file itself."""
    what = {"f32": WRONG, "int8": ROUNDED}.get(engine_named(engine).precision, SHORTER)
    return f"most on {worst.sample.images[0].name}: {what}"
