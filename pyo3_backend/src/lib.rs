//! The contract in Rust through `PyO3`: the backend "pyo3".
//!
//! `Python::detach` releases the GIL around the kernel; before `PyO3` 0.26 it was
//! called `Python::allow_threads`.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyIndexError, PyMemoryError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList};

// --- 1 Bounds ------------------------------------------------------------------------

const VALUE_MIN: i64 = i64::MIN;
const VALUE_MAX: i64 = i64::MAX;
const SECONDS_MAX: f64 = 1e9;

// --- 2 Read: list to int64 buffer, GIL held ------------------------------------------

/// Read the list as 64-bit integers; a note on an error names the item.
fn read_values(values: &Bound<'_, PyList>) -> PyResult<Vec<i64>> {
    // On a free-threaded build it keeps other threads from the list meanwhile.
    with_critical_section(values, || {
        let mut source = allocate(values.len())?;
        // It sees every change that an `__index__` makes to the list.
        for (index, item) in values.iter().enumerate() {
            let number = item.extract();
            source.push(number.map_err(|error| name_item(values.py(), error, index))?);
        }
        Ok(source)
    })
}

/// Return a buffer with room for that many integers.
fn allocate(length: usize) -> PyResult<Vec<i64>> {
    let mut buffer = Vec::new();
    // Vec::with_capacity() would end the process where memory runs out.
    match buffer.try_reserve_exact(length) {
        Ok(()) => Ok(buffer),
        Err(error) => Err(PyMemoryError::new_err(error.to_string())),
    }
}

/// Return the error with a note that names the item.
fn name_item(py: Python<'_>, error: PyErr, index: usize) -> PyErr {
    let noted = error.add_note(py, format!("double_list() values[{index}]"));
    noted.err().unwrap_or(error)
}

// --- 3 Kernel: no Python object, GIL released ----------------------------------------

/// Double source into target, passes times over; return whether every double fits.
fn double_values(source: &[i64], target: &mut Vec<i64>, passes: i64) -> bool {
    let mut overflows = 0;
    for _ in 0..passes {
        target.clear();
        // The compiler knows nothing about the source, so it cannot merge two passes.
        target.extend(black_box(source).iter().map(|&item| {
            let doubled = item.wrapping_add(item);
            // The sign bit is set where the double has another sign than the item.
            overflows |= doubled ^ item;
            doubled
        }));
        black_box(&mut *target);
    }
    overflows >= 0
}

// --- 4 Write: int64 buffer to list, GIL held -----------------------------------------

/// Make a new list of ints.
fn write_values<'py>(py: Python<'py>, target: &[i64]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, target)
}

// --- 5 The contract ------------------------------------------------------------------

/// Store the doubled values as a new list at result[index].
///
/// Args:
///     values: n >= 0 integers of 64 bits, not changed.
///     result: the list that is written to.
///     index: a position in result; a negative one counts from the end.
///     passes: how many times the kernel doubles all values, at least 1.
///     release_gil: whether to release the GIL around the kernel.
///     released_sleep: seconds to sleep after the kernel, in the same region.
///     held_sleep: seconds to hold the GIL after it was re-acquired.
///     trace: gets (enter, kernel_start, kernel_end, acquired, exit) appended,
///         nanoseconds of time.perf_counter_ns().
///
/// Raises:
///     TypeError: an argument or an item has a wrong type.
///     OverflowError: an item or its double does not fit in 64 bits.
///     IndexError: index lies outside result, at the call or when storing.
///     ValueError: passes or a sleep is out of range.
///
/// Threads:
///     The GIL is released from kernel_start to kernel_end.
///
/// Source:
///     docs/reference/contract.md, clauses 1.1 to 1.11.
#[pyfunction]
#[pyo3(signature = (values, result, index, *, passes=1, release_gil=true,
                    released_sleep=0.0, held_sleep=0.0, trace=None))]
#[allow(clippy::doc_markdown)] // The text is the docstring that Python shows.
#[allow(clippy::too_many_arguments)] // They are the contract's.
fn double_list(
    values: &Bound<'_, PyList>,
    result: &Bound<'_, PyList>,
    index: isize,
    passes: i64,
    #[pyo3(from_py_with = read_bool)] release_gil: bool,
    released_sleep: f64,
    held_sleep: f64,
    trace: Option<&Bound<'_, PyList>>,
) -> PyResult<()> {
    let py = values.py();
    let is_traced = trace.is_some();
    let now = || read_clock_ns(is_traced);
    let enter = now();
    let position = find_position(index, result.len())?;
    if passes < 1 {
        let message =
            format!("double_list() passes: expected at least 1, got {passes}");
        return Err(PyValueError::new_err(message));
    }
    let released_sleep = check_seconds(py, "released_sleep", released_sleep)?;
    let held_sleep = check_seconds(py, "held_sleep", held_sleep)?;

    let source = read_values(values)?;
    let mut target = allocate(source.len())?;

    let mut run_kernel = || {
        let kernel_start = now();
        let fits = double_values(&source, &mut target, passes);
        if fits {
            thread::sleep(released_sleep);
        }
        (kernel_start, fits, now())
    };
    // GIL released from here.
    let (kernel_start, fits, kernel_end) = if release_gil {
        py.detach(run_kernel)
    } else {
        run_kernel()
    };
    // GIL held again from here.
    let acquired = now();

    if !fits {
        check_doubles(py, &source)?;
    }
    thread::sleep(held_sleep);
    // Raises what a signal handler raises, such as KeyboardInterrupt.
    py.check_signals()?;
    let doubled = write_values(py, &target)?;
    let stamps = (enter, kernel_start, kernel_end, acquired, now());
    let entry = trace.map(|_| stamps.into_pyobject(py)).transpose()?;
    // Held on to until the end, so that its finalizer finds everything done.
    let Ok(replaced) = result.get_item(position) else {
        return Err(outside(position.cast_signed(), result.len()));
    };
    if result.set_item(position, doubled).is_err() {
        return Err(outside(position.cast_signed(), result.len()));
    }
    if let Some(trace) = trace
        && let Err(error) = trace.append(entry)
    {
        result.set_item(position, replaced)?;
        return Err(error);
    }
    Ok(())
}

/// Return the flag, which must be a bool; as a plain argument it might be of numpy.
fn read_bool(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.cast::<PyBool>()?.is_true())
}

/// Return the position from the start that index stands for.
fn find_position(index: isize, length: usize) -> PyResult<usize> {
    let position = if index < 0 {
        length.checked_add_signed(index)
    } else {
        Some(index.unsigned_abs())
    };
    match position {
        Some(position) if position < length => Ok(position),
        _ => Err(outside(index, length)),
    }
}

/// Return the error of an index that lies outside result.
fn outside(index: isize, length: usize) -> PyErr {
    PyIndexError::new_err(format!(
        "double_list() index: {index} lies outside a result of length {length}"
    ))
}

/// Return how long to sleep; refuse what is negative, too long or not a number.
fn check_seconds(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    if (0.0..=SECONDS_MAX).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    // As Python writes it, because Rust writes NaN and 1e300 in another way.
    let seconds = PyFloat::new(py, seconds).repr()?;
    Err(PyValueError::new_err(format!(
        "double_list() {name}: expected 0 to 1e9 seconds, got {seconds}"
    )))
}

/// Refuse the first item whose double does not fit in 64 bits.
fn check_doubles(py: Python<'_>, source: &[i64]) -> PyResult<()> {
    for (index, item) in source.iter().enumerate() {
        if item.checked_mul(2).is_none() {
            let message = format!("double of {item} does not fit in 64 bits");
            return Err(name_item(py, PyOverflowError::new_err(message), index));
        }
    }
    Ok(())
}

/// One moment on the clock of `time.perf_counter_ns()` and on Rust's, which is the same
/// clock with another zero and can be read without the GIL.
static CLOCK: OnceLock<(i64, Instant)> = OnceLock::new();

/// Return the time of `time.perf_counter_ns()` where somebody wants to know it.
#[allow(clippy::cast_possible_truncation)] // It lasts for 292 years.
fn read_clock_ns(is_wanted: bool) -> i64 {
    match CLOCK.get() {
        Some((start_ns, start)) if is_wanted => {
            start_ns + start.elapsed().as_nanos() as i64
        }
        _ => 0,
    }
}

// --- 6 Build facts -------------------------------------------------------------------

/// Return how this backend was built.
///
/// Returns:
///     profile, compiler, version and free_threaded, as in every backend.
#[pyfunction]
#[allow(clippy::doc_markdown)] // The text is the docstring that Python shows.
fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let is_debug = cfg!(debug_assertions);
    let info = PyDict::new(py);
    info.set_item("profile", if is_debug { "debug" } else { "release" })?;
    info.set_item("compiler", env!("GILSCOPE_COMPILER"))?;
    info.set_item("version", env!("GILSCOPE_PYO3_VERSION"))?;
    info.set_item("free_threaded", cfg!(Py_GIL_DISABLED))?;
    Ok(info)
}

/// The contract in Rust through `PyO3`.
#[pymodule(gil_used = false)]
mod _native {
    use std::time::{Duration, Instant};

    use pyo3::prelude::*;

    use super::CLOCK;
    #[pymodule_export]
    use super::{build_info, double_list};

    #[pymodule_export]
    const VALUE_MIN: i64 = super::VALUE_MIN;

    #[pymodule_export]
    const VALUE_MAX: i64 = super::VALUE_MAX;

    /// Read both clocks, as close together as it gets.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let read_ns = module.py().import("time")?.getattr("perf_counter_ns")?;
        let mut best = (Duration::MAX, 0, Instant::now());
        for _ in 0..20 {
            let before = Instant::now();
            let now_ns = read_ns.call0()?.extract()?;
            let now = Instant::now();
            best = best.min((now - before, now_ns, now));
        }
        let (_, start_ns, start) = best;
        CLOCK.get_or_init(|| (start_ns, start));
        Ok(())
    }
}
