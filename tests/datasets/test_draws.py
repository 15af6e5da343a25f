"""Order and chance: said by seed, epoch and place; resuming and sharing change neither."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.draws import Chance, Draw, DrawOrder
from taktsight.datasets.prepared_split import Crops, PreparedSplit
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

EQUAL = np.ones(40)


class OneOf:
    """What a data module asks of its trainer."""

    def __init__(self, process: int, processes: int) -> None:
        self.global_rank, self.world_size = process, processes
        self.strategy = SimpleNamespace(root_device=torch.device("cpu"))


def order(epoch: int, *, seed: int = 0, process: int = 0, processes: int = 1) -> list[Draw]:
    draws = DrawOrder(EQUAL, 40, seed=seed, process=process, processes=processes)
    draws.set_epoch(epoch)
    return list(draws)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("parts")
    draw = np.random.default_rng(0)
    for number in range(60):
        kind = ("good", "pit")[number % 2]
        mask = np.zeros((48, 48, 1), np.uint8)
        mask[8:20, 10:30] = 255 * (number % 2)
        images = {"images": draw.integers(60, 200, (48, 48, 1), dtype=np.uint8), "masks": mask}
        for folder, image in images.items():
            file = root / folder / kind / f"{number:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(image))
    return root


def data_of(root: Path, process: int = 0, processes: int = 1, **values: object) -> InspectionData:
    asked: dict[str, object] = {
        "batch_size": 8,
        "augment": "strong",
        "crop": (32, 32),
        "cut_paste": 0.4,
        "made_up": 0.4,
        "cache_dir": root / "cache",
    }
    data = InspectionData(root, "mask_folder", Canvas(64, 64, 1, 1, 32), **(asked | values))  # type: ignore[arg-type]  # as a test needs them
    if processes > 1:
        data.trainer = OneOf(process, processes)  # type: ignore[assignment]  # all that is asked of it
    return data


def epoch_of(data: InspectionData, epoch: int) -> list[Crops]:
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, DrawOrder)
    loader.sampler.set_epoch(epoch)
    return [Crops(*batch) for batch in loader]


def same(one: Crops, other: Crops) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_order_is_that_of_its_epoch_whatever_was_drawn_before() -> None:
    draws = DrawOrder(EQUAL, 40, seed=0)
    for epoch in (0, 1, 2):
        draws.set_epoch(epoch)
        assert list(draws) == list(draws) == order(epoch)
    assert order(0) != order(1) != order(2)
    assert [draw.tile for draw in order(1)] != [draw.tile for draw in order(1, seed=1)]


def test_processes_share_one_order_and_leave_nothing_out() -> None:
    shares = [order(3, process=process, processes=4) for process in range(4)]
    together = [draw for turn in zip(*shares, strict=True) for draw in turn]
    assert together == order(3)


def test_each_tile_once_where_there_are_no_weights() -> None:
    assert sorted(draw.tile for draw in DrawOrder(None, 17, seed=5)) == list(range(17))


def test_tiles_are_drawn_as_often_as_they_weigh() -> None:
    draws = DrawOrder(np.array([3.0, 1.0] * 500), 1000, seed=0)
    drawn = Counter(draw.tile % 2 for draw in draws)
    assert 700 < drawn[0] < 800  # 750 are expected; three standard deviations are 41


def test_neighbouring_draws_have_nothing_in_common() -> None:
    chance, first = Chance(0), []
    for epoch in range(20):
        for position in range(20):
            chance.begin_draw(Draw(epoch, position, 0))
            first.append((chance.rng.random(), chance.choices.random()))
    values = np.array(first)
    assert len(np.unique(values)) == values.size
    assert np.all(np.abs(np.corrcoef(values.T[:, :-1], values.T[:, 1:]) - np.eye(4)) < 0.2)


def test_chance_of_a_draw_is_the_same_at_any_time() -> None:
    chance = Chance(7)
    chance.begin_draw(Draw(2, 5, 0))
    wanted = (
        chance.rng.normal(size=9).tolist(),
        chance.rng.integers(5, dtype=np.uint8),
        chance.choices.random(),
    )
    chance.begin_draw(Draw(2, 6, 0))
    chance.rng.integers(5, dtype=np.uint8)  # leaves half a number behind
    chance.begin_draw(Draw(2, 5, 1))
    again = (
        chance.rng.normal(size=9).tolist(),
        chance.rng.integers(5, dtype=np.uint8),
        chance.choices.random(),
    )
    assert again == wanted


def test_an_epoch_looks_the_same_to_a_training_that_begins_with_it(parts: Path) -> None:
    data = data_of(parts)
    first, second = epoch_of(data, 0), epoch_of(data, 1)
    resumed = epoch_of(data_of(parts), 1)
    assert all(same(one, other) for one, other in zip(second, resumed, strict=True))
    assert not any(same(one, other) for one, other in zip(first, resumed, strict=True))


def test_batches_of_two_processes_together_are_the_batch_of_one(parts: Path) -> None:
    whole = epoch_of(data_of(parts), 2)
    shares = [epoch_of(data_of(parts, process, 2), 2) for process in range(2)]
    assert len(whole) == len(shares[0]) == len(shares[1]) > 2
    for batch, *halves in zip(whole, *shares, strict=True):
        for all_of, first, second in zip(batch, *halves, strict=True):
            assert torch.equal(all_of[0::2], first)
            assert torch.equal(all_of[1::2], second)


def test_processes_validate_each_part_once_in_the_batches_of_one(parts: Path) -> None:
    whole = [Crops(*batch) for batch in data_of(parts, batch_size=4).val_dataloader()]
    shares = [
        [Crops(*batch) for batch in data_of(parts, process, 2, batch_size=4).val_dataloader()]
        for process in range(2)
    ]
    assert len(whole) == sum(map(len, shares)) > 2
    assert all(same(one, other) for one, other in zip(whole[0::2], shares[0], strict=True))
    assert all(same(one, other) for one, other in zip(whole[1::2], shares[1], strict=True))


def test_batch_that_cannot_be_shared_evenly_is_refused(parts: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch_size is 8, which 3 processes cannot share evenly"):
        data_of(parts, 0, 3).train_dataloader()


def test_fewer_val_tiles_than_processes_are_refused(parts: Path) -> None:
    with pytest.raises(DataError, match=r"val tiles cannot be shared by 64 processes"):
        data_of(parts, 0, 64).val_dataloader()


def test_fixed_batch_is_always_the_same(parts: Path) -> None:
    data = data_of(parts)
    first = data.fixed_batch()
    epoch_of(data, 0)
    assert same(first, data.fixed_batch())
    assert isinstance(data.train_dataloader().dataset, PreparedSplit)
