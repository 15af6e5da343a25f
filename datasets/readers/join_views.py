"""Images that show one part from several sides, as one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from taktsight.datasets.regions import main_label
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError


def join_views(samples: Sequence[Sample], names: Sequence[str], order: tuple[str, ...]) -> list[Sample]:
    """One sample per part, the views of each in the same order.

    A part is defective where any view is. Its label is the one with the largest drawn area, else that of
    the first view that shows a defect.

    Args:
        samples: of one image each, with the part it shows.
        names: of each sample, the view it is.
        order: the views that every part has.

    Raises:
        DataError: If a view has no name, a part lacks a view or has one twice, or its views disagree on
            lot, camera or split.
    """
    parts: dict[str, dict[str, Sample]] = {}
    for sample, name in zip(samples, names, strict=True):
        if not name:
            raise DataError(f"{sample.images[0]}: has no view; name it, or leave data.view_column out")
        views = parts.setdefault(sample.part, {})
        if name in views:
            raise DataError(
                f"part {sample.part} has two images of view {name}: {views[name].name} and {sample.name}; "
                "give each exposure a part of its own"
            )
        views[name] = sample
    return [_joined(part, views, order) for part, views in parts.items()]


def _joined(part: str, views: Mapping[str, Sample], order: tuple[str, ...]) -> Sample:
    missing = [name for name in order if name not in views]
    if missing:
        raise DataError(
            f"part {part} has no image of view {', '.join(missing)}; every part is seen from all of "
            f"{', '.join(order)}: add it, or leave the part out"
        )
    seen = [views[name] for name in order]
    for kind in ("lot", "camera", "split"):
        said = {str(getattr(sample, kind)) for sample in seen}
        if len(said) > 1:
            several = ", ".join(sorted(said))
            raise DataError(f"part {part}: its views are of the {kind}s {several}; give them the same")
    return Sample(
        images=tuple(sample.images[0] for sample in seen),
        label=_label(seen),
        masks=tuple(sample.masks[0] if sample.masks else None for sample in seen),
        regions=tuple(sample.regions[0] if sample.regions else None for sample in seen),
        references=tuple(sample.references[0] if sample.references else None for sample in seen),
        part=part,
        lot=seen[0].lot,
        camera=seen[0].camera,
        split=seen[0].split,
        views=order,
        view_labels=tuple(sample.label for sample in seen),
    )


def _label(views: Sequence[Sample]) -> str:
    drawn = [region for view in views for regions in view.regions for region in regions or ()]
    if drawn:
        return main_label(drawn)
    return next((view.label for view in views if view.is_defective), GOOD)
