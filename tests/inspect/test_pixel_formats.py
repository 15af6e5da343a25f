"""What a camera sends becomes the image it means: exact values, and two computations that are not ours."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.errors import CameraError
from taktsight.inspect.cameras.pixel_formats import FORMATS, decode, decode_view, format_of

Values = NDArray[np.uint16]
PACKED = [name for name, each in FORMATS.items() if each.packing in ("gige", "lsb")]
DEEP = [name for name, each in FORMATS.items() if each.depth > 8]
MONO_DEEP = [name for name in DEEP if name.startswith("Mono")]


def drawn(name: str, height: int, width: int) -> Values:
    """Random values of the whole range, the extremes among them."""
    depth = FORMATS[name].depth
    values = np.random.default_rng(len(name)).integers(0, 1 << depth, (height, width), np.uint16)
    values.flat[:4] = 0, (1 << depth) - 1, 1, (1 << depth) - 2
    return values


def packed(name: str, values: Values) -> bytes:
    """Bit by bit, as the standards draw it; written apart from the code that is tested."""
    each, flat = FORMATS[name], [int(value) for value in values.flat]
    if each.packing == "bytes":
        return bytes(flat)
    if each.packing == "words":
        return b"".join(value.to_bytes(2, "little") for value in flat)
    if each.packing == "lsb":
        stream = sum(value << each.depth * place for place, value in enumerate(flat))
        return stream.to_bytes((len(flat) * each.depth + 7) // 8, "little")
    sent = bytearray()
    low = each.depth - 8
    for first, second in zip(flat[::2], [*flat[1::2], 0], strict=False):
        sent += bytes((first >> low, first % (1 << low) | second % (1 << low) << 4, second >> low))
    return bytes(sent[: each.frame_bytes(values.shape[1], values.shape[0])])


@pytest.mark.parametrize("name", MONO_DEEP)
@pytest.mark.parametrize("shape", [(4, 8), (3, 4), (5, 7)], ids=["even", "rows of 4", "odd"])
def test_of_deep_pixels_the_upper_eight_bits_are_kept(name: str, shape: tuple[int, int]) -> None:
    values = drawn(name, *shape)
    image = decode(packed(name, values), shape[1], shape[0], format_of(name), 1)
    assert image.dtype == np.uint8
    assert np.array_equal(image[:, :, 0], values >> FORMATS[name].depth - 8)


def test_twelve_bits_give_the_image_that_eight_give() -> None:
    values = drawn("Mono12", 6, 8)
    deep = decode(packed("Mono12", values), 8, 6, format_of("Mono12"), 1)
    plain = decode(bytes(int(value) // 16 for value in values.flat), 8, 6, format_of("Mono8"), 1)
    assert np.array_equal(deep, plain)


def test_packed_bytes_as_the_standards_draw_them() -> None:
    """Two pixels of 0xABC and 0x123; of ten bits 0x2AB, 0x155 and, in PFNC's row of four, 0x3FF and 0."""
    cases = {
        "Mono12Packed": (bytes((0xAB, 0x3C, 0x12)), [0xAB, 0x12]),
        "Mono12p": (bytes((0xBC, 0x3A, 0x12)), [0xAB, 0x12]),
        "Mono10Packed": (bytes((0xAA, 0x13, 0x55)), [0xAA, 0x55]),
        "Mono10p": (bytes((0xAB, 0x56, 0xF5, 0x3F, 0x00)), [0xAA, 0x55, 0xFF, 0x00]),
    }
    for name, (sent, seen) in cases.items():
        assert decode(sent, len(seen), 1, format_of(name), 1)[0, :, 0].tolist() == seen, name


def test_value_that_the_depth_has_not_is_a_fault() -> None:
    with pytest.raises(CameraError, match="a pixel is 4096, 12 bits reach to 4095"):
        decode(np.array([4096, 0], "<u2").tobytes(), 2, 1, format_of("Mono12"), 1)


@pytest.mark.parametrize("name", ["Mono8", "Mono12p", "BayerRG8", "RGB8", "YUV422_8"])
def test_short_frame_is_a_fault(name: str) -> None:
    whole = FORMATS[name].frame_bytes(8, 6)
    decode(bytes(whole), 8, 6, format_of(name), 3)
    with pytest.raises(CameraError, match=f"{whole - 1} bytes; 8 x 6 px of {name} are {whole}"):
        decode(bytes(whole - 1), 8, 6, format_of(name), 3)


@pytest.mark.parametrize("pattern", ["RG", "GR", "GB", "BG"])
@pytest.mark.parametrize("suffix", ["8", "10", "10Packed", "10p", "12", "12Packed", "12p", "16"])
def test_flat_colour_behind_a_filter_is_that_colour(pattern: str, suffix: str) -> None:
    name, colour = f"Bayer{pattern}{suffix}", {"R": 200, "G": 120, "B": 40}
    second = {"RG": "GB", "GR": "BG", "GB": "RG", "BG": "GR"}[pattern]
    mosaic = np.empty((8, 8), np.uint16)
    for row, letters in enumerate((pattern, second)):
        for column, letter in enumerate(letters):
            mosaic[row::2, column::2] = colour[letter] << FORMATS[name].depth - 8
    image = decode(packed(name, mosaic), 8, 8, format_of(name), 3)
    assert image.shape == (8, 8, 3)
    assert np.array_equal(image, np.broadcast_to(np.array([200, 120, 40], np.uint8), (8, 8, 3)))


def test_red_edge_stays_where_it_is_and_red() -> None:
    """Bilinear: at a red pixel the red is what was sent, at its neighbours the mean of those around."""
    mosaic = np.zeros((6, 6), np.uint8)
    mosaic[::2, 2::2] = 100
    image = decode(mosaic.tobytes(), 6, 6, format_of("BayerRG8"), 3)
    assert image[2, 2].tolist() == [100, 0, 0]
    assert image[2, 1].tolist() == [50, 0, 0]
    assert image[3, 3].tolist() == [100, 0, 0]


def test_rgb_and_bgr_are_told_apart() -> None:
    assert decode(bytes((1, 2, 3)), 1, 1, format_of("RGB8"), 3).tolist() == [[[1, 2, 3]]]
    assert decode(bytes((1, 2, 3)), 1, 1, format_of("BGR8Packed"), 3).tolist() == [[[3, 2, 1]]]


@pytest.mark.parametrize(
    ("name", "order"),
    [("YUV422_8", "yuyv"), ("YUV422Packed", "uyvy"), ("YUYV", "yuyv"), ("UYVY", "uyvy")],
)
def test_yuv_is_what_the_formula_gives(name: str, order: str) -> None:
    """ITU-R BT.601, in floating point; two pixels share their colour. OpenCV rounds within 1 of it."""
    rng = np.random.default_rng(0)
    is_studio = name in ("YUYV", "UYVY")
    bright = rng.integers(16, 236, (6, 8)).astype(float)
    blue, red = rng.integers(100, 156, (2, 6, 4)).astype(float)
    sent = np.empty((6, 8, 2), np.uint8)
    sent[:, :, order.index("y")] = bright
    sent[:, 0::2, order.index("u") % 2], sent[:, 1::2, order.index("u") % 2] = blue, red
    u, v = np.repeat(blue, 2, axis=1) - 128, np.repeat(red, 2, axis=1) - 128
    y = bright
    if is_studio:
        y, u, v = (bright - 16) * 255 / 219, u * 255 / 224, v * 255 / 224
    wanted = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], axis=2)
    image = decode(sent.tobytes(), 8, 6, format_of(name), 3)
    assert np.abs(image - np.clip(wanted, 0, 255)).max() <= 1.5
    grey = decode(sent.tobytes(), 8, 6, format_of(name), 1)
    assert np.array_equal(grey[:, :, 0], np.round(np.clip(y, 0, 255)))


def test_pairs_of_yuv_need_an_even_width() -> None:
    with pytest.raises(CameraError, match="in pairs, 3 px do not"):
        decode(bytes(100), 3, 2, format_of("YUYV"), 3)


def test_bundle_gets_the_channels_it_wants() -> None:
    assert decode(bytes((7, 9)), 2, 1, format_of("Mono8"), 3).tolist() == [[[7] * 3, [9] * 3]]
    assert decode(bytes((255, 0, 0)), 1, 1, format_of("RGB8"), 1).tolist() == [[[76]]]  # 0.299 of it


@pytest.mark.parametrize("name", ["Mono8", "Mono12", "Mono12Packed", "Mono10p", "BayerGR8", "RGB8", "YUYV"])
def test_padding_behind_rows_is_not_seen(name: str) -> None:
    each, rng = format_of(name), np.random.default_rng(1)
    row = each.row_bytes(8)
    plain = rng.integers(0, 4, (6, row), np.uint8)
    padded = np.full((6, row + 3), 3, np.uint8)
    padded[:, :row] = plain
    seen = decode(padded.tobytes(), 8, 6, each, 3, padding=3)
    assert np.array_equal(seen, decode(plain.tobytes(), 8, 6, each, 3))


def test_padding_within_a_byte_is_refused() -> None:
    with pytest.raises(CameraError, match="rows of 7 px do not end with a byte"):
        decode(bytes(1000), 7, 4, format_of("Mono12p"), 1, padding=2)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_decoded_image_does_not_change_with_the_buffer(name: str, channels: int) -> None:
    each = format_of(name)
    buffer = np.zeros(each.frame_bytes(8, 6), np.uint8)
    image = decode(buffer, 8, 6, each, channels)
    before = image.copy()
    buffer[:] = 255
    assert np.array_equal(image, before)


def test_view_is_the_buffer_itself_where_nothing_is_to_be_done() -> None:
    buffer = np.zeros(48, np.uint8)
    mono, colour = (
        decode_view(buffer, 8, height, format_of(name), channels)
        for name, height, channels in (("Mono8", 6, 1), ("RGB8", 2, 3))
    )
    grey = decode_view(buffer, 8, 6, format_of("Mono8"), 3)
    buffer[:] = 9
    assert (mono.min(), colour.min(), grey.max()) == (9, 9, 0)


def test_unknown_format_is_refused_with_those_that_are_known() -> None:
    for name in ("Mono9", 0x01080002):
        with pytest.raises(CameraError, match=r"is not known here; known are Mono8, .*BayerRG12p"):
            format_of(name)
    assert format_of(0x01080001) is format_of("Mono8")


@pytest.mark.parametrize("name", FORMATS)
def test_another_stack_reads_the_same(name: str) -> None:
    """viva-genicam, in Rust: codes, names, packing and order; colours within 2."""
    frames = pytest.importorskip("viva_genicam").Frame
    each, rng, width = format_of(name), np.random.default_rng(3), 16
    is_mosaic = each.pattern in ("mono", "RG", "GR", "GB", "BG")
    random = rng.integers(16, 236, each.frame_bytes(width, 8), np.uint8).tobytes()
    data = packed(name, drawn(name, 8, width)) if is_mosaic else random
    frame = frames.from_bytes(data, width, 8, each.code)
    if frame.pixel_format.startswith("Unknown") or frame.to_numpy().ndim == 1:
        pytest.skip(f"viva-genicam does not convert {name}")
    assert format_of(frame.pixel_format) is each
    theirs = frame.to_numpy()
    if each.pattern == "mono":
        assert np.array_equal(decode(data, width, 8, each, 1)[:, :, 0], theirs >> each.depth - 8)
    elif is_mosaic:
        mosaic = decode(data, width, 8, FORMATS[name.replace(f"Bayer{each.pattern}", "Mono")], 1)
        assert np.array_equal(mosaic[:, :, 0], theirs >> each.depth - 8)
    else:
        ours = decode(data, width, 8, each, 3).astype(int)
        assert np.abs(ours - theirs).max() <= 2
