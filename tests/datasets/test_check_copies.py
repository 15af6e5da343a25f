"""Near copies among thousands of parts that look alike, and drawings that contradict each other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.checks.copies import check_copies, near_copies
from taktsight.datasets.checks.drawings import check_regions
from taktsight.datasets.checks.likeness import near_pairs
from taktsight.datasets.checks.look import Small, look_at, look_at_image
from taktsight.datasets.checks.outliers import check_outliers
from taktsight.datasets.regions import Rectangle, Region, RunLengths
from taktsight.datasets.samples import GOOD, Sample
from taktsight.records import Image

RNG = np.random.default_rng(5)


def surface(seed: int, size: int = 256) -> NDArray[np.uint8]:
    """One shape for all, its own grain for each."""
    rng = np.random.default_rng(seed)
    grain = cv2.resize(rng.normal(0, 1, (96, 96)), (size, size), interpolation=cv2.INTER_LINEAR)
    level = np.full((size, size), 60.0)
    cv2.circle(level, (size // 2, size // 2), size // 3, (170.0,), -1)
    return np.asarray((level + 12 * grain).clip(0, 255), np.uint8)


def saved(folder: Path, name: str, image: NDArray[np.uint8]) -> Path:
    path = folder / name
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def brighter(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray((image * 1.15 + 5).clip(0, 255), np.uint8)


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def compressed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    content = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 60))[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_UNCHANGED), np.uint8)


@pytest.mark.parametrize("change", [brighter, halved, compressed])
def test_changed_copy_is_found_among_parts_of_one_shape(tmp_path: Path, change: object) -> None:
    assert callable(change)
    paths = [saved(tmp_path, f"{number}.png", surface(number)) for number in range(30)]
    paths.append(saved(tmp_path, "again.png", change(surface(7))))
    seen = [looked.seen for looked in map(look_at_image, paths) if looked.seen]
    pairs = near_pairs([one.fingerprint for one in seen], [one.small for one in seen])
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(7, 30)]


def test_blocks_find_what_a_plain_loop_would() -> None:
    """1,300 pictures are three blocks; the copies lie within a block, across two, and densely."""
    smalls: list[Small] = [np.asarray(RNG.integers(0, 256, (64, 64)), np.uint8) for _ in range(1300)]
    smalls[700], smalls[1299] = smalls[3], smalls[600]
    smalls[20:60] = [smalls[20]] * 40
    pairs = near_pairs([0] * 1300, smalls)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    within = {(one, other) for one in range(20, 60) for other in range(one + 1, 60)}
    assert found == within | {(3, 700), (600, 1299)}


def test_fingerprints_that_differ_overrule_equal_detail() -> None:
    small: Small = np.asarray(RNG.integers(0, 256, (64, 64)), np.uint8)
    assert len(near_pairs([0, 0xFF], [small, small]).first) == 1
    assert len(near_pairs([0, 0x1FF], [small, small]).first) == 0


def test_copies_are_grouped_for_the_split(tmp_path: Path) -> None:
    images = [surface(number) for number in range(6)]
    paths = [saved(tmp_path, f"{number}.png", image) for number, image in enumerate(images)]
    paths += [saved(tmp_path, "same.png", images[2]), saved(tmp_path, "jpeg.jpg", images[2])]
    (tmp_path / "no.png").write_bytes(b"")
    samples = [Sample((path,), GOOD) for path in (*paths, tmp_path / "no.png")]
    looks = look_at([sample.images[0] for sample in samples], [])
    assert near_copies(samples, looks) == [[2, 6, 7]]
    assert near_copies(samples[:1], looks) == near_copies([], looks) == []


def drawn(path: Path, *regions: Region) -> Sample:
    return Sample((path,), regions[0].label, regions=(regions,))


def test_one_place_with_two_labels_is_a_fault_and_a_region_drawn_twice_a_warning(tmp_path: Path) -> None:
    path = saved(tmp_path, "part.png", surface(1))
    box, shifted, far = Rectangle(10, 10, 60, 60), Rectangle(14, 10, 60, 60), Rectangle(90, 90, 99, 99)
    looks = look_at([path], [])
    two = check_regions([drawn(path, Region("pit", box), Region("stain", shifted))], looks)
    twice = check_regions([drawn(path, Region("pit", box), Region("pit", shifted))], looks)
    apart = check_regions([drawn(path, Region("pit", box), Region("stain", far))], looks)
    assert [(found.kind, found.severity) for found in two] == [("regions disagree", "fault")]
    assert [(found.kind, found.severity) for found in twice] == [("drawn twice", "warning")]
    assert apart == []


def test_region_off_the_image_or_of_another_size_is_a_fault(tmp_path: Path) -> None:
    path = saved(tmp_path, "part.png", surface(1))
    looks = look_at([path], [])
    off = check_regions([drawn(path, Region("pit", Rectangle(300, 300, 320, 320)))], looks)
    other = check_regions([drawn(path, Region("pit", RunLengths(2, 2, (1, 3))))], looks)
    assert [found.kind for found in (*off, *other)] == ["empty mask", "mask size"]


def test_copies_that_are_drawn_differently_are_named_with_their_overlap(tmp_path: Path) -> None:
    one, two = (saved(tmp_path, name, surface(1)) for name in ("one.png", "two.png"))
    samples = [
        drawn(one, Region("pit", Rectangle(0, 0, 40, 40))),
        drawn(two, Region("pit", Rectangle(0, 0, 40, 20))),
    ]
    found = check_copies(samples, look_at([one, two], []))
    assert [finding.kind for finding in found] == ["copy", "copies disagree"]
    assert "overlap 0.50" in found[1].message


def test_odd_images_stand_out_from_their_own_camera_only(tmp_path: Path) -> None:
    left = [saved(tmp_path, f"left-{number}.png", surface(number)) for number in range(24)]
    right = [saved(tmp_path, f"right-{number}.png", surface(number, 320) // 2) for number in range(24)]
    dark = saved(tmp_path, "dark.png", surface(90) // 3)
    colour = saved(tmp_path, "colour.png", np.repeat(surface(91)[:, :, np.newaxis], 3, axis=2))
    wide = saved(tmp_path, "wide.png", np.pad(surface(92), ((0, 0), (0, 4)), mode="edge"))
    samples = [Sample((path,), GOOD, camera="left") for path in (*left, dark, colour, wide)]
    samples += [Sample((path,), GOOD, camera="right") for path in right]
    found = check_outliers(samples, look_at([sample.images[0] for sample in samples], []))
    assert [(finding.kind, finding.paths) for finding in found] == [
        ("odd size", (wide,)),
        ("odd channels", (colour,)),
        ("odd exposure", (dark,)),
    ]


def test_two_settings_of_one_camera_are_one_warning(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{n}.png", surface(n) // (3 if n > 20 else 1)) for n in range(30)]
    samples = [Sample((path,), GOOD) for path in paths]
    (found,) = check_outliers(samples, look_at(paths, []))
    assert (found.kind, len(found.paths)) == ("odd exposure", 9)
    assert "9 of 30" in found.message


def test_preview_in_a_header_does_not_hide_that_a_jpeg_is_cut_short(tmp_path: Path) -> None:
    whole = cv2.imencode(".jpg", surface(1))[1].tobytes()
    preview = b"\xff\xe1" + (len(whole) + 2).to_bytes(2, "big") + whole
    with_preview = whole[:2] + preview + whole[2:]
    paths = [tmp_path / "whole.jpg", tmp_path / "cut.jpg", tmp_path / "longer.jpg"]
    contents = (with_preview, with_preview[:-40], with_preview + bytes(100))
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    faults = [looked.fault.kind if looked.fault else None for looked in map(look_at_image, paths)]
    assert faults == [None, "cut short", None]


def test_colour_and_mono_of_one_part_look_alike(tmp_path: Path) -> None:
    mono: Image = surface(3)[:, :, np.newaxis]
    paths = [saved(tmp_path, "m.png", mono), saved(tmp_path, "c.png", np.repeat(mono, 3, axis=2))]
    seen = [looked.seen for looked in map(look_at_image, paths) if looked.seen]
    assert seen[0].fingerprint == seen[1].fingerprint
    assert np.array_equal(seen[0].small, seen[1].small)
    assert seen[0].pixels != seen[1].pixels
