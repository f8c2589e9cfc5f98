"""What all implementations do: one row of the Mandelbrot set, as counts."""

import random
from typing import Any

from mandelbrot_python import count_row

import compare


class MandelbrotRow(compare.Contract):
    """count_row(width, y, limit) -> list[int].

    Of each of `width` points between -2 and 1 at height y: how many steps it stays
    within a distance of 2, and no more than `limit`.
    """

    name = "mandelbrot_row"
    sizes = (8, 64, 512)
    reference = staticmethod(count_row)
    cases = {  # noqa: RUF012
        "no points": (0, 0.5, 10),
        "no steps": (4, 0.5, 0),
        "a row outside": (4, 3.0, 10),
        "the axis": (64, 0.0, 50),
    }

    def make_arguments(self, size: int, seed: int) -> tuple[Any, ...]:
        """Return a row that passes through the set, another one for each seed."""
        draw = random.Random(seed)
        return size, draw.uniform(0.0, 0.6), 200


CONTRACT = MandelbrotRow()
