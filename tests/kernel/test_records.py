"""The values of the line refuse, at birth, what no part could have given."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.records import Frame, Image, Outcome, Part, Prediction, Verdict


def grey(height: int = 4, width: int = 6, channels: int = 1) -> Image:
    return np.zeros((height, width, channels), np.uint8)


def frame(trigger: int) -> Frame:
    return Frame(grey(), trigger, captured_ns=0, camera="top")


def prediction(scores: list[float], maps: NDArray[np.float32] | None = None) -> Prediction:
    labels = ("pit", "scratch")[: len(scores)]
    where = np.zeros((len(scores), 2, 2), np.float32) if maps is None else maps
    return Prediction(labels, np.array(scores, np.float32), where)


@pytest.mark.parametrize("channels", [1, 3])
def test_frame_is_mono_or_rgb(channels: int) -> None:
    image = grey(channels=channels)
    assert Frame(image, 0, 0, "top").image is image


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (np.zeros((4, 6), np.uint8), "no channel axis"),
        (np.zeros((4, 6, 2), np.uint8), "two channels"),
        (np.zeros((4, 6, 4), np.uint8), "alpha"),
        (np.zeros((0, 6, 1), np.uint8), "no pixel"),
        (np.zeros((4, 6, 1), np.float32), "float"),
        (np.zeros((4, 6, 1), np.int8), "signed"),
    ],
)
def test_frame_that_no_camera_should_deliver_is_refused(image: Image, why: str) -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 1 or 3\) uint8"):
        Frame(image, 0, 0, "top")


def test_trigger_numbers_begin_at_zero() -> None:
    assert frame(0).trigger == 0
    with pytest.raises(ValueError, match="≥ 0"):
        frame(-1)


def test_part_holds_no_frame_of_another_trigger() -> None:
    assert Part(7, (frame(7), frame(7))).serial is None
    with pytest.raises(ValueError, match=r"part 7 holds frames of triggers \[8\]"):
        Part(7, (frame(7), frame(8)))


def test_part_without_a_frame_still_exists() -> None:
    assert Part(7, ()).trigger == 7


def test_prediction_gives_the_score_of_a_label() -> None:
    assert prediction([0.25, 0.75]).score_of("scratch") == 0.75


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -0.01, 1.01])
def test_network_that_leaves_0_to_1_predicts_nothing(broken: float) -> None:
    with pytest.raises(ValueError, match="scores must be finite"):
        prediction([broken, 0.5])
    maps = np.zeros((2, 2, 2), np.float32)
    maps[1, 1, 1] = broken
    with pytest.raises(ValueError, match="maps must be finite"):
        prediction([0.5, 0.5], maps)


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 2, 2), (2, 2), (2, 1, 2, 2)])
def test_prediction_has_one_map_per_label(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2 labels need scores"):
        prediction([0.5, 0.5], np.zeros(shape, np.float32))


def test_prediction_has_one_score_per_label() -> None:
    with pytest.raises(ValueError, match="1 labels need scores"):
        Prediction(("pit",), np.zeros(2, np.float32), np.zeros((1, 2, 2), np.float32))


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PASS])
def test_part_is_not_held_up_without_a_reason(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="must say why"):
        Verdict(outcome)
    assert Verdict(outcome, ("late: 92 ms > 80 ms",)).outcome is outcome


def test_pass_needs_no_reason() -> None:
    assert Verdict(Outcome.PASS).reasons == ()


def test_verdict_cannot_be_changed_after_it_was_given() -> None:
    verdict = Verdict(Outcome.REJECT, ("pit: score 0.90 ≥ 0.80",))
    with pytest.raises(FrozenInstanceError):
        verdict.outcome = Outcome.PASS  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize("value", [-1e-30, -1.0, 1.0000001, 2.0, np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_value_outside_0_to_1_is_never_overlooked(value: float, kind: type[np.floating[Any]]) -> None:
    maps = np.full((1, 4, 4), 0.5, np.float32).astype(kind)
    maps[0, 1, 1] = value
    if not 0 <= float(maps[0, 1, 1]) <= 1:  # float16 knows no 1.0000001
        with pytest.raises(ValueError, match="maps must be finite and within 0–1"):
            Prediction(("pit",), np.zeros(1, np.float32), maps)


def test_both_zeros_and_1_are_within_0_to_1() -> None:
    for value in (0.0, -0.0, 1e-45, 1.0):
        Prediction(("pit",), np.zeros(1, np.float32), np.full((1, 2, 2), value, np.float32))
