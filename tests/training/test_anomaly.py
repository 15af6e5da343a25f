"""The anomaly detector: a memory of good parts, calibrated on good parts it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from taktsight.datasets.learn_from import ANOMALY
from taktsight.errors import ConfigError
from taktsight.training.anomaly_detector import AnomalyDetector
from taktsight.training.anomaly_networks import AnomalyNetwork, Neighbour
from taktsight.training.good_memory import GoodMemory, spread_out

SIDE = 96


def surfaces(parts: int, seed: int) -> torch.Tensor:
    """(N, H, W, 1) uint8: a fine grain, as of a cast surface."""
    draw = np.random.default_rng(seed)
    return torch.from_numpy(draw.normal(120, 8, (parts, SIDE, SIDE, 1)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def network() -> AnomalyNetwork:
    torch.manual_seed(0)
    network = AnomalyNetwork(1, "test_efficientnet", None, examples=64).eval()
    memory = GoodMemory(network, tiles=12)
    memory.add(surfaces(12, seed=1))
    memory.fill()
    with torch.no_grad():
        held_out = network.distances(surfaces(8, seed=2)).flatten(1).amax(dim=1)
    network.calibration.copy_(torch.stack([held_out.mean(), held_out.std()]))
    return network


def score(network: AnomalyNetwork, images: torch.Tensor) -> list[float]:
    with torch.no_grad():
        scores: list[float] = network(images)[1][:, 0].tolist()
    return scores


def test_nearest_distance_is_that_of_all_differences() -> None:
    draw = torch.Generator().manual_seed(0)
    neighbour = Neighbour(6, examples=20)
    neighbour.examples.copy_(torch.randn(20, 6, generator=draw))
    features = torch.randn(2, 6, 3, 4, generator=draw)
    wanted = torch.cdist(features.flatten(2).transpose(1, 2), neighbour.examples).amin(dim=2).square()
    torch.testing.assert_close(neighbour(features).flatten(1), wanted, atol=1e-4, rtol=1e-4)


def test_few_examples_are_chosen_far_apart() -> None:
    corners = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
    crowd = torch.cat([corners + shift for shift in (0.0, 0.1, 0.2)])
    assert sorted((spread_out(crowd, 4) % 4).tolist()) == [0, 1, 2, 3]


def test_fewer_places_than_asked_for_come_again() -> None:
    assert spread_out(torch.zeros(3, 2), 5).tolist() == [0, 1, 2, 0, 1]


def test_good_parts_it_has_not_seen_score_low_and_a_scratch_high(network: AnomalyNetwork) -> None:
    good, scratched = surfaces(8, seed=3), surfaces(8, seed=3)
    scratched[:, 40:44, 20:70] = 235
    assert max(score(network, good)) < 0.5 < min(score(network, scratched))


def test_the_map_says_where(network: AnomalyNetwork) -> None:
    scratched = surfaces(1, seed=4)
    scratched[:, 20:26, 60:84] = 235
    with torch.no_grad():
        maps, scores = network(scratched)
    assert maps.shape == (1, 1, SIDE // 8, SIDE // 8)
    row, column = divmod(int(maps.argmax()), SIDE // 8)
    assert abs(row - 23 / 8) <= 2
    assert 60 / 8 - 2 <= column <= 84 / 8 + 1
    assert scores.item() == maps.max().item()


def test_nothing_of_the_encoder_is_trained(network: AnomalyNetwork) -> None:
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_several_labels_are_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"have 2: set data\.learn_from"):
        AnomalyDetector(("crack", "pit"))


def test_the_label_of_good_parts_only_is_one() -> None:
    assert AnomalyDetector((ANOMALY,), 1, "test_efficientnet").labels == (ANOMALY,)
