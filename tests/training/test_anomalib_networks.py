"""PaDiM and PatchCore in our order of computing give the maps of their definitions; needs no anomalib."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from taktsight.training.anomalib_networks import AnomalibNetwork, AsWritten, _sure, make_room
from taktsight.training.anomalib_scoring import Padim, Patchcore

SIZE = (64, 96)
KERNEL = torch.exp(-((torch.arange(33) - 16.0) ** 2) / 32)
BLUR = SimpleNamespace(kernel=(KERNEL[:, None] * KERNEL / KERNEL.sum() ** 2)[None, None])
"""anomalib's: sigma 4, 33 × 33."""


class Stages(nn.Module):
    """An encoder of two stages, at strides 4 and 8."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        fine = avg_pool2d(images, 4)
        wide = avg_pool2d(images, 8)
        return {
            "fine": torch.cat([fine, fine.square()], dim=1),
            "wide": torch.cat([wide, wide.sin()], dim=1),
        }


def drawn(distances: Tensor, mode: str) -> Tensor:
    corners = None if mode == "nearest" else False
    large = interpolate(distances, SIZE, mode=mode, align_corners=corners)
    return conv2d(pad(large, (16, 16, 16, 16), mode="reflect"), BLUR.kernel)


def images(count: int = 2) -> Tensor:
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def fake_padim() -> SimpleNamespace:
    draw = torch.Generator().manual_seed(1)
    places = SIZE[0] * SIZE[1] // 16
    half = torch.randn(places, 5, 5, generator=draw)
    return SimpleNamespace(
        feature_extractor=Stages(),
        layers=["fine", "wide"],
        idx=torch.tensor([7, 0, 3, 10, 5]),
        gaussian=SimpleNamespace(
            mean=torch.randn(5, places, generator=draw),
            inv_covariance=half @ half.transpose(1, 2) + torch.eye(5),
        ),
        anomaly_map_generator=SimpleNamespace(blur=BLUR),
    )


def fake_patchcore(neighbours: int) -> SimpleNamespace:
    return SimpleNamespace(
        feature_extractor=Stages(),
        layers=["fine", "wide"],
        feature_pooler=nn.AvgPool2d(3, 1, 1),
        memory_bank=torch.randn(40, 12, generator=torch.Generator().manual_seed(2)),
        num_neighbors=neighbours,
        anomaly_map_generator=SimpleNamespace(blur=BLUR),
    )


def test_padim_map_is_mahalanobis_interpolated_and_blurred() -> None:
    model = fake_padim()
    scoring = Padim(model)
    scoring.fill(model, SIZE)
    got, part = scoring(images())
    stages = Stages()(images())
    wide = interpolate(stages["wide"], stages["fine"].shape[2:], mode="nearest")
    places = torch.cat([stages["fine"], wide], dim=1)[:, model.idx].flatten(2)
    gaussian = model.gaussian
    distances = [
        mahalanobis(places[n, :, p], gaussian.mean[:, p], gaussian.inv_covariance[p].numpy())
        for n in range(2)
        for p in range(places.shape[2])
    ]
    wanted = drawn(torch.tensor(np.array(distances)).float().reshape(2, 1, 16, 24), "bilinear")
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    assert torch.equal(part[:, 0], got.amax(dim=(1, 2, 3)))


@pytest.mark.parametrize("neighbours", [1, 9])
def test_patchcore_is_nearest_distance_weighted_by_how_rare_the_neighbour_is(neighbours: int) -> None:
    model = fake_patchcore(neighbours)
    scoring = Patchcore(model)
    scoring.fill(model, SIZE)
    got, part = scoring(images())
    stages = {name: avg_pool2d(stage, 3, 1, 1) for name, stage in Stages()(images()).items()}
    wide = interpolate(stages["wide"], stages["fine"].shape[2:], mode="bilinear")
    places = torch.cat([stages["fine"], wide], dim=1).flatten(2).transpose(1, 2)
    bank = model.memory_bank
    every = (places[:, :, None] - bank).norm(dim=3)
    wanted = drawn(every.amin(dim=2).reshape(2, 1, 16, 24), "nearest")
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    for n in range(2):
        place = int(every[n].amin(dim=1).argmax())
        score = every[n, place].min()
        if neighbours > 1:
            nearest = bank[every[n, place].argmin()]
            around = (bank - nearest).norm(dim=1).argsort()[:neighbours]
            score = score * (1 - every[n, place, around].softmax(dim=0)[0])
        assert part[n, 0].item() == pytest.approx(score.item(), rel=1e-5)


class Blobs(nn.Module):
    """A model as anomalib writes it: a map and a score of the normalised image."""

    def __init__(self, *, mapped: bool = True, scored: bool = True) -> None:
        super().__init__()
        self.mapped, self.scored = mapped, scored
        self.seen = torch.zeros(0)

    def forward(self, images: Tensor) -> SimpleNamespace:
        self.seen = images
        cells = images.mean(dim=1, keepdim=True)
        score = cells.mean(dim=(1, 2, 3)) if self.scored else None
        return SimpleNamespace(anomaly_map=cells if self.mapped else None, pred_score=score)


def around(model: Blobs, canvas: tuple[int, int, int], size: tuple[int, int]) -> AnomalibNetwork:
    return AnomalibNetwork(AsWritten(model), canvas, size, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


def test_canvas_is_resized_and_normalised_as_torchvision_does() -> None:
    from torchvision.transforms.v2 import Compose, Normalize, Resize

    model = Blobs()
    canvas = torch.randint(0, 256, (2, 128, 160, 3), dtype=torch.uint8)
    around(model, (128, 160, 3), SIZE)(canvas)
    transform = Compose([Resize(SIZE, antialias=True), Normalize([0.4, 0.5, 0.6], [0.2, 0.25, 0.3])])
    wanted = transform(canvas.permute(0, 3, 1, 2).float() / 255)
    torch.testing.assert_close(model.seen, wanted, atol=2e-5, rtol=1e-5)


def test_a_mono_canvas_is_three_equal_planes_to_the_model() -> None:
    mono, colour = Blobs(), Blobs()
    grey = torch.randint(0, 256, (1, *SIZE, 1), dtype=torch.uint8)
    around(mono, (*SIZE, 1), SIZE)(grey)
    around(colour, (*SIZE, 3), SIZE)(grey.expand(-1, -1, -1, 3))
    assert torch.equal(mono.seen, colour.seen)


@pytest.mark.parametrize(
    ("canvas", "size", "maps"),
    [((256, 384), (64, 96), (64, 96)), ((256, 320), (64, 96), (128, 160)), ((64, 96), (64, 96), (64, 96))],
)
def test_maps_divide_the_canvas_evenly(
    canvas: tuple[int, int], size: tuple[int, int], maps: tuple[int, int]
) -> None:
    got, scores = around(Blobs(), (*canvas, 1), size)(torch.zeros(1, *canvas, 1, dtype=torch.uint8))
    assert (tuple(got.shape[2:]), tuple(scores.shape)) == (maps, (1, 1))


def test_a_model_without_a_map_has_one_cell_and_one_without_a_score_its_highest_cell() -> None:
    grey = torch.randint(0, 256, (2, *SIZE, 1), dtype=torch.uint8)
    maps, scores = around(Blobs(mapped=False), (*SIZE, 1), SIZE)(grey)
    assert torch.equal(maps[:, :, 0, 0], scores)
    maps, scores = around(Blobs(scored=False), (*SIZE, 1), SIZE)(grey)
    assert torch.equal(maps.amax(dim=(1, 2, 3)), scores[:, 0])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_scores_keep_the_order_of_distances_of_either_sign(sign: float) -> None:
    """Flows answer with likelihoods below 0, where a logarithm of the distance would be undefined."""
    network = around(Blobs(), (*SIZE, 1), SIZE)
    network.calibration.copy_(torch.tensor([[sign, 0.5], [sign, 0.5]]))
    distances = torch.tensor([-5.0, sign, sign + 2.0, sign + 100.0, sign + 101.0])
    got = _sure(distances, *network.calibration[0].unbind()).tolist()
    assert got == sorted(set(got))
    assert got[2] == pytest.approx(0.5)  # four standard deviations


def test_room_is_made_for_what_another_model_remembered() -> None:
    model = fake_patchcore(9)
    filled, empty = Patchcore(model), Patchcore(model)
    filled.fill(model, SIZE)
    make_room(empty, filled.state_dict())
    empty.load_state_dict(filled.state_dict())
    assert torch.equal(empty(images())[0], filled(images())[0])
