# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: freethreading_compatible=True
"""One row of the Mandelbrot set in Cython: the loop needs no Python object."""

from libc.stdlib cimport free, malloc


cdef void count_points(
    int *counts, Py_ssize_t width, double y, int limit
) noexcept nogil:
    cdef Py_ssize_t place
    cdef double x, real, imaginary, next_real
    cdef int count
    for place in range(width):
        x = -2.0 + 3.0 * place / width
        real = imaginary = 0.0
        count = 0
        while count < limit and real * real + imaginary * imaginary <= 4.0:
            next_real = real * real - imaginary * imaginary + x
            imaginary = 2.0 * real * imaginary + y
            real = next_real
            count += 1
        counts[place] = count


def count_row(Py_ssize_t width, double y, int limit):
    """Return how many steps each point of the row stays near."""
    cdef int *counts = <int *> malloc(width * sizeof(int) + 1)
    if counts == NULL:
        raise MemoryError
    try:
        with nogil:
            count_points(counts, width, y, limit)
        return [counts[place] for place in range(width)]
    finally:
        free(counts)
