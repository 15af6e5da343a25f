"""Images that are not like the others of their camera."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.checks.findings import Finding, Kind
from taktsight.datasets.checks.look import Looks, Seen
from taktsight.datasets.samples import Sample

FAR = 6.0
"""Robust standard deviations from the median. With 3.5, the usual figure, one bright lot of real
parts is hundreds of findings."""
LEAST_IMAGES = 8
"""Of a camera, for its median and deviation to mean anything."""
MIXED_SHARE = 0.05
"""Share of odd images from which they are not single ones."""
_LEAST_SIZE_DEVIATION, _LEAST_LEVEL_DEVIATION = 0.002, 2.0
"""Of log pixels and of grey levels: below it every image is like the others."""

Floats = NDArray[np.float64]
Camera = list[tuple[Path, Seen]]


def check_outliers(samples: Sequence[Sample], looks: Looks) -> list[Finding]:
    """Size, channels and exposure of every image against its camera's median.

    Templates count for their channels alone: their size is compared with that of their part.
    """
    cameras: dict[str, Camera] = defaultdict(list)
    templates: dict[str, Camera] = defaultdict(list)
    for sample in samples:
        cameras[sample.camera] += _shown(sample.images, looks)
        templates[sample.camera] += _shown(sample.references, looks)
    findings: list[Finding] = []
    for name, camera in cameras.items():
        if len(camera) >= LEAST_IMAGES:
            channels = _odd_channels(camera + templates[name])
            findings += [*_odd_sizes(camera), *channels, *_odd_exposures(camera)]
    return findings


def _shown(paths: Sequence[Path | None], looks: Looks) -> Camera:
    """Those that can be read; a blank image has its own finding."""
    pairs = [(path, looks.seen(path)) for path in paths if path]
    return [(path, seen) for path, seen in pairs if seen and not seen.is_blank]


def deviations(values: Floats, least: float) -> Floats:
    """How many robust standard deviations (1.4826 × median absolute deviation) from the median.

    Args:
        values: (N,) of one camera.
        least: the deviation is never taken as smaller, or equal values would make any other one odd.
    """
    away = values - np.median(values)
    return np.asarray(away / max(1.4826 * float(np.median(np.abs(away))), least))


def _odd_sizes(camera: Camera) -> list[Finding]:
    sides: tuple[Callable[[Seen], int], ...] = (lambda seen: seen.height, lambda seen: seen.width)
    away = [deviations(np.log([side(seen) for _, seen in camera]), _LEAST_SIZE_DEVIATION) for side in sides]
    odd = np.abs(np.array(away)).max(axis=0) > FAR
    groups: dict[tuple[int, int], list[Path]] = defaultdict(list)
    for (path, seen), is_odd in zip(camera, odd.tolist(), strict=True):
        if is_odd:
            groups[seen.width, seen.height].append(path)
    usual = f"{_median(camera, lambda seen: seen.width)}×{_median(camera, lambda seen: seen.height)}"
    count = sum(map(len, groups.values()))
    if len(groups) > 1 and count > MIXED_SHARE * len(camera):
        paths = tuple(path for size in sorted(groups) for path in groups[size])
        message = (
            f"and {count - 1} more have {len(groups)} sizes far from the usual {usual}, of {len(camera)} "
            "images: this is more than one setting; name the cameras by --camera-column"
        )
        return [Finding("odd size", paths, message)]
    others = {f"{width}×{height} pixels": paths for (width, height), paths in groups.items()}
    return _grouped("odd size", camera, others, usual)


def _odd_channels(camera: Camera) -> list[Finding]:
    names = {1: "mono", 3: "colour"}
    counts = Counter(seen.channels for _, seen in camera)
    usual = counts.most_common(1)[0][0]
    others = {
        names[channels]: [path for path, seen in camera if seen.channels == channels]
        for channels in counts
        if channels != usual
    }
    return _grouped("odd channels", camera, others, names[usual])


def _odd_exposures(camera: Camera) -> list[Finding]:
    named = {
        "brightness": np.array([seen.mean for _, seen in camera]),
        "contrast": np.array([seen.spread for _, seen in camera]),
    }
    away = {name: deviations(values, _LEAST_LEVEL_DEVIATION) for name, values in named.items()}
    farthest = np.abs(np.array(list(away.values()))).max(axis=0)
    odd = [int(place) for place in np.argsort(-farthest, kind="stable") if farthest[place] > FAR]
    described = [
        " and ".join(
            f"{name} {values[place]:.0f} where {np.median(values):.0f} is usual ({away[name][place]:+.0f} "
            "robust deviations)"
            for name, values in named.items()
            if abs(away[name][place]) > FAR
        )
        for place in odd
    ]
    paths = tuple(camera[place][0] for place in odd)
    if len(odd) > MIXED_SHARE * len(camera):  # not outliers: the images come from more than one setting
        message = (
            f"has {described[0]}; {len(odd)} of {len(camera)} images are so far off that "
            "this is more than one setting: name the cameras by --camera-column, or fix light and gain"
        )
        return [Finding("odd exposure", paths, message)]
    return [
        Finding("odd exposure", (path,), f"has {what}; look at it")
        for path, what in zip(paths, described, strict=True)
    ]


def _grouped(kind: Kind, camera: Camera, groups: dict[str, list[Path]], usual: str) -> list[Finding]:
    return [
        Finding(
            kind,
            tuple(paths),
            f"{'is' if len(paths) == 1 else f'and {len(paths) - 1} more are'} {what}, of {len(camera)} "
            f"images that are usually {usual}; look whether they belong here",
        )
        for what, paths in sorted(groups.items())
    ]


def _median(camera: Camera, side: Callable[[Seen], int]) -> int:
    return round(float(np.median([side(seen) for _, seen in camera])))
