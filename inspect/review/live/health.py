"""What frames are like: of the last part, and how many of the last parts were out of band."""

from __future__ import annotations

from taktsight.inspect.review.live.book import RunBook
from taktsight.inspect.review.live.station_files import StationFile
from taktsight.inspect.review.live.values import ImageHealth, ViewHealth


def image_health(book: RunBook, files: StationFile) -> ImageHealth:
    """Against the bands that judge, where they are known here."""
    why = why_no_bands(book, files)
    known = [is_out for is_out in book.is_out if is_out is not None]
    views = []
    for view, values in sorted(book.health.items()):
        bands = {} if why or files.bands is None else files.bands.get(view, {})
        out = {name: band.fault(values.get(name, float("nan"))) for name, band in bands.items()}
        views.append(
            ViewHealth(
                view,
                values,
                None if why else {name: (band.min, band.max) for name, band in bands.items()},
                {name: fault for name, fault in out.items() if fault},
            )
        )
    return ImageHealth(tuple(views), len(known), sum(known), book.measured_utc, why)


def why_no_bands(book: RunBook, files: StationFile) -> str:
    """Why nobody can hold a measure against its band here; empty where one can.

    A recipe that is not the one that judged would show bands that nothing was held against.
    """
    if files.station is None:
        return "no_station"
    if files.bands is None:
        return "no_recipe"
    return "" if files.recipe == book.recipe else "other_recipe"
