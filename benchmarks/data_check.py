"""How many images per second does one core look at in ``taktsight data check``?

    python benchmarks/data_check.py --images 24 --rounds 5

Mono images of 1024 × 1024 px as JPEG and PNG, read from the page cache. A look reads the file, checks its
end, hashes it, decodes it, hashes the pixels and measures them; beside it stands ``cv2.imdecode`` of the
same bytes alone, the two in turn. Processor time of one thread, so that other work on the machine does not
count. Comparing the images with each other comes after the looks and is timed by itself. Ends with one
JSON line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.datasets.checks.likeness import near_pairs
from taktsight.datasets.checks.look import look_at_image
from taktsight.datasets.samples import GOOD
from taktsight.datasets.synthetic import FIELD_MM, Product, render_part

SIZE_PX = 1024
FORMATS = {
    "jpeg, quality 92": (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 92)),
    "png, compression 0": (".png", (cv2.IMWRITE_PNG_COMPRESSION, 0)),
    "png, compression 1": (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
}
COMPARED = (1_000, 4_000)


def write_images(folder: Path, images: int) -> dict[str, list[Path]]:
    """The same parts in every format."""
    product = Product(size_px=SIZE_PX, mm_per_px=FIELD_MM / SIZE_PX)
    files: dict[str, list[Path]] = {name: [] for name in FORMATS}
    for number in range(images):
        label = None if number % 5 else product.labels[0]
        image = render_part(product, 1, number, label).image
        for name, (suffix, how) in FORMATS.items():
            path = folder / f"{label or GOOD}-{number}-{name[-2:].strip()}{suffix}"
            path.write_bytes(cv2.imencode(suffix, image, how)[1].tobytes())
            files[name].append(path)
    return files


def look_and_decode_ms(paths: list[Path], rounds: int) -> tuple[list[float], list[float]]:
    """Processor time of a look and of the bare decoding, image by image in turn, ms."""
    looks, decodings = [], []
    for _ in range(rounds):
        for path in paths:
            content = np.frombuffer(path.read_bytes(), np.uint8)
            decodings.append(_spent_ms(partial(cv2.imdecode, content, cv2.IMREAD_UNCHANGED)))
            looks.append(_spent_ms(partial(look_at_image, path)))
    return looks, decodings


def comparing_s(images: int) -> float:
    """Processor time to find near copies among parts that all have one fingerprint: the worst case, s."""
    rng = np.random.default_rng(0)
    smalls = [np.asarray(rng.integers(0, 256, (64, 64)), np.uint8) for _ in range(images)]
    start = time.process_time()
    near_pairs([0] * images, smalls)
    return time.process_time() - start


def _spent_ms(work: Callable[[], object]) -> float:
    start_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start_ns) / 1e6


def main() -> None:
    """Prints the table and the JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=24, help="parts, each in every format")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        files = write_images(Path(folder), args.images)
        print(
            f"{'format':<22}{'images/s':>9}{'look p50':>10}{'p99':>8}{'decode p50':>12}{'ratio':>7}  (ms)"
        )
        for name, paths in files.items():
            looks, decodings = look_and_decode_ms(paths, args.rounds)
            p50, p99 = np.percentile(looks, (50, 99))
            decode_p50 = float(np.median(decodings))
            figures[name] = {
                "images_per_s_per_core": round(1000 * len(looks) / sum(looks), 1),
                "look_ms_p50": round(float(p50), 2),
                "look_ms_p99": round(float(p99), 2),
                "decode_ms_p50": round(decode_p50, 2),
                "ratio_to_decode": round(float(p50) / decode_p50, 2),
                "kilobytes": round(sum(path.stat().st_size for path in paths) / len(paths) / 1000),
            }
            print(
                f"{name:<22}{figures[name]['images_per_s_per_core']:>9.1f}{p50:>10.2f}{p99:>8.2f}"
                f"{decode_p50:>12.2f}{figures[name]['ratio_to_decode']:>7.2f}"
            )
    comparing = {str(images): round(comparing_s(images), 2) for images in COMPARED}
    print(f"near copies, all candidates (processor s): {comparing}")
    write_result(
        "data_check",
        {
            "size_px": SIZE_PX,
            "looks": figures,
            "comparing_processor_s": comparing,
            "images": args.images,
            "rounds": args.rounds,
            "opencv": cv2.__version__,
            "numpy": np.__version__,
            **circumstances(),
        },
    )


if __name__ == "__main__":
    main()
