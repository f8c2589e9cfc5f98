//! One row of the Mandelbrot set in Rust: the loop runs detached from the interpreter.

use pyo3::prelude::*;

fn count_point(x: f64, y: f64, limit: u32) -> u32 {
    let (mut real, mut imaginary, mut count) = (0.0, 0.0, 0);
    while count < limit && real * real + imaginary * imaginary <= 4.0 {
        (real, imaginary) = (
            real * real - imaginary * imaginary + x,
            2.0 * real * imaginary + y,
        );
        count += 1;
    }
    count
}

/// Return how many steps each point of the row stays near.
#[pyfunction]
fn count_row(py: Python<'_>, width: u32, y: f64, limit: u32) -> Vec<u32> {
    py.detach(|| {
        (0..width)
            .map(|place| {
                let x = -2.0 + 3.0 * f64::from(place) / f64::from(width);
                count_point(x, y, limit)
            })
            .collect()
    })
}

#[pymodule(gil_used = false)]
mod mandelbrot_pyo3 {
    #[pymodule_export]
    use super::count_row;
}
