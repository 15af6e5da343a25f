"""``taktsight data split`` as its user meets it: lists, counts, a leak score and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.splits import SHARES
from taktsight.image_files import encode_png


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pieces, six photographs each; nothing but the piece itself tells its label."""
    root = tmp_path_factory.mktemp("bursts")
    rng = np.random.default_rng(0)
    rows = ["image,piece,taken,split"]
    for piece in range(40):
        label = "pit" if piece % 2 else "good"
        surface = rng.normal(0, 12, (64, 64))
        for shot in range(6):
            name = f"{label}/{piece}-{shot}.png"
            pixels = np.clip(120 + surface + rng.normal(0, 12, (64, 64)), 0, 255).astype(np.uint8)
            (root / label).mkdir(exist_ok=True)
            (root / name).write_bytes(encode_png(pixels[:, :, np.newaxis]))
            cut = list(SHARES)[(shot * 7 + piece) % 5 % 3]
            rows.append(f"{name},{piece},2026-01-{1 + piece // 2:02},{cut}")
    (root / "index.csv").write_text("\n".join(rows) + "\n")
    return root


def split(root: Path, *arguments: str) -> int:
    return main(["data", "split", str(root), "--layout=class_folder", *arguments])


def pieces(lists: Path, name: str) -> set[str]:
    return {Path(line).stem.split("-")[0] for line in (lists / f"{name}.txt").read_text().splitlines()}


def test_split_by_piece_writes_honest_lists(
    bursts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists, index = tmp_path / "lists", f"--index={bursts / 'index.csv'}"
    assert split(bursts, index, "--part-column=piece", f"--out={lists}") == 0
    assert not pieces(lists, "train") & (pieces(lists, "val") | pieces(lists, "test"))
    said = capsys.readouterr().out
    assert "the split shows no leak" in said
    assert f"data.splits: {lists}" in said


def test_newest_pieces_are_tested(bursts: Path, tmp_path: Path) -> None:
    arguments = (f"--index={bursts / 'index.csv'}", "--part-column=piece", "--by=time")
    assert split(bursts, *arguments, "--time-column=taken", f"--out={tmp_path}") == 0
    assert pieces(tmp_path, "test") == {str(piece) for piece in range(32, 40)}
    assert split(bursts, *arguments, f"--out={tmp_path / 'other'}") == 2


def test_split_that_cuts_bursts_exits_with_1(bursts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = f"--index={bursts / 'index.csv'}"
    assert split(bursts, index, "--split-column=split", "--keep") == 1
    assert "leaks: the figures would be memory" in capsys.readouterr().out


@pytest.mark.parametrize("shares", ["60:40", "a:b:c", "1:0:1", "1:nan:1"])
def test_shares_that_are_none_exit_with_2(
    bursts: Path, tmp_path: Path, shares: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert split(bursts, f"--shares={shares}", f"--out={tmp_path / 'lists'}") == 2
    assert "--shares wants three positive numbers" in capsys.readouterr().err
    assert not (tmp_path / "lists").exists()


def test_split_of_few_images_is_written_and_says_that_nobody_probed_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("good", "pit"):
        (tmp_path / "few" / label).mkdir(parents=True)
        for number in range(9):
            pixels = np.random.default_rng([number, len(label)]).integers(
                0, 255, (40, 40, 1), dtype=np.uint8
            )
            (tmp_path / "few" / label / f"{number}.png").write_bytes(encode_png(pixels))
    assert split(tmp_path / "few", f"--out={tmp_path / 'lists'}") == 0
    said = capsys.readouterr().out
    assert "leak not probed: a leak is probed with 20 training samples" in said
    facts = json.loads((tmp_path / "lists" / "split.json").read_text())
    assert "there are 1" in facts["leak"]
    assert sum(len((tmp_path / "lists" / f"{name}.txt").read_text().split()) for name in SHARES) == 18


def test_split_opens_every_image_once(
    bursts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    read = Path.read_bytes

    def counted(path: Path) -> bytes:
        opened.append(path)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    split(bursts, f"--out={tmp_path / 'lists'}")
    images = [path for path in opened if path.suffix == ".png"]
    assert len(images) == len(set(images)) == 240
