"""One row of the Mandelbrot set in C through cffi, which releases around each call."""

from _mandelbrot_cffi import ffi, lib


def count_row(width: int, y: float, limit: int) -> list[int]:
    """Return how many steps each point of the row stays near."""
    counts = ffi.new("int[]", width)
    lib.count_points(counts, width, y, limit)
    return ffi.unpack(counts, width)
