"""Engines on the disk: what is not exactly what was written is never loaded, but built again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from taktsight.errors import BackendError, ConfigError
from taktsight.inspect.backends.trt.engine_files import (
    check_folder,
    find_engine,
    list_engines,
    path_of,
    store_engine,
)
from taktsight.inspect.backends.trt.key import Key

NOBODY = 65534

ENGINE = bytes(range(256)) * 40
KEY = Key(
    model=64 * "a",
    gpu="Orin",
    compute_capability="8.7",
    driver="540.4.0 CUDA 12.6",
    vendor="TensorRT 10.3.0",
    precision="fp16",
    device="gpu",
    batch=4,
    workspace_mb=512,
    cuda_graph=True,
)


@contextmanager
def as_a_user() -> Iterator[None]:
    """Root may do everything: what others may not is tried as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return store_engine(tmp_path, KEY, ENGINE)


def test_engine_is_found_again(file: Path) -> None:
    assert find_engine(file.parent, KEY) == ENGINE
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "changed",
    [
        {"model": 64 * "b"},
        {"gpu": "Thor"},
        {"compute_capability": "8.9"},
        {"driver": "550.1 CUDA 12.6"},
        {"vendor": "TensorRT 10.3.1"},
        {"precision": "f32"},
        {"device": "dla0"},
        {"batch": 1},
        {"workspace_mb": 1024},
        {"cuda_graph": False},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_engine_for_anything_else_is_not_found(file: Path, changed: dict[str, object]) -> None:
    other = dataclasses.replace(KEY, **changed)  # type: ignore[arg-type]  # one field of its own type
    assert find_engine(file.parent, other) is None
    assert other.digest != KEY.digest


def test_engine_under_anothers_name_is_refused(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody copied the engine of one GPU over that of another."""
    other = dataclasses.replace(KEY, gpu="Thor")
    file.rename(path_of(file.parent, other))
    assert find_engine(file.parent, other) is None
    assert "is an engine for something else: not loaded, it is built again from the bundle" in caplog.text
    assert [stored.fault for stored in list_engines(file.parent)] == ["is not named after its key"]


@pytest.mark.parametrize("place", [0, 30, 200, 700, 5000, -1])
def test_flipped_bit_anywhere_is_refused(file: Path, place: int, caplog: pytest.LogCaptureFixture) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert find_engine(file.parent, KEY) is None
    assert f"engine {file}" in caplog.text
    assert "not loaded, it is built again" in caplog.text


@pytest.mark.parametrize("kept", [0, 5, 100, 600, 5000])
def test_truncated_engine_is_refused(file: Path, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    assert find_engine(file.parent, KEY) is None
    assert "not loaded" in caplog.text


def test_engine_with_something_behind_it_is_refused(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(file.read_bytes() + b"\0")
    assert find_engine(file.parent, KEY) is None
    assert "10241 bytes of an engine of 10240" in caplog.text


@pytest.mark.parametrize("content", [b"", ENGINE, b"taktsight engine 1\n[1]\n" + ENGINE, b"\n" * 99])
def test_foreign_file_is_refused(file: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(content)
    assert find_engine(file.parent, KEY) is None
    assert "was not written by Taktsight" in caplog.text or "has a damaged header" in caplog.text


def test_engine_that_others_may_write_is_refused(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An engine is code: who may change it may let any part pass."""
    file.chmod(0o666)
    assert find_engine(file.parent, KEY) is None
    assert "may be written by others" in caplog.text


def test_engine_of_another_user_is_refused(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12345, 12345)
    assert find_engine(file.parent, KEY) is None
    assert "belongs to another user" in caplog.text


def test_folder_in_an_engines_place_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path_of(tmp_path, KEY).mkdir()
    assert find_engine(tmp_path, KEY) is None
    assert "not loaded" in caplog.text


def test_folder_that_cannot_be_written_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("in the way")
    with pytest.raises(BackendError, match=r"cannot be written .*set backend\.cache to a folder"):
        store_engine(tmp_path / "engines", KEY, ENGINE)


def test_refused_engine_is_replaced_by_a_whole_one(file: Path) -> None:
    file.write_bytes(b"broken")
    store_engine(file.parent, KEY, ENGINE)
    assert find_engine(file.parent, KEY) == ENGINE
    assert [stored.fault for stored in list_engines(file.parent)] == [""]


def test_link_that_leads_nowhere_is_listed_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = path_of(tmp_path, KEY)
    link.symlink_to(tmp_path / "gone")
    (stored,) = list_engines(tmp_path)
    assert (stored.path, stored.size) == (link, 0)
    assert stored.fault == "cannot be read (No such file or directory)"
    assert find_engine(tmp_path, KEY) is None
    assert "it is built again" in caplog.text
    store_engine(tmp_path, KEY, ENGINE)
    assert find_engine(tmp_path, KEY) == ENGINE
    assert not (tmp_path / "gone").exists()


@pytest.mark.timeout(20)
def test_pipe_in_an_engines_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(path_of(tmp_path, KEY), 0o600)
    assert find_engine(tmp_path, KEY) is None
    assert [stored.fault for stored in list_engines(tmp_path)] == ["is no file"]


def test_folder_that_may_not_be_looked_into_is_said_in_a_sentence(tmp_path: Path) -> None:
    folder = store_engine(tmp_path / "engines", KEY, ENGINE).parent
    folder.chmod(0)
    with as_a_user():
        with pytest.raises(BackendError, match=r"engines .*: cannot be listed \(Permission denied\)"):
            list(list_engines(folder))
        assert find_engine(folder, KEY) is None
        with pytest.raises(BackendError, match=r"cannot be kept in .*; set backend\.cache to a folder"):
            check_folder(folder)
    folder.chmod(0o700)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_folder_that_is_none_is_a_wrong_setting(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="there is no such folder"):
        list(list_engines(tmp_path / name))
