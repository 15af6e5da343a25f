"""What parts are judged by: bundle, recipe and engine, exchanged as a whole between two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from taktsight.errors import ConfigError, LineError
from taktsight.inspect.backends.backend import Backend, engine_name, open_backend
from taktsight.inspect.config import Station
from taktsight.inspect.engine_facts import engine_facts
from taktsight.inspect.fit import Setup, read_setup
from taktsight.inspect.frame_check import FrameCheck, open_checks
from taktsight.inspect.frame_watch import FrameWatch
from taktsight.inspect.inspector import Inspector, golden_mistakes
from taktsight.inspect.messages import VisionReady
from taktsight.records import Frame, Part


@dataclass(frozen=True, slots=True)
class Outlook:
    """Verified, warm, and its golden samples replayed."""

    setup: Setup
    inspector: Inspector
    checks: Mapping[str, FrameCheck]
    """Camera → what its frames are held against."""
    engine: tuple[str, ...]

    def ready(self, parts: int | None) -> VisionReady:
        """What vision looks with, for the line to know.

        Args:
            parts: how many the cameras can show; None without end.
        """
        bundle, recipe = self.setup.bundle, self.setup.recipe
        templates = {view.camera: view.reference_sha256 for view in recipe.views if view.reference_sha256}
        return VisionReady(bundle.digest, recipe.digest, templates, bundle.card.labels, parts, self.engine)

    def rehearse(self, frames: Sequence[Frame]) -> None:
        """Inspects an image of each camera, for nothing: memory is allocated, region and frame must fit.

        Raises:
            ConfigError: If they do not.
        """
        recipe = self.inspector.recipe
        try:
            for frame in frames:
                self.checks[frame.camera].rehearse(frame.image)
            self.inspector.inspect(Part(0, tuple(frames)))
        except ValueError as error:
            raise ConfigError(f"recipe {recipe.product!r} does not fit the frames: {error}") from error


def open_outlook(station: Station, today: date, watches: Mapping[str, FrameWatch] | None = None) -> Outlook:
    """What the station's files say now.

    Args:
        station: names bundle, recipe and engine.
        today: in UTC; a bundle may have a last day.
        watches: what each camera showed before, at a changeover; None at a start.

    Raises:
        TaktsightError: If one of them is not as it must be.
    """
    setup = read_setup(station, today)
    backend = open_backend(station.backend, setup.bundle.models)
    _replay_golden(backend, setup, engine_name(station.backend))
    card = setup.bundle.card
    inspector = Inspector(backend, card, setup.recipe, setup.bundle.digest, setup.references)
    return Outlook(setup, inspector, open_checks(station, setup, watches), engine_facts(station.backend))


def check_follows(old: Outlook, new: Outlook) -> None:
    """That the cameras, as they were opened, serve the new one too.

    Raises:
        ConfigError: If they would have to be opened anew, for which the line must be started anew.
    """
    channels, wanted = (each.setup.bundle.card.canvas.channels for each in (old, new))
    if channels != wanted:
        raise ConfigError(
            f"the new bundle wants frames of {wanted} channels, the cameras were opened for {channels}: "
            "stop the line and start it again"
        )


def _replay_golden(backend: Backend, setup: Setup, engine: str) -> None:
    """Replays the bundle's golden samples; the engine, which allocates in its first runs, is warm then.

    Raises:
        LineError: If one of them is judged otherwise than on the card.
    """
    mistakes = golden_mistakes(backend, setup.bundle, engine)
    if mistakes:
        raise LineError(
            "golden samples are not judged as the bundle's card says, so parts would not be either: "
            + "; ".join(mistakes)
            + ". Export the bundle again, or check this machine's engine"
        )
