//! The contract in Rust through `PyO3`: the backend "pyo3".
//!
//! `Python::detach` releases the GIL around the kernel; before `PyO3` 0.26 it was
//! called `Python::allow_threads`.

use std::ffi::c_int;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::PyTypeInfo;
use pyo3::exceptions::{
    PyIndexError, PyMemoryError, PyOverflowError, PyTypeError, PyValueError,
};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyTuple};

// --- 1 Bounds ------------------------------------------------------------------------

const VALUE_MIN: i64 = i64::MIN;
const VALUE_MAX: i64 = i64::MAX;
const SECONDS_MAX: f64 = 1e9;

// --- 2 Read: list to int64 buffer, GIL held ------------------------------------------

/// Take a snapshot of the list as 64-bit integers; give it and room for the doubles.
fn read_values<'a>(
    values: &Bound<'_, PyList>,
    room: &'a mut Room,
) -> PyResult<(&'a [i64], &'a mut [MaybeUninit<i64>])> {
    // As long as there are only ints no other code runs, so the list itself is read;
    // on a free-threaded build the critical section keeps other threads from it.
    if !with_critical_section(values, || read_ints(values, room))? {
        // SAFETY: the pointer is that of a live list; what comes back is a new
        // reference, or null with an exception set.
        let snapshot = unsafe {
            let copy = ffi::PyList_GetSlice(values.as_ptr(), 0, ffi::PY_SSIZE_T_MAX);
            Bound::from_owned_ptr_or_err(values.py(), copy)?.cast_into_unchecked()
        };
        read_objects(&snapshot, room)?;
    }
    let (source, target) = room.split();
    // SAFETY: all of it was read, or an error was returned.
    Ok((unsafe { assume_written(source) }, target))
}

/// Read a list of nothing but ints that fit; false where it has anything else.
fn read_ints(values: &Bound<'_, PyList>, room: &mut Room) -> PyResult<bool> {
    let source = room.allocate(values.len())?;
    for (index, place) in source.iter_mut().enumerate() {
        // SAFETY: the index is inside the list, which nothing can change meanwhile, so
        // the borrowed item lives until it has been read.
        let (item, overflow) = unsafe {
            let item = ffi::PyList_GET_ITEM(values.as_ptr(), index.cast_signed());
            if ffi::PyLong_Check(item) == 0 {
                return Ok(false);
            }
            as_i64(item)
        };
        if overflow != 0 {
            return Ok(false);
        }
        place.write(item);
    }
    Ok(true)
}

/// Read any list that no other code can reach, calling `__index__` once an item.
fn read_objects(snapshot: &Bound<'_, PyList>, room: &mut Room) -> PyResult<()> {
    let py = snapshot.py();
    let source = room.allocate(snapshot.len())?;
    for (index, item) in snapshot.iter().enumerate() {
        let (read, rest) = source.split_at_mut(index);
        // SAFETY: the loop has come past all of these.
        let read = unsafe { assume_written(read) };
        let Some(number) = as_int(&item)? else {
            check_doubles(py, read)?;
            return Err(wrong_type(&format!("values[{index}]"), "int", &item));
        };
        // SAFETY: the pointer is that of a live int.
        let (value, overflow) = unsafe { as_i64(number.as_ptr()) };
        if overflow != 0 {
            check_doubles(py, read)?;
            return Err(raise::<PyOverflowError>(
                py,
                &format!(
                    "double_list() values[{index}]: {} does not fit in 64 bits",
                    describe_int(&number)?
                ),
            ));
        }
        rest[0].write(value);
    }
    Ok(())
}

/// An int as `CPython` lays it out, of which `PyO3` knows the head alone.
#[repr(C)]
struct RawInt {
    #[cfg(not(Py_3_12))]
    head: ffi::PyVarObject,
    #[cfg(Py_3_12)]
    head: ffi::PyObject,
    #[cfg(Py_3_12)]
    tag: usize,
    digits: [u32; 2],
}

/// Whether digits have 30 bits, as everywhere but in builds of Python for 15.
static HAS_WIDE_DIGITS: AtomicBool = AtomicBool::new(false);

/// Return the value of an int of up to two digits of 30 bits, looked at in place.
///
/// # Safety
///
/// `item` must point to a live int.
#[inline]
unsafe fn read_digits(item: *mut ffi::PyObject) -> Option<i64> {
    let number = item.cast::<RawInt>();
    // SAFETY: the caller vouches for the pointer, and only digits that are there are
    // read: an int has room for one at least.
    unsafe {
        // The number of digits, negative where the int is.
        #[cfg(not(Py_3_12))]
        let size = (*number).head.ob_size;
        #[cfg(Py_3_12)]
        let size = {
            let tag = (*number).tag.cast_signed();
            (tag >> 3) * (1 - (tag & 3))
        };
        let digits = (&raw const (*number).digits).cast::<u32>();
        let low = i64::from(*digits);
        match size {
            -1..=1 => Some(size as i64 * low),
            2 => Some(i64::from(*digits.add(1)) << 30 | low),
            -2 => Some(-(i64::from(*digits.add(1)) << 30 | low)),
            _ => None,
        }
    }
}

/// Return the value of an int and 0, or anything and the side on which it overflows.
///
/// # Safety
///
/// `item` must point to a live int.
#[inline]
unsafe fn as_i64(item: *mut ffi::PyObject) -> (i64, c_int) {
    // SAFETY: the caller vouches for the pointer.
    unsafe {
        if HAS_WIDE_DIGITS.load(Ordering::Relaxed) {
            if let Some(value) = read_digits(item) {
                return (value, 0);
            }
        }
        let mut overflow: c_int = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(item, &raw mut overflow);
        (value, overflow)
    }
}

/// Up to this length a list needs no allocation.
const N_SMALL: usize = 64;

/// Room for values and their doubles: on the stack where they are few.
///
/// It is not filled beforehand, so that the system hands out the pages of a large one
/// where they are first written to, those of the doubles with the GIL released.
struct Room {
    small: [MaybeUninit<i64>; 2 * N_SMALL],
    large: Vec<MaybeUninit<i64>>,
    length: usize,
}

impl Room {
    /// Return room for no values.
    fn new() -> Self {
        Self {
            small: [const { MaybeUninit::uninit() }; 2 * N_SMALL],
            large: Vec::new(),
            length: 0,
        }
    }

    /// Make room for that many values and their doubles; return the first half.
    fn allocate(&mut self, length: usize) -> PyResult<&mut [MaybeUninit<i64>]> {
        if length > N_SMALL {
            self.large.clear();
            self.large
                .try_reserve_exact(2 * length)
                .map_err(|_| PyMemoryError::new_err(()))?;
            // SAFETY: so much was reserved, and such a place needs no value.
            unsafe { self.large.set_len(2 * length) };
        }
        self.length = length;
        Ok(self.split().0)
    }

    /// Return both halves.
    fn split(&mut self) -> (&mut [MaybeUninit<i64>], &mut [MaybeUninit<i64>]) {
        let room = if self.length > N_SMALL {
            &mut self.large[..]
        } else {
            &mut self.small[..2 * self.length]
        };
        room.split_at_mut(self.length)
    }
}

/// Return what was written.
///
/// # Safety
///
/// All of it must have been written.
unsafe fn assume_written(written: &[MaybeUninit<i64>]) -> &[i64] {
    // SAFETY: the caller vouches for the values, and a place is laid out like one.
    unsafe { &*(&raw const *written as *const [i64]) }
}

/// Refuse the first item whose double does not fit in 64 bits.
fn check_doubles(py: Python<'_>, source: &[i64]) -> PyResult<()> {
    match find_overflow(source) {
        None => Ok(()),
        Some(index) => Err(raise::<PyOverflowError>(
            py,
            &format!(
                "double_list() values[{index}]: double of {} does not fit in 64 bits",
                source[index]
            ),
        )),
    }
}

// --- 3 Kernel: no Python object, GIL released ----------------------------------------

/// Double source into target, passes times over; return the index of the first item
/// whose double overflows, or the length.
fn double_values(
    source: &[i64],
    target: &mut [MaybeUninit<i64>],
    passes: i64,
) -> usize {
    let mut overflows = 0;
    for _ in 0..passes {
        // Each pass starts from pointers that the compiler knows nothing about, so it
        // can neither drop a pass nor merge two.
        let (source, target) = (black_box(source), black_box(&mut *target));
        for (double, &item) in target.iter_mut().zip(source) {
            let doubled = item.wrapping_add(item);
            double.write(doubled);
            // The sign bit is set where the double has another sign than the item.
            overflows |= doubled ^ item;
        }
    }
    if overflows < 0 {
        find_overflow(source).unwrap_or(source.len())
    } else {
        source.len()
    }
}

/// Return the index of the first item whose double overflows.
fn find_overflow(source: &[i64]) -> Option<usize> {
    source.iter().position(|item| item.checked_mul(2).is_none())
}

// --- 4 Write: int64 buffer to list, GIL held -----------------------------------------

/// Make a new list of ints.
fn write_values<'py>(py: Python<'py>, target: &[i64]) -> PyResult<Bound<'py, PyList>> {
    // SAFETY: the new list has as many empty places as there are values. Each is
    // filled once, with a new reference, before any other code can see the list.
    unsafe {
        let list = ffi::PyList_New(target.len().cast_signed());
        let doubled = Bound::from_owned_ptr_or_err(py, list)?;
        for (index, &value) in target.iter().enumerate() {
            let item = make_int(value);
            if item.is_null() {
                return Err(PyErr::fetch(py));
            }
            ffi::PyList_SET_ITEM(list, index.cast_signed(), item);
        }
        Ok(doubled.cast_into_unchecked())
    }
}

/// Return a new int, or null with an exception set.
///
/// `CPython` counts the digits in one loop and writes them in another; two are written
/// here. From 3.14 on it deprecates what that takes.
///
/// # Safety
///
/// The GIL must be held.
#[inline]
unsafe fn make_int(value: i64) -> *mut ffi::PyObject {
    #[cfg(not(Py_3_14))]
    if HAS_WIDE_DIGITS.load(Ordering::Relaxed)
        && (1 << 30..1 << 60).contains(&value.unsigned_abs())
    {
        // SAFETY: the new int has room for two digits, and nobody else knows of it.
        unsafe {
            let item = _PyLong_New(2);
            let number = item.cast::<RawInt>();
            if !number.is_null() {
                let magnitude = value.unsigned_abs();
                let digits = [low_digit(magnitude), low_digit(magnitude >> 30)];
                (&raw mut (*number).digits).write(digits);
                if value < 0 {
                    #[cfg(not(Py_3_12))]
                    (&raw mut (*number).head.ob_size).write(-2);
                    #[cfg(Py_3_12)]
                    (&raw mut (*number).tag).write(2 << 3 | 2);
                }
            }
            return item;
        }
    }
    // SAFETY: the caller vouches for the GIL.
    unsafe { ffi::PyLong_FromLongLong(value) }
}

/// Return the last 30 bits.
#[cfg(not(Py_3_14))]
#[allow(clippy::cast_possible_truncation)] // It is what is wanted.
fn low_digit(magnitude: u64) -> u32 {
    magnitude as u32 & ((1 << 30) - 1)
}

#[cfg(not(Py_3_14))]
unsafe extern "C" {
    fn _PyLong_New(n_digits: isize) -> *mut ffi::PyObject;
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
///     held_sleep: seconds to keep the GIL after it was taken back.
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
///     docs/contract.md, clauses 1.1 to 1.10.
#[pyfunction]
#[pyo3(
    signature = (
        values, result, index, *, passes=Argument::Default,
        release_gil=Argument::Default, released_sleep=Argument::Default,
        held_sleep=Argument::Default, trace=None
    ),
    text_signature = "(values, result, index, *, passes=1, release_gil=True, \
                      released_sleep=0.0, held_sleep=0.0, trace=None)"
)]
#[allow(clippy::doc_markdown)] // The text is the docstring that Python shows.
#[allow(clippy::too_many_arguments)] // They are the contract's.
fn double_list(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    result: &Bound<'_, PyAny>,
    index: &Bound<'_, PyAny>,
    passes: Argument<'_>,
    release_gil: Argument<'_>,
    released_sleep: Argument<'_>,
    held_sleep: Argument<'_>,
    trace: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    // The clock is read for a trace alone, because that takes as long as ten items.
    let is_traced = trace.is_some();
    let enter = read_clock_if(is_traced);
    let values = take_list("values", values)?;
    let result = take_list("result", result)?;
    let position = take_position(result, index)?;
    let passes = take_passes(passes)?;
    let is_released = take_flag("release_gil", release_gil)?;
    let released = take_seconds("released_sleep", released_sleep)?;
    let held = take_seconds("held_sleep", held_sleep)?;
    let trace = trace.map(|trace| take_list("trace", trace)).transpose()?;

    let mut room = Room::new();
    let (source, target) = read_values(values, &mut room)?;
    let length = source.len();

    let mut run_kernel = || {
        let kernel_start = read_clock_if(is_traced);
        let first_overflow = double_values(source, target, passes);
        if first_overflow == length {
            sleep(released);
        }
        (kernel_start, first_overflow, read_clock_if(is_traced))
    };
    // GIL released from here.
    let (kernel_start, first_overflow, kernel_end) = if is_released {
        py.detach(run_kernel)
    } else {
        run_kernel()
    };
    // GIL held again from here.
    let acquired = read_clock_if(is_traced);

    if first_overflow < length {
        check_doubles(py, source)?;
    }
    sleep(held);
    // SAFETY: each pass has written all of it, and there was one at least.
    let doubled = write_values(py, unsafe { assume_written(target) })?;
    let stamps = [enter, kernel_start, kernel_end, acquired];
    store_result(result, position, doubled, trace, stamps)
}

/// An argument that may be left out, which is something else than giving None.
enum Argument<'py> {
    Default,
    Given(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Argument<'py> {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self::Given(value.to_owned()))
    }
}

/// Return an error of that type.
fn raise<T: PyTypeInfo>(py: Python<'_>, message: &str) -> PyErr {
    // Made here and now: what PyO3 makes of a type and a text later on panics where
    // there is no memory left for the text.
    // SAFETY: the text is read while it lives; what comes back is a new reference, or
    // null with an exception set.
    unsafe {
        let length = message.len().cast_signed();
        let text = ffi::PyUnicode_FromStringAndSize(message.as_ptr().cast(), length);
        if !text.is_null() {
            ffi::PyErr_SetObject(T::type_object_raw(py).cast(), text);
            ffi::Py_DECREF(text);
        }
    }
    PyErr::fetch(py)
}

/// Return the error for a value of a wrong type.
fn wrong_type(place: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match name_type(value) {
        Ok(name) => raise::<PyTypeError>(
            value.py(),
            &format!("double_list() {place}: expected {expected}, got {name}"),
        ),
        Err(error) => error,
    }
}

/// Return the name of its type.
fn name_type(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(value.get_type().name()?.to_cow()?.into_owned())
}

/// Refuse what is neither a list nor an instance of a subclass.
fn take_list<'a, 'py>(
    place: &str,
    value: &'a Bound<'py, PyAny>,
) -> PyResult<&'a Bound<'py, PyList>> {
    value
        .cast::<PyList>()
        .map_err(|_| wrong_type(place, "list", value))
}

/// Return the int that an int or an object with `__index__` stands for.
fn as_int<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyInt>>> {
    if let Ok(number) = value.cast_exact::<PyInt>() {
        return Ok(Some(number.clone()));
    }
    // SAFETY: the pointer is that of a live object; what comes back is a new reference
    // to an int, or null with an exception set.
    unsafe {
        if ffi::PyIndex_Check(value.as_ptr()) == 0 {
            return Ok(None);
        }
        let number = ffi::PyNumber_Index(value.as_ptr());
        let number = Bound::from_owned_ptr_or_err(value.py(), number)?;
        Ok(Some(number.cast_into_unchecked()))
    }
}

/// Return the position from the start that index stands for.
fn take_position(
    result: &Bound<'_, PyList>,
    index: &Bound<'_, PyAny>,
) -> PyResult<usize> {
    let number = as_int(index)?.ok_or_else(|| wrong_type("index", "int", index))?;
    // SAFETY: the pointer is that of a live int.
    let (index, overflow) = unsafe { as_i64(number.as_ptr()) };
    let length = result.len();
    let position = if index < 0 {
        index.wrapping_add_unsigned(length as u64)
    } else {
        index
    };
    match usize::try_from(position) {
        Ok(position) if overflow == 0 && position < length => Ok(position),
        _ => Err(raise::<PyIndexError>(
            result.py(),
            &format!(
                "double_list() index: expected a position in a result of length \
                 {length}, got {}",
                describe_int(&number)?
            ),
        )),
    }
}

/// Return how many passes are asked for.
fn take_passes(passes: Argument<'_>) -> PyResult<i64> {
    let Argument::Given(value) = passes else {
        return Ok(1);
    };
    let number = as_int(&value)?.ok_or_else(|| wrong_type("passes", "int", &value))?;
    // SAFETY: the pointer is that of a live int.
    let (passes, overflow) = unsafe { as_i64(number.as_ptr()) };
    if overflow > 0 {
        return Err(raise::<PyOverflowError>(
            value.py(),
            &format!(
                "double_list() passes: {} does not fit in 64 bits",
                describe_int(&number)?
            ),
        ));
    }
    if overflow < 0 || passes < 1 {
        return Err(raise::<PyValueError>(
            value.py(),
            &format!(
                "double_list() passes: expected at least 1, got {}",
                describe_int(&number)?
            ),
        ));
    }
    Ok(passes)
}

/// Return the flag, which must be a bool.
fn take_flag(place: &str, flag: Argument<'_>) -> PyResult<bool> {
    let Argument::Given(value) = flag else {
        return Ok(true);
    };
    match value.cast::<PyBool>() {
        Ok(flag) => Ok(flag.is_true()),
        Err(_) => Err(wrong_type(place, "bool", &value)),
    }
}

/// Return a sleep.
fn take_seconds(place: &str, seconds: Argument<'_>) -> PyResult<Duration> {
    let Argument::Given(value) = seconds else {
        return Ok(Duration::ZERO);
    };
    let py = value.py();
    if !is_number(&value) {
        return Err(wrong_type(place, "float", &value));
    }
    let seconds = match value.extract::<f64>() {
        Ok(seconds) => seconds,
        // An int too large for a float is as good as infinite.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => f64::INFINITY,
        Err(error) => return Err(error),
    };
    if (0.0..=SECONDS_MAX).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    // SAFETY: what comes back is a new reference, or null with an exception set.
    let number =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyFloat_FromDouble(seconds))? };
    Err(raise::<PyValueError>(
        py,
        &format!(
            "double_list() {place}: expected 0 to 1e9 seconds, got {}",
            number.repr()?.to_cow()?
        ),
    ))
}

/// Return whether its type has `__float__` or `__index__`.
fn is_number(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the pointers are those of a live object and its type.
    unsafe {
        let kind = ffi::Py_TYPE(value.as_ptr());
        ffi::PyIndex_Check(value.as_ptr()) != 0
            || !ffi::PyType_GetSlot(kind, ffi::Py_nb_float).is_null()
    }
}

/// Return the digits of a number, or its size where they would fill a page.
fn describe_int(number: &Bound<'_, PyInt>) -> PyResult<String> {
    if let Ok(small) = number.extract::<i128>() {
        return Ok(small.to_string());
    }
    let py = number.py();
    // SAFETY: what comes back is a new reference, or null with an exception set.
    let bits = unsafe {
        let name = ffi::PyUnicode_InternFromString(c"bit_length".as_ptr());
        let name = Bound::from_owned_ptr_or_err(py, name)?;
        let bits = ffi::PyObject_CallMethodNoArgs(number.as_ptr(), name.as_ptr());
        Bound::from_owned_ptr_or_err(py, bits)?
    };
    Ok(format!("int of {} bits", bits.extract::<u64>()?))
}

/// Let the duration pass, asleep.
fn sleep(duration: Duration) {
    if !duration.is_zero() {
        thread::sleep(duration);
    }
}

/// Store the answer and append the trace, or leave both as they were.
fn store_result(
    result: &Bound<'_, PyList>,
    position: usize,
    doubled: Bound<'_, PyList>,
    trace: Option<&Bound<'_, PyList>>,
    stamps: [i64; 4],
) -> PyResult<()> {
    let py = result.py();
    let shrank = |_| {
        raise::<PyIndexError>(
            py,
            &format!(
                "double_list() result: expected a length over {position}, got {}",
                result.len()
            ),
        )
    };
    // Held on to, so that no finalizer of it runs before all is done.
    let replaced = result.get_item(position).map_err(shrank)?;
    result.set_item(position, doubled).map_err(shrank)?;
    let Some(trace) = trace else { return Ok(()) };
    let [enter, kernel_start, kernel_end, acquired] = stamps;
    let stamps = [enter, kernel_start, kernel_end, acquired, read_clock_ns()];
    make_tuple(py, &stamps)
        .and_then(|stamps| trace.append(stamps))
        .or_else(|error| {
            result.set_item(position, replaced)?;
            Err(error)
        })
}

/// Make a new tuple of ints.
fn make_tuple<'py>(py: Python<'py>, numbers: &[i64]) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: the new tuple has as many empty places as there are numbers. Each is
    // filled once, with a new reference, before any other code can see the tuple.
    unsafe {
        let tuple = ffi::PyTuple_New(numbers.len().cast_signed());
        let filled = Bound::from_owned_ptr_or_err(py, tuple)?;
        for (index, &number) in numbers.iter().enumerate() {
            let item = ffi::PyLong_FromLongLong(number);
            if item.is_null() {
                return Err(PyErr::fetch(py));
            }
            ffi::PyTuple_SET_ITEM(tuple, index.cast_signed(), item);
        }
        Ok(filled.cast_into_unchecked())
    }
}

/// Return the time where somebody wants to know it, and 0 otherwise.
fn read_clock_if(is_wanted: bool) -> i64 {
    if is_wanted { read_clock_ns() } else { 0 }
}

unsafe extern "C" {
    // Both read the clock of time.perf_counter_ns() and need no GIL.
    #[cfg(Py_3_13)]
    fn PyTime_PerfCounterRaw(result: *mut i64) -> c_int;
    #[cfg(not(Py_3_13))]
    safe fn _PyTime_GetPerfCounter() -> i64;
}

/// Return the time on the clock of `time.perf_counter_ns()`.
#[cfg(Py_3_13)]
fn read_clock_ns() -> i64 {
    let mut now = 0;
    // SAFETY: the pointer is that of an i64 to write to. The call fails on no machine
    // that Python starts on.
    unsafe { PyTime_PerfCounterRaw(&raw mut now) };
    now
}

/// Return the time on the clock of `time.perf_counter_ns()`.
#[cfg(not(Py_3_13))]
fn read_clock_ns() -> i64 {
    _PyTime_GetPerfCounter()
}

// --- 6 Build facts -------------------------------------------------------------------

/// Return how this backend was built.
///
/// Returns:
///     profile, compiler, version and free_threaded, as in every backend.
#[pyfunction]
#[allow(clippy::doc_markdown)] // The text is the docstring that Python shows.
fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    info.set_item("profile", profile)?;
    info.set_item("compiler", env!("GILSCOPE_COMPILER"))?;
    info.set_item("version", env!("GILSCOPE_PYO3_VERSION"))?;
    info.set_item("free_threaded", cfg!(Py_GIL_DISABLED))?;
    Ok(info)
}

/// The contract in Rust through `PyO3`.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{build_info, double_list};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let info = module.py().import("sys")?.getattr("int_info")?;
        let n_bits: u32 = info.getattr("bits_per_digit")?.extract()?;
        super::HAS_WIDE_DIGITS.store(n_bits == 30, super::Ordering::Relaxed);
        module.add("VALUE_MIN", super::VALUE_MIN)?;
        module.add("VALUE_MAX", super::VALUE_MAX)
    }
}
