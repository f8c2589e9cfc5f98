"""One row of the Mandelbrot set with numpy: all points at once, step by step."""

import numpy as np


def count_row(width: int, y: float, limit: int) -> list[int]:
    """Return how many steps each point of the row stays near."""
    x = -2.0 + 3.0 * np.arange(width) / max(width, 1)
    real, imaginary = np.zeros(width), np.zeros(width)
    counts = np.zeros(width, dtype=np.int64)
    is_near = np.ones(width, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(limit):
            is_near &= real * real + imaginary * imaginary <= 4.0
            if not is_near.any():
                break
            counts += is_near
            real, imaginary = (
                real * real - imaginary * imaginary + x,
                2.0 * real * imaginary + y,
            )
    return counts.tolist()
