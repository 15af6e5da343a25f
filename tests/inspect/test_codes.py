"""The code on a part: read, unreadable, ambiguous, too slow; and what that means for the part."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydantic
import pytest

from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.inspect.codes.reader import FORMATS, CodeReader, unread
from taktsight.inspect.codes.settings import CodeSettings
from taktsight.records import Frame, Image, Outcome, Verdict

from .place import EXPECTED, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import SIZE_PX, draw_part

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")
SIDE_PX = 200


def settings(**values: object) -> CodeSettings:
    return CodeSettings.model_validate({"camera": "top", "symbologies": ("qr",)} | values)


@pytest.fixture
def readers() -> Iterator[list[CodeReader]]:
    made: list[CodeReader] = []
    yield made
    for reader in made:
        reader.close()


def draw_code(text: str, symbology: str = "qr", *, scale: int = 3) -> np.ndarray:
    """Black on white, with its quiet zone."""
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, FORMATS[symbology]))  # type: ignore[index]
    drawn = np.array(zxingcpp.write_barcode_to_image(barcode, scale=scale))
    return drawn if drawn.ndim == 2 else drawn[:, :, 0]


def scene(*codes: tuple[np.ndarray, int, int], channels: int = 1, side_px: int = SIDE_PX) -> Image:
    """Codes on grey, each with the place of its corner."""
    image = np.full((side_px, side_px, channels), 150, np.uint8)
    for code, x, y in codes:
        image[y : y + code.shape[0], x : x + code.shape[1]] = code[:, :, np.newaxis]
    return image


def frames_of(image: Image) -> tuple[Frame, ...]:
    other = np.zeros((8, 8, 1), np.uint8)
    return Frame(other, 1, 0, "side"), Frame(image, 1, 0, "top")


@pytest.mark.parametrize(
    ("symbology", "text"),
    [
        ("qr", "SN-4711"),
        ("datamatrix", "SN-4711"),
        ("aztec", "SN-4711"),
        ("code128", "SN-4711"),
        ("code39", "SN-4711"),
        ("itf", "00471108"),
        ("ean13", "4006381333931"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_symbology_is_read(
    symbology: str, text: str, channels: int, readers: list[CodeReader]
) -> None:
    readers.append(CodeReader(settings(symbologies=(symbology,))))
    image = scene((draw_code(text, symbology, scale=2), 5, 5), channels=channels, side_px=300)
    assert readers[0].read(image).serial == text


def test_only_the_region_and_the_pattern_are_looked_at(readers: list[CodeReader]) -> None:
    crate, part = draw_code("CRATE-1"), draw_code("SN-1")
    image = scene((crate, 5, 5), (part, 110, 110))
    readers += [
        CodeReader(settings()),
        CodeReader(settings(region_px=(100, 100, 200, 200))),
        CodeReader(settings(pattern=r"SN-\d+")),
        CodeReader(settings(pattern=r"SN-\d\d")),
    ]
    anything, region, pattern, longer = [reader.read(image) for reader in readers]
    assert anything.serial is None
    assert "2 different ones are there: 'CRATE-1', 'SN-1'" in anything.fault
    assert region.serial == pattern.serial == "SN-1"
    assert longer.fault == "'CRATE-1' is no serial"


def test_same_code_twice_on_a_part_is_one_serial(readers: list[CodeReader]) -> None:
    readers.append(CodeReader(settings()))
    code = draw_code("SN-1")
    assert readers[0].read(scene((code, 5, 5), (code, 110, 110))).serial == "SN-1"


def test_part_without_a_code_has_none(readers: list[CodeReader]) -> None:
    readers.append(CodeReader(settings()))
    assert readers[0].read(scene()).fault == "none was found"


@pytest.mark.parametrize("text", ["x" * 200, "tab\there", "bell\x07"], ids=["long", "tab", "bell"])
def test_text_that_would_spoil_a_record_is_no_serial(text: str, readers: list[CodeReader]) -> None:
    readers.append(CodeReader(settings()))
    code = readers[0].read(scene((draw_code(text, scale=2), 5, 5)))
    assert code.serial is None
    assert code.fault.isprintable()


def test_reader_that_is_slow_keeps_no_verdict_waiting(readers: list[CodeReader]) -> None:
    reader = CodeReader(settings(within_ms=30))
    readers.append(reader)
    goes_on = threading.Event()
    plain = reader._zxing

    class Slow:
        def read_barcodes(self, *arguments: object, **options: object) -> object:
            goes_on.wait(20)
            return plain.read_barcodes(*arguments, **options)

    reader._zxing = Slow()
    frames = frames_of(scene((draw_code("SN-1"), 5, 5)))
    first = reader.begin(frames)
    second = reader.begin(frames)
    far_ns = time.monotonic_ns() + 60_000_000_000
    assert "in time" in first.finish(far_ns).fault
    assert "still busy with the part before" in second.finish(far_ns).fault
    goes_on.set()
    until_s = time.monotonic() + 20
    while (code := reader.begin(frames).finish(far_ns)).serial is None:
        assert time.monotonic() < until_s, code
    assert code.serial == "SN-1"


@pytest.mark.parametrize(
    ("before", "required", "after"),
    [
        (Outcome.PASS, False, Outcome.PASS),
        (Outcome.REVIEW, False, Outcome.REVIEW),
        (Outcome.REJECT, False, Outcome.REJECT),
        (Outcome.PASS, True, Outcome.UNINSPECTED),
        (Outcome.REVIEW, True, Outcome.UNINSPECTED),
        (Outcome.REJECT, True, Outcome.REJECT),
    ],
)
def test_part_whose_code_is_required_does_not_pass_without(
    before: Outcome, required: bool, after: Outcome
) -> None:
    verdict = unread(Verdict(before, ("spot: 0.8 > 0.6",)), "code: none was found", required=required)
    assert verdict.outcome is after
    assert set(verdict.reasons) == {"spot: 0.8 > 0.6", "code: none was found"}


def test_region_beyond_the_frame_is_a_mistake_in_the_station(readers: list[CodeReader]) -> None:
    readers.append(CodeReader(settings(region_px=(0, 0, SIDE_PX + 1, 50))))
    with pytest.raises(ConfigError, match=r"region_px reaches to 201, 50; frames of top have 200 × 200 px"):
        readers[0].check_size(frames_of(scene()))


@pytest.mark.parametrize(
    "values",
    [{"region_px": (5, 5, 5, 9)}, {"pattern": "("}, {"symbologies": ()}, {"symbologies": ("qrcode",)}],
    ids=["empty region", "pattern", "nothing to read", "misspelt"],
)
def test_mistakes_in_the_settings_are_said(values: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        settings(**values)


def stick_codes(place: Place, *, missing: tuple[int, ...]) -> None:
    """A code beside each part of the place, but for some."""
    for file in (place.folder / "images").iterdir():
        number = int(file.stem.split("_")[1])
        image = np.full((SIZE_PX, SIZE_PX + 120, 1), 90, np.uint8)
        brightness = {"PASS": 0, "REVIEW": 180, "REJECT": 255}[EXPECTED[number - 1]]
        image[:, :SIZE_PX] = draw_part(brightness)
        if number not in missing:
            code = draw_code(f"SN-{number}", scale=2) // 3  # dark: light squares are defects to this model
            image[: code.shape[0], SIZE_PX + 10 : SIZE_PX + 10 + code.shape[1], 0] = code
        file.write_bytes(encode_png(image))


def write_station(place: Place, *, required: bool) -> Path:
    code = {
        "camera": "camera",
        "symbologies": ["qr"],
        "region_px": [SIZE_PX, 0, SIZE_PX + 120, SIZE_PX],
        "pattern": r"SN-\d+",
        "within_ms": 500,
        "required": required,
    }
    return place.write(code=code, trigger={"kind": "timer", "takt_ms": 200}, deadline_ms=2000)


@pytest.mark.parametrize("required", [False, True])
def test_line_puts_the_code_into_the_ledger(place: Place, start_line: StartLine, required: bool) -> None:
    stick_codes(place, missing=(2, 4))
    line = start_line(write_station(place, required=required), "--no-live")
    status, out, err = line.wait()
    assert status == 0, err
    gate = assert_one_verdict_each(place, line)
    expected = list(EXPECTED)
    if required:
        expected[1] = "UNINSPECTED"  # part 4 is a reject, and stays one
    assert [outcome for _, outcome in gate] == expected
    rows = {row["trigger"]: row for row in place.rows("verdict")}
    for trigger, row in rows.items():
        if trigger in (2, 4):
            assert "code: none was found" in json.loads(row["reasons"])
        else:
            assert row["serial"] == f"SN-{trigger}"
    assert (line.meters["codes_read"], line.meters["codes_unread"]) == (8, 2)
    assert "8 read, 2 not" in out


def test_check_knows_the_region(place: Place) -> None:
    checked = taktsight("check", write_station(place, required=False))
    assert checked.returncode == 1
    assert "code.region_px reaches to" in checked.stdout
