"""The defect book and labelled images: aliases, unknown labels, and a first book from a data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.checks import Source, check_data
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.known_labels import known_samples
from taktsight.datasets.regions import Rectangle, Region
from taktsight.datasets.samples import Sample, defect_labels
from taktsight.defect_book import load_book, load_illustrated_book
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import read_image
from taktsight.imaging import Canvas
from taktsight.records import Image

BOOK = """\
product: plate
labels:
  - {name: crack, description: a line, severity: critical, aliases: [Riss, CRACK]}
  - {name: pit, description: a hole, severity: minor}
"""
SIZE = (60, 80)


def plates(root: Path, *labels: str) -> Path:
    """A part per label in a mask folder; the n-th defect is n + 3 pixels wide."""
    for number, label in enumerate(labels):
        draw = np.random.default_rng(number)
        image = draw.integers(80, 120, SIZE, dtype=np.uint8)
        mask = np.zeros(SIZE, np.uint8)
        mask[20:24, 30 : 33 + number] = 255
        for folder, pixels in (("images", image), ("masks", mask)):
            if folder == "images" or label != "good":
                file = root / folder / label / f"part-{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return root


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.yaml"
    file.write_text(BOOK, encoding="utf-8")
    return file


def test_two_spellings_become_one_label(tmp_path: Path, book: Path) -> None:
    root = plates(tmp_path / "data", "good", "Riss", "CRACK", "crack", "pit")
    samples = Source(root, "mask_folder", book=book).read()
    assert defect_labels(samples) == ("crack", "pit")
    assert [sample.label for sample in samples].count("crack") == 3


def test_merged_spellings_may_be_the_largest_label(book: Path) -> None:
    regions = [("Riss", 0, 4), ("CRACK", 10, 14), ("pit", 20, 26)]
    drawn = tuple(Region(label, Rectangle(x0, 0, x1, 1)) for label, x0, x1 in regions)
    sample = Sample((Path("a.png"),), "pit", regions=(drawn,))
    (named,) = known_samples([sample], load_book(book), book)
    assert (named.label, named.labels) == ("crack", ("crack", "pit"))


def test_training_with_a_label_that_the_book_lacks_names_it_and_says_what_to_do(
    tmp_path: Path, book: Path
) -> None:
    root = plates(tmp_path / "data", "good", "crack", "Pits", "Delle", "Delle")
    with pytest.raises(DataError) as caught:
        InspectionData(root, "mask_folder", Canvas(64, 96, 1, 1, 32), book=book)
    assert str(caught.value) == (
        f"{book}: the book does not know 'Delle' on part-3.png and 1 more; 'Pits' on part-2.png (is it "
        "'pit'?). Add the label to the book, or its name to the aliases of the label that it means"
    )


def test_book_that_calls_a_defect_good_is_refused(tmp_path: Path, book: Path) -> None:
    root = plates(tmp_path / "data", "good", "crack")
    book.write_text(BOOK.replace("CRACK", "good"), encoding="utf-8")
    with pytest.raises(ConfigError, match="'good', which is what good parts are called"):
        Source(root, "mask_folder", book=book).read()


def test_check_finds_unknown_and_unused_labels(tmp_path: Path, book: Path) -> None:
    root = plates(tmp_path / "data", "good", "Riss", "scratch")
    found = {each.kind: each for each in check_data(Source(root, "mask_folder", book=book)).findings}
    unknown, unused = found["unknown label"], found["unused label"]
    assert [path.name for path in unknown.paths] == ["part-2.png"]
    assert f"labelled 'scratch' (1 such images), and {book} does not know it" in unknown.message
    assert (unknown.severity, unused.severity) == ("fault", "warning")
    assert "label 'pit' (minor)" in unused.message


def test_check_with_a_book_that_fits_finds_nothing_about_labels(tmp_path: Path, book: Path) -> None:
    root = plates(tmp_path / "data", "good", "Riss", "pit")
    counts = check_data(Source(root, "mask_folder", book=book)).counts
    assert not {"unknown label", "unused label"} & set(counts)


def draft(tmp_path: Path, root: Path, *more: str) -> Path:
    out = tmp_path / "draft.yaml"
    assert main(["data", "book", str(root), "--layout", "mask_folder", "--out", str(out), *more]) == 0
    return out


def test_draft_is_refused_until_somebody_filled_it_in(tmp_path: Path) -> None:
    out = draft(tmp_path, plates(tmp_path / "data", "good", "crack", "pit"))
    with pytest.raises(ConfigError, match="4 mistakes") as caught:
        load_book(out)
    assert "labels.0.severity: Input should be 'critical', 'major' or 'minor'" in str(caught.value)
    text = out.read_text(encoding="utf-8")
    filled = text.replace("description: ", "description: a defect").replace(
        "severity: ", "severity: major "
    )
    out.write_text(filled, encoding="utf-8")
    book = load_illustrated_book(out)
    assert [entry.name for entry in book.labels] == ["crack", "pit"]
    assert all(entry.examples for entry in book.labels)


def test_draft_says_counts_and_sizes_in_mm2(tmp_path: Path) -> None:
    root = plates(tmp_path / "data", "good", "crack", "crack", "crack")  # 4, 5 and 6 by 4 pixels
    text = draft(tmp_path, root, "--mm-per-px", "0.5").read_text(encoding="utf-8")
    assert "# 3 parts; defective area of a part 4 to 6 mm², median 5 mm²" in text


def test_draft_shows_a_small_a_middling_and_a_large_defect(tmp_path: Path) -> None:
    root = plates(tmp_path / "data", *["pit"] * 9)
    out = draft(tmp_path, root)
    pictures = sorted(out.with_suffix("").iterdir())
    assert [path.name for path in pictures] == ["1-pit-1.png", "1-pit-2.png", "1-pit-3.png"]
    marked = [_yellow(read_image(path)) for path in pictures]
    assert 0 < marked[0] < marked[1] < marked[2]


def _yellow(picture: Image) -> int:
    """Pixels of the outline."""
    return int(np.count_nonzero(picture[:, :, 1].astype(int) - picture[:, :, 2] > 100))


def test_draft_never_replaces_what_people_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = plates(tmp_path / "data", "good", "pit")
    out = draft(tmp_path, root)
    before = out.read_bytes()
    assert main(["data", "book", str(root), "--layout", "mask_folder", "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_label_with_strange_marks_is_written_so_that_it_is_read_again(tmp_path: Path) -> None:
    root = plates(tmp_path / "data", "good", "yes", "a: b, [c]")
    out = draft(tmp_path, root)
    text = out.read_text(encoding="utf-8")
    out.write_text(
        text.replace("description: ", "description: x").replace("severity: ", "severity: minor "), "utf-8"
    )
    assert {entry.name for entry in load_illustrated_book(out).labels} == {"yes", "a: b, [c]"}
