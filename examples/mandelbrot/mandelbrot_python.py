"""One row of the Mandelbrot set in pure Python: the reference."""


def count_row(width: int, y: float, limit: int) -> list[int]:
    """Return how many steps each point of the row stays near."""
    counts = []
    for place in range(width):
        x = -2.0 + 3.0 * place / width
        real = imaginary = 0.0
        count = 0
        while count < limit and real * real + imaginary * imaginary <= 4.0:
            real, imaginary = (
                real * real - imaginary * imaginary + x,
                2.0 * real * imaginary + y,
            )
            count += 1
        counts.append(count)
    return counts
