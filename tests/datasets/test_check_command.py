"""``taktsight data check``: its exit status, what it prints and what it writes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.checks import Source, check_data
from taktsight.datasets.checks.report import CheckFile, write_report

from .check_shop import Shop, make_shop
from .planted_faults import PLANTED, copied, copied_marked_otherwise


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("product") / "set")


@pytest.fixture
def spoilt(clean: Shop, tmp_path: Path) -> Shop:
    shop = Shop(Path(shutil.copytree(clean.root, tmp_path / "set")))
    copied(".png", split="test")(shop)
    copied_marked_otherwise(shop)
    shop.mask("pit").write_bytes(b"")
    return shop


def check(shop: Shop, *more: str) -> int:
    columns = [f"--{name}-column={name}" for name in ("part", "lot", "camera", "split")]
    index = f"--index={shop.root / 'index.csv'}"
    return main(["data", "check", str(shop.root), "--layout=mask_folder", index, *columns, *more])


def test_clean_data_exit_with_0(clean: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(clean) == 0
    assert "No fault, " in capsys.readouterr().out


def test_warnings_alone_fail_where_that_is_asked_for(
    clean: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(Path(shutil.copytree(clean.root, tmp_path / "set")))
    mask = shop.mask("pit")
    grey = np.array(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE))
    grey[0, 0] = 128
    cv2.imwrite(str(mask), grey)
    assert check(shop) == 0
    assert check(shop, "--strict") == 1
    assert "has 1 level between 0 and 255" in " ".join(capsys.readouterr().out.split())


def test_faults_exit_with_1_and_are_named(spoilt: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(spoilt) == 1
    said = capsys.readouterr().out
    assert "4 faults of 4 kinds" in said
    assert all(kind in said for kind in ("empty file", "copies disagree", "copy across splits"))
    assert spoilt.mask("pit").name in said


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["absent", "--layout=mvtec"], "there is no such folder"),
        ([".", "--layout=mvtec", "--part-column=part"], "give --index too"),
        ([".", "--layout=mask_folder", "--index=no.csv", "--part-column=part"], "there is no such index"),
        ([".", "--layout=mask_folder", "--index=no.csv"], "--index is read for its columns"),
    ],
)
def test_wrong_arguments_exit_with_2(
    clean: Shop,
    arguments: list[str],
    advice: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(clean.root)
    assert main(["data", "check", *arguments]) == 2
    assert advice in capsys.readouterr().err


def test_unknown_layout_exits_with_2_and_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["data", "check", ".", "--layout=unheard-of"])
    assert stopped.value.code == 2
    assert "mask_folder" in capsys.readouterr().err


def test_wrong_layout_is_a_fault_with_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(tmp_path), "--layout=class_folder"]) == 1
    assert "holds no image" in capsys.readouterr().out.replace("\n", " ")


def test_report_stands_alone_and_shows_copies_side_by_side(spoilt: Shop, tmp_path: Path) -> None:
    assert check(spoilt, f"--out={tmp_path / 'out'}") == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:image/jpeg;base64,|#)', page)
    assert "<script" not in page
    section = page[page.index('id="copy-across-splits"') :]
    section = section[: section.index("</section>")]
    assert section.count("<img ") == 2
    assert "zz-again.png" in section


def test_every_planted_fault_can_be_shown(clean: Shop, tmp_path: Path) -> None:
    for number, (kinds, plant) in enumerate(PLANTED):
        shop = Shop(Path(shutil.copytree(clean.root, tmp_path / f"{number}" / "set")))
        plant(shop)
        page = write_report(tmp_path / f"{number}", shop.check(), "2026-01-01").read_text(encoding="utf-8")
        assert all(f'id="{kind.replace(" ", "-")}"' in page for kind in kinds)


def test_every_finding_is_in_the_file_for_programs(spoilt: Shop, tmp_path: Path) -> None:
    check(spoilt, f"--out={tmp_path / 'out'}")
    written = CheckFile.model_validate_json((tmp_path / "out" / "check.json").read_bytes())
    assert not written.is_clean
    assert sum(written.counts.values()) == len(written.findings)
    empty = next(finding for finding in written.findings if finding.kind == "empty file")
    assert empty.paths == (spoilt.mask("pit").relative_to(spoilt.root).as_posix(),)
    assert json.loads((tmp_path / "out" / "check.json").read_text(encoding="utf-8"))["format"] == 1


def test_the_same_findings_give_the_same_bytes(spoilt: Shop, tmp_path: Path) -> None:
    source = Source(spoilt.root, "mask_folder")
    pages = [write_report(tmp_path / name, check_data(source), "2026-01-01") for name in ("one", "two")]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def as_mvtec(parts: Path, root: Path) -> Path:
    """Rendered parts in MVTec AD's folders: train good, test good and each kind of defect."""
    for number, image in enumerate(sorted((parts / "images" / "good").glob("*.png"))):
        folder = root / ("train" if number % 2 else "test") / "good"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder)
    for kind in (folder for folder in (parts / "images").iterdir() if folder.name != "good"):
        shutil.copytree(kind, root / "test" / kind.name)
        masks = root / "ground_truth" / kind.name
        masks.mkdir(parents=True)
        for mask in (parts / "masks" / kind.name).iterdir():
            shutil.copy(mask, masks / f"{mask.stem}_mask{mask.suffix}")
    return root


def test_good_parts_to_learn_from_and_defects_to_test_on_are_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"data synth {tmp_path}/parts --parts 60 --size-px 128 --seed 1".split()) == 0
    root = as_mvtec(tmp_path / "parts", tmp_path / "mvtec")
    assert main(["data", "check", str(root), "--layout=mvtec"]) == 0
    assert "split 'val' holds no defective part" in re.sub(r"\s+", " ", capsys.readouterr().out)
