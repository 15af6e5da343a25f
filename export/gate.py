"""The engines that a bundle is to run on, opened and held against the trained network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import nn

from taktsight.card import Card, Parity
from taktsight.errors import ExportError
from taktsight.export.divergence import where_it_begins
from taktsight.export.parity import Compared, prove
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.config import built_engine
from taktsight.inspect.engines import engine_named
from taktsight.inspect.inspector import Inspector

Explain = Callable[[str, Compared], str]
ADVICE = {
    "f32": "Export it again from the checkpoint; a float32 engine may differ by rounding only",
    "bf16": "Leave this engine out, or allow it with --flip-limit what your product can bear",
    "fp16": "A value may be too large for fp16: leave this engine out, or allow it with --flip-limit",
    "int8": "Train on more parts like these, leave this engine out, or allow it with --flip-limit",
}
"""What to do where an engine of this precision fails."""


def open_inspectors(
    engines: Sequence[str], models: Mapping[str, bytes], card: Card
) -> dict[str, Inspector]:
    """The line's own inspector on each engine, under the card's limits.

    Raises:
        ConfigError: If there is no such engine.
        BackendError: If it is not on this machine, or refuses the model.
    """
    recipe = card.own_recipe()
    return {
        name: Inspector(open_backend(engine_named(name), models), card, recipe)
        for name in dict.fromkeys(engines)
    }


def prove_all(
    compared: Mapping[str, Sequence[Compared]], flip_limit: float, reference: str, explain: Explain
) -> tuple[Parity, ...]:
    """The parity figures of all engines; in float32 no verdict may flip, whatever the limit.

    Args:
        compared: the parts of each engine.
        flip_limit: share of the verdicts that may flip in another precision.
        reference: what they were compared with.
        explain: asked for each engine that fails, of the part that it sees most differently.

    Raises:
        ExportError: Of every engine that fails, in one message.
    """
    proved: list[Parity] = []
    refused: list[str] = []
    for engine, parts in compared.items():
        allowed = 0.0 if engine_named(engine).precision == "f32" else flip_limit
        try:
            proved.append(prove(parts, reference, engine=engine, flip_limit=allowed))
        except ExportError as error:
            worst = max(parts, key=lambda each: (each.flipped, each.map_difference))
            refused.append(f"{error}; {explain(engine, worst)}")
    if refused:
        raise ExportError(".\n".join(refused))
    return tuple(proved)


def explainer(network: nn.Module, models: Mapping[str, bytes], canvas: Canvas) -> Explain:
    """Says in which layer an engine's answer begins to differ, and what to do about it.

    Args:
        network: the trained one.
        models: of the bundle, by precision.
        canvas: of the card.
    """

    def explain(engine: str, worst: Compared) -> str:
        templates = worst.references or (None,)
        tiles, _ = prepare(worst.images[0], None, canvas, templates[0])
        precision = engine_named(engine).precision
        found = where_it_begins(network, engine_named(engine), models, tiles[:1])
        if found is None and built_engine(engine_named(engine)) is not None:
            return (
                "its ONNX answers as the trained network does in ONNX Runtime, so it begins within the "
                "engine: build it again (taktsight engine --again --no-cuda-graph). " + ADVICE[precision]
            )
        if found is None and precision != "f32":
            return (
                f"no layer alone is to blame, what is rounded in all of them adds up. {ADVICE[precision]}"
            )
        if found is None:
            return (
                "every layer is fed the same as in the trained network: it begins behind the last one, or "
                "in how the frame is prepared; export it again from the checkpoint"
            )
        return f"{found}. {ADVICE[precision]}"

    return explain
