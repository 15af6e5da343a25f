"""How many synthetic parts per second does one core render?

    python benchmarks/synthetic_product.py --parts 200

Rendering only: no PNG is written. The first part of a product and of a lot costs more (geometry, tool
marks); lots are counted in, the geometry is not. Ends with one JSON line.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.datasets.samples import GOOD
from taktsight.datasets.synthetic import FIELD_MM, Product, render_part


def part_times_ms(product: Product, label: str, parts: int) -> list[float]:
    """How long each of ``parts`` parts took, ms."""
    defect = None if label == GOOD else label
    taken = []
    for number in range(parts):
        start_ns = time.perf_counter_ns()
        render_part(product, 1, number, defect)
        taken.append((time.perf_counter_ns() - start_ns) / 1e6)
    return taken


def main() -> None:
    """Prints the table and the JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=200, help="parts per label")
    parser.add_argument("--size-px", type=int, default=512)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    product = Product(size_px=args.size_px, mm_per_px=FIELD_MM / args.size_px)
    start = time.perf_counter()
    render_part(product, 0, 0)
    first_s = time.perf_counter() - start
    print(f"{args.size_px} × {args.size_px} px, one core, first part of the product: {first_s:.2f} s")
    print(f"{'label':<10}{'parts/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    rates = {}
    for label in (GOOD, *product.labels):
        taken = part_times_ms(product, label, args.parts)
        rates[label] = round(1000 * len(taken) / sum(taken), 1)
        p50, p99 = np.percentile(taken, (50, 99))
        print(f"{label:<10}{rates[label]:>9.1f}{p50:>9.2f}{p99:>9.2f}{max(taken):>9.2f}")
    write_result(
        "synthetic_product",
        {
            "parts_per_s": rates,
            "parts_per_label": args.parts,
            "size_px": args.size_px,
            "first_part_s": round(first_s, 3),
            "opencv": cv2.__version__,
            "numpy": np.__version__,
            **circumstances(),
        },
    )


if __name__ == "__main__":
    main()
