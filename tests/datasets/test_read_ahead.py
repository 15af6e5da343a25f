"""Batches drawn in a thread: the same ones, every fault seen, no thread left behind."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, SequentialSampler

from taktsight.datasets.read_ahead import THREAD, ReadAhead, drawing_workers, drawn_ahead
from taktsight.errors import DataError


class Numbers(Dataset[Tensor]):
    """0, 1, 2 …; one of them cannot be read."""

    def __init__(self, count: int, broken: int | None = None) -> None:
        self._count, self._broken = count, broken

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Tensor:
        if index == self._broken:
            raise DataError(f"number {index} cannot be read")
        return torch.tensor(index)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD)]


def test_batches_and_their_order_are_those_of_a_plain_loader() -> None:
    plain, ahead = DataLoader(Numbers(23), 4), ReadAhead(Numbers(23), 4)
    for _ in range(2):
        assert [batch.tolist() for batch in ahead] == [batch.tolist() for batch in plain]
    assert len(ahead) == len(plain)


def test_what_cannot_be_read_stops_whoever_waits_for_it() -> None:
    seen: list[list[int]] = []
    with pytest.raises(DataError, match="number 9 cannot be read"):
        seen.extend(batch.tolist() for batch in ReadAhead(Numbers(20, broken=9), 4))
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert threads() == []


def test_no_thread_goes_on_for_an_epoch_that_was_given_up() -> None:
    batches = iter(ReadAhead(Numbers(1000), 1))
    assert next(batches).tolist() == [0]
    assert len(threads()) == 1
    batches.close()  # type: ignore[attr-defined]  # a generator has it
    assert threads() == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_worker_processes_draw_the_same_batches_in_the_same_order() -> None:
    numbers = Numbers(23)
    one, many = (
        drawn_ahead(numbers, 4, SequentialSampler(numbers), torch.stack, workers=workers)
        for workers in (0, 2)
    )
    for _ in range(2):
        assert [batch.tolist() for batch in many] == [batch.tolist() for batch in one]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_a_worker_process_cannot_read_stops_whoever_waits_for_it() -> None:
    numbers = Numbers(20, broken=9)
    loader = drawn_ahead(numbers, 4, SequentialSampler(numbers), torch.stack, workers=2)
    with pytest.raises(DataError, match="number 9 cannot be read"):
        list(loader)


def test_beside_a_gpu_processes_draw_and_on_a_cpu_none_take_its_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)))
    assert drawing_workers("cuda") == 5
    assert drawing_workers("cpu") == 0
