"""Images that the index leaves out, and a check of the split that lists bring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.checks import Checked, Source, check_data
from taktsight.datasets.datamodule import InspectionData
from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas

from .annotated import source as public
from .annotated import write

COLUMNS = {"part": "part"}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Thirty parts with two exposures each; of one part nobody knows whether it is good."""
    rows = ["image,part,status"]
    for part in range(30):
        label = "pit" if part % 2 else "good"
        for shot in range(2):
            pixels = np.random.default_rng([part, shot]).integers(60, 160, (48, 64, 1), dtype=np.uint8)
            name = f"{label}/{part}-{shot}.png"
            (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name).write_bytes(encode_png(pixels))
            rows.append(f"{name},{part},{'unknown' if part == 4 else 'known'}")
    write(tmp_path / "set" / "index.csv", "\n".join(rows) + "\n")
    return tmp_path / "set"


def source(root: Path, **more: object) -> Source:
    return Source(root, "class_folder", index=root / "index.csv", columns=COLUMNS, **more)  # type: ignore[arg-type]  # a test's own


def kinds(checked: Checked, kind: str) -> list[str]:
    return [finding.message for finding in checked.findings if finding.kind == kind]


def split(root: Path, out: Path, *more: str) -> Path:
    arguments = ["--layout=class_folder", f"--index={root / 'index.csv'}", f"--out={out}", *more]
    assert main(["data", "split", str(root), *arguments]) == 0
    return out


def test_image_that_the_index_leaves_out_is_as_if_it_were_not_there(parts: Path) -> None:
    left = source(parts, leave_out={"status": "unknown"}).read()
    assert len(left) == 58
    assert "4" not in {sample.part for sample in left}
    data = InspectionData(
        parts,
        "class_folder",
        Canvas(64, 64, 1, 1, 32),
        index=parts / "index.csv",
        part_column="part",
        leave_out={"status": "unknown"},
    )
    assert len(data.samples) == 58
    checked = check_data(source(parts, leave_out={"status": "unknown"}))
    assert len(checked.samples) == 58
    assert kinds(checked, "index") == []


def test_image_that_is_left_out_needs_no_annotation(tmp_path: Path) -> None:
    """Two frames of the spindles came out too soiled to say anything of them."""
    home = public("bsdata")
    read = Source(
        home,
        "labelme",
        annotations=home / "label",
        unlabelled="good",
        index=home / "index.csv",
        leave_out={"status": "unknown"},
    ).read()
    assert len(read) == 331 - 2
    assert sum(sample.is_defective for sample in read) == 156


@pytest.mark.parametrize(
    ("leave_out", "says"),
    [
        (
            {"status": "unknwon"},
            "no row has 'unknwon' in the column status",
        ),
        ({"state": "unknown"}, "has no column state"),
    ],
)
def test_misspelt_value_or_column_leaves_nothing_in_by_mistake(
    parts: Path, leave_out: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        source(parts, leave_out=leave_out).read()


@pytest.mark.parametrize("given", ["status", "=unknown"])
def test_what_is_left_out_is_given_as_column_and_value(
    parts: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--layout=class_folder", f"--index={parts / 'index.csv'}", "--leave-out", *given.split()]
    assert main(["data", "check", str(parts), *arguments]) == 2
    assert "--leave-out wants COLUMN=VALUE, got" in capsys.readouterr().err


def test_several_values_of_one_column_are_left_out(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = len(source(parts).read())
    known = source(parts, leave_out={"status": ["unknown", "known"]}).left_out()
    assert len(known) == whole
    arguments = ["--layout=class_folder", f"--index={parts / 'index.csv'}", "--part-column=part"]
    left = [f"--leave-out=status={value}" for value in ("unknown", "nothing")]
    assert main(["data", "check", str(parts), *arguments, *left]) == 2
    assert "no row has 'nothing' in the column status" in capsys.readouterr().err


def test_check_finds_the_parts_that_lie_in_two_lists(parts: Path, tmp_path: Path) -> None:
    cut = split(parts, tmp_path / "cut", "--leave-out=status=unknown")  # by image: nobody named the part
    checked = check_data(source(parts, leave_out={"status": "unknown"}, splits=cut))
    assert checked.split_by == "the lists"
    assert kinds(checked, "part across splits")
    whole = split(parts, tmp_path / "whole", "--part-column=part")
    assert kinds(check_data(source(parts, splits=whole)), "part across splits") == []


def test_check_of_lists_finds_images_that_came_and_went(parts: Path, tmp_path: Path) -> None:
    lists = split(parts, tmp_path / "lists", "--part-column=part")
    (parts / "good" / "0-0.png").rename(parts / "good" / "new.png")
    index = (parts / "index.csv").read_text(encoding="utf-8")
    write(parts / "index.csv", index.replace("good/0-0.png", "good/new.png"))
    found = {
        finding.paths[0].name: finding.message
        for finding in check_data(source(parts, splits=lists)).findings
        if finding.kind == "index"
    }
    assert "is in no list" in found["new.png"]
    assert "is not there; restore it" in found["0-0.png"]


def test_check_of_lists_that_were_changed_says_so(parts: Path, tmp_path: Path) -> None:
    lists = split(parts, tmp_path / "lists", "--part-column=part")
    facts = json.loads((lists / "split.json").read_text())
    (lists / "split.json").write_text(json.dumps(facts | {"digest": "0"}))
    (said,) = kinds(check_data(source(parts, splits=lists)), "index")
    assert "the lists are not those that were written" in said


def test_lists_and_a_column_are_not_given_together(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--layout=class_folder", f"--index={parts / 'index.csv'}", "--split-column=part"]
    assert main(["data", "check", str(parts), *arguments, "--splits=lists"]) == 2
    assert "give one" in capsys.readouterr().err
