# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: boundscheck=False, wraparound=False, cdivision=True
# cython: embedsignature=True, embedsignature.format=clinic, autotestdict=False
"""The contract in Cython: the backend "cython".

`with nogil` releases the GIL around the kernel.
"""

cimport cython
from cpython.exc cimport PyErr_Clear
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_AsDouble, PyFloat_CheckExact
from cpython.list cimport (
    PyList_Append,
    PyList_GET_SIZE,
    PyList_GetSlice,
    PyList_New,
)
from cpython.number cimport PyIndex_Check, PyNumber_Index
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport INFINITY
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t
from libc.stdlib cimport free, malloc

cdef extern from *:
    """
    #include <stdint.h>
    #ifdef _WIN32
    #include <windows.h>
    #else
    #include <time.h>
    #endif

    /* The clock of time.perf_counter_ns(), read without the GIL. */
    static int64_t read_clock_ns(void) {
    #if PY_VERSION_HEX >= 0x030D0000
        PyTime_t now = 0;
        (void)PyTime_PerfCounterRaw(&now);
        return now;
    #else
        return _PyTime_GetPerfCounter();
    #endif
    }

    /* Let the duration pass, asleep; a signal does not shorten it. */
    static void sleep_ns(int64_t duration_ns) {
        int64_t deadline = read_clock_ns() + duration_ns;
        int64_t rest;
        while ((rest = deadline - read_clock_ns()) > 0) {
    #ifdef _WIN32
            Sleep((DWORD)(rest / 1000000 < 1000000 ? rest / 1000000 + 1 : 1000000));
    #else
            struct timespec span = {rest / 1000000000, rest % 1000000000};
            nanosleep(&span, NULL);
    #endif
        }
    }

    /* Return a new int, or NULL with an exception set. CPython counts the digits in one
       loop and writes them in another; two are written here. From 3.14 on it deprecates
       what that takes. */
    static inline PyObject *make_int(int64_t value) {
    #if PY_VERSION_HEX < 0x030E0000
        const uint64_t one_digit = (uint64_t)1 << PyLong_SHIFT;
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        if (magnitude >= one_digit && magnitude < one_digit * one_digit) {
            PyLongObject *number = _PyLong_New(2);
    #if PY_VERSION_HEX < 0x030C0000
            digit *digits = number ? number->ob_digit : NULL;
    #else
            digit *digits = number ? number->long_value.ob_digit : NULL;
    #endif
            if (digits != NULL) {
                digits[0] = (digit)(magnitude & PyLong_MASK);
                digits[1] = (digit)(magnitude >> PyLong_SHIFT);
            }
            if (digits != NULL && value < 0) {
    #if PY_VERSION_HEX < 0x030C0000
                Py_SET_SIZE(number, -2);
    #else
                number->long_value.lv_tag |= 2;
    #endif
            }
            return (PyObject *)number;
        }
    #endif
        return PyLong_FromLongLong(value);
    }

    #if PY_VERSION_HEX < 0x030D0000
    static PyObject *PyList_GetItemRef(PyObject *list, Py_ssize_t index) {
        PyObject *item = PyList_GetItem(list, index);
        Py_XINCREF(item);
        return item;
    }
    #endif

    /* Return whether the type has __float__. */
    static int has_float(PyObject *value) {
        return PyType_GetSlot(Py_TYPE(value), Py_nb_float) != NULL;
    }

    /* A pointer that the compiler must read anew each time. */
    typedef const int64_t *volatile any_source;
    typedef int64_t *volatile any_target;

    #if defined(__clang__)
    #define GILSCOPE_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define GILSCOPE_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define GILSCOPE_COMPILER "msvc"
    #else
    #define GILSCOPE_COMPILER "unknown"
    #endif
    #if defined(__OPTIMIZE__) || (defined(_MSC_VER) && !defined(_DEBUG))
    #define GILSCOPE_PROFILE "release"
    #else
    #define GILSCOPE_PROFILE "debug"
    #endif
    #ifdef Py_GIL_DISABLED
    #define GILSCOPE_FREE_THREADED 1
    #else
    #define GILSCOPE_FREE_THREADED 0
    #endif
    """
    int64_t read_clock_ns() noexcept nogil
    void sleep_ns(int64_t duration_ns) noexcept nogil
    PyObject *PyList_GetItemRef(object values, Py_ssize_t index) noexcept
    PyObject *make_int(int64_t value) except NULL
    bint has_float(object value) noexcept
    ctypedef const int64_t *any_source
    ctypedef int64_t *any_target
    const char *GILSCOPE_COMPILER
    const char *GILSCOPE_PROFILE
    const char *GILSCOPE_CYTHON_VERSION
    bint GILSCOPE_FREE_THREADED

cdef extern from "Python.h":
    # As pointers, because a borrowed item needs no reference to be counted.
    PyObject *PyList_GET_ITEM(PyObject *values, Py_ssize_t index) noexcept
    const Py_ssize_t PY_SSIZE_T_MAX
    int PyLong_Check(PyObject *item) noexcept
    int64_t PyLong_AsLongLongAndOverflow(PyObject *item, int *overflow) noexcept
    void PyList_SET_ITEM(PyObject *values, Py_ssize_t index, PyObject *item) noexcept
    int PyList_SetItem(object values, Py_ssize_t index, object item) noexcept

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = INT64_MIN
VALUE_MAX = INT64_MAX
cdef double SECONDS_MAX = 1e9


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------

cdef enum:
    # Up to this length a list needs no allocation.
    N_SMALL = 64


cdef struct Call:
    # The buffers and what goes into the region without the GIL, or comes out of it.
    int64_t small[2 * N_SMALL]
    int64_t *large
    int64_t *source
    int64_t *target
    Py_ssize_t length
    Py_ssize_t first_overflow
    int64_t passes
    int64_t released_ns
    bint is_traced
    int64_t enter
    int64_t kernel_start
    int64_t kernel_end
    int64_t acquired


cdef int read_values(values, Call *call) except -1:
    """Take a snapshot of the list as 64-bit integers."""
    cdef bint is_read
    # As long as there are only ints no other code runs, so the list itself is read;
    # on a free-threaded build the critical section keeps other threads from it.
    with cython.critical_section(values):
        is_read = read_ints(values, call)
    if not is_read:
        read_objects(PyList_GetSlice(values, 0, PY_SSIZE_T_MAX), call)
    return 0


cdef bint read_ints(values, Call *call) except -1:
    """Read a list of nothing but ints that fit; False where it has anything else."""
    allocate_buffers(call, PyList_GET_SIZE(values))
    cdef PyObject *item
    cdef Py_ssize_t index
    try:
        for index in range(call.length):
            item = PyList_GET_ITEM(<PyObject *> values, index)
            if not PyLong_Check(item):
                return False
            # Cython's own conversion looks at the digits in place.
            call.source[index] = <int64_t> <object> item
    except OverflowError:
        return False
    return True


cdef int read_objects(list snapshot, Call *call) except -1:
    """Read any list that no other code can reach, calling __index__ once an item."""
    allocate_buffers(call, PyList_GET_SIZE(snapshot))
    cdef int overflow
    cdef Py_ssize_t index
    for index in range(call.length):
        item = snapshot[index]
        if not PyIndex_Check(item):
            check_doubles(call.source, index)
            raise wrong_type(f"values[{index}]", "int", item)
        number = PyNumber_Index(item)
        call.source[index] = PyLong_AsLongLongAndOverflow(
            <PyObject *> number, &overflow
        )
        if overflow != 0:
            check_doubles(call.source, index)
            raise OverflowError(
                f"double_list() values[{index}]: "
                f"{describe_int(number)} does not fit in 64 bits"
            )
    return 0


cdef int allocate_buffers(Call *call, Py_ssize_t length) except -1:
    """Make room for that many values and their doubles, on the stack if they are few.

    It is not filled beforehand, so that the system hands out the pages of a large one
    where they are first written to, those of the doubles with the GIL released.
    """
    call.source = call.small
    if length > N_SMALL:
        free(call.large)
        call.large = <int64_t *> malloc(2 * <size_t> length * sizeof(int64_t))
        if call.large is NULL:
            raise MemoryError
        call.source = call.large
    call.target = call.source + length
    call.length = length
    return 0


cdef int check_doubles(const int64_t *source, Py_ssize_t length) except -1:
    """Refuse the first item whose double does not fit in 64 bits."""
    cdef Py_ssize_t index = find_overflow(source, length)
    if index < length:
        raise OverflowError(
            f"double_list() values[{index}]: "
            f"double of {source[index]} does not fit in 64 bits"
        )
    return 0


# --- 3 Kernel: no Python object, GIL released ---------------------------------

cdef Py_ssize_t double_values(
    const int64_t *source, int64_t *target, Py_ssize_t length, int64_t passes
) noexcept nogil:
    """Double source into target, passes times over.

    Returns:
        The index of the first item whose double overflows, or the length.
    """
    # Each pass starts from pointers that the compiler knows nothing about, so it
    # can neither drop a pass nor merge two.
    cdef any_source unknown_source = source
    cdef any_target unknown_target = target
    cdef const int64_t *source_now
    cdef int64_t *target_now
    cdef int64_t overflows = 0
    cdef int64_t item, doubled, _n_done
    cdef Py_ssize_t index
    for _n_done in range(passes):
        source_now = unknown_source
        target_now = unknown_target
        for index in range(length):
            item = source_now[index]
            doubled = <int64_t> (<uint64_t> item + <uint64_t> item)
            target_now[index] = doubled
            # The sign bit is set where the double has another sign than the item.
            overflows |= doubled ^ item
    if overflows < 0:
        return find_overflow(source, length)
    return length


cdef Py_ssize_t find_overflow(const int64_t *source, Py_ssize_t length) noexcept nogil:
    """Return the index of the first item whose double overflows, or the length."""
    cdef Py_ssize_t index
    for index in range(length):
        if not INT64_MIN // 2 <= source[index] <= INT64_MAX // 2:
            return index
    return length


cdef void run_kernel(Call *call) noexcept nogil:
    """Run the kernel and the sleep between the two stamps."""
    call.kernel_start = read_clock_ns() if call.is_traced else 0
    call.first_overflow = double_values(
        call.source, call.target, call.length, call.passes
    )
    if call.first_overflow == call.length and call.released_ns > 0:
        sleep_ns(call.released_ns)
    call.kernel_end = read_clock_ns() if call.is_traced else 0


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------

cdef list write_values(const int64_t *target, Py_ssize_t length):
    """Make a new list of ints."""
    cdef list doubled = PyList_New(length)
    cdef Py_ssize_t index
    for index in range(length):
        PyList_SET_ITEM(<PyObject *> doubled, index, make_int(target[index]))
    return doubled


# --- 5 The contract -----------------------------------------------------------

def double_list(
    values,
    result,
    index,
    *,
    passes=1,
    release_gil=True,
    released_sleep=0.0,
    held_sleep=0.0,
    trace=None,
):
    """Store the doubled values as a new list at result[index].

    Args:
        values: n >= 0 integers of 64 bits, not changed.
        result: the list that is written to.
        index: a position in result; a negative one counts from the end.
        passes: how many times the kernel doubles all values, at least 1.
        release_gil: whether to release the GIL around the kernel.
        released_sleep: seconds to sleep after the kernel, in the same region.
        held_sleep: seconds to keep the GIL after it was taken back.
        trace: gets (enter, kernel_start, kernel_end, acquired, exit) appended,
            nanoseconds of time.perf_counter_ns().

    Raises:
        TypeError: an argument or an item has a wrong type.
        OverflowError: an item or its double does not fit in 64 bits.
        IndexError: index lies outside result, at the call or when storing.
        ValueError: passes or a sleep is out of range.

    Threads:
        The GIL is released from kernel_start to kernel_end.

    Source:
        docs/contract.md, clauses 1.1 to 1.10.
    """
    cdef Call call
    # The clock is read for a trace alone, because that takes as long as ten items.
    call.is_traced = trace is not None
    call.enter = read_clock_ns() if call.is_traced else 0
    check_list("values", values)
    check_list("result", result)
    cdef Py_ssize_t position = take_position(result, index)
    call.passes = take_passes(passes)
    cdef bint is_released = take_flag("release_gil", release_gil)
    call.released_ns = take_seconds("released_sleep", released_sleep)
    cdef int64_t held_ns = take_seconds("held_sleep", held_sleep)
    if call.is_traced:
        check_list("trace", trace)

    call.large = NULL
    try:
        read_values(values, &call)

        # GIL released from here.
        if is_released:
            with nogil:
                run_kernel(&call)
        else:
            run_kernel(&call)
        # GIL held again from here.
        call.acquired = read_clock_ns() if call.is_traced else 0

        if call.first_overflow < call.length:
            check_doubles(call.source, call.length)
        if held_ns > 0:
            sleep_ns(held_ns)
        doubled = write_values(call.target, call.length)
    finally:
        free(call.large)
    store_result(result, position, doubled, trace, &call)


cdef wrong_type(str where, str expected, value):
    """Return the error for a value of a wrong type."""
    return TypeError(
        f"double_list() {where}: expected {expected}, got {type(value).__name__}"
    )


cdef int check_list(str where, value) except -1:
    """Refuse what is neither a list nor an instance of a subclass."""
    if not isinstance(value, list):
        raise wrong_type(where, "list", value)
    return 0


cdef inline take_int(str where, value):
    """Return the int that an int or an object with __index__ stands for."""
    if type(value) is int:
        return value
    if not PyIndex_Check(value):
        raise wrong_type(where, "int", value)
    return PyNumber_Index(value)


cdef Py_ssize_t take_position(result, index) except -1:
    """Return the position from the start that index stands for."""
    number = take_int("index", index)
    cdef int overflow
    cdef int64_t position = PyLong_AsLongLongAndOverflow(<PyObject *> number, &overflow)
    cdef Py_ssize_t length = PyList_GET_SIZE(result)
    if position < 0:
        position += length
    if overflow != 0 or not 0 <= position < length:
        raise IndexError(
            f"double_list() index: expected a position in a result of length {length}, "
            f"got {describe_int(number)}"
        )
    return position


cdef int64_t take_passes(passes) except -1:
    """Return how many passes are asked for."""
    number = take_int("passes", passes)
    cdef int overflow
    cdef int64_t n_passes = PyLong_AsLongLongAndOverflow(<PyObject *> number, &overflow)
    if overflow > 0:
        raise OverflowError(
            f"double_list() passes: {describe_int(number)} does not fit in 64 bits"
        )
    if overflow < 0 or n_passes < 1:
        raise ValueError(
            f"double_list() passes: expected at least 1, got {describe_int(number)}"
        )
    return n_passes


cdef int take_flag(str where, value) except -1:
    """Return the flag, which must be a bool."""
    if value is not True and value is not False:
        raise wrong_type(where, "bool", value)
    return value is True


cdef inline int64_t take_seconds(str where, value) except -1:
    """Return a sleep in nanoseconds."""
    cdef double seconds
    if PyFloat_CheckExact(value):
        seconds = PyFloat_AS_DOUBLE(value)
    else:
        seconds = read_seconds(where, value)
    if not 0 <= seconds <= SECONDS_MAX:
        raise ValueError(
            f"double_list() {where}: expected 0 to 1e9 seconds, got {seconds!r}"
        )
    return <int64_t> (seconds * 1e9)


cdef double read_seconds(str where, value) except? -1:
    """Return the seconds that any number stands for."""
    if not PyIndex_Check(value) and not has_float(value):
        raise wrong_type(where, "float", value)
    try:
        return PyFloat_AsDouble(value)
    except OverflowError:
        # An int too large for a float is as good as infinite.
        return INFINITY


cdef str describe_int(number):
    """Return the digits of a number, or its size where they would fill a page."""
    number = int.__index__(number)
    if -(2**127) <= number < 2**127:
        return str(number)
    return f"int of {number.bit_length()} bits"


cdef int store_result(
    result, Py_ssize_t position, list doubled, trace, const Call *call
) except -1:
    """Store the answer and append the trace, or leave both as they were."""
    # No try, which would save the exception state of the thread on every call.
    cdef PyObject *found = PyList_GetItemRef(result, position)
    if found is NULL:
        raise_shrank(result, position)
    # Held on to, so that no finalizer of it runs before all is done.
    replaced = <object> found
    Py_DECREF(replaced)
    # It takes over one reference.
    Py_INCREF(doubled)
    if PyList_SetItem(result, position, doubled) < 0:
        raise_shrank(result, position)
    if trace is not None:
        try:
            stamps = (
                call.enter,
                call.kernel_start,
                call.kernel_end,
                call.acquired,
                read_clock_ns(),
            )
            PyList_Append(trace, stamps)
        except MemoryError:
            Py_INCREF(replaced)
            if PyList_SetItem(result, position, replaced) < 0:
                PyErr_Clear()
            raise
    return 0


cdef int raise_shrank(result, Py_ssize_t position) except -1:
    """Raise the error for a result that shrank meanwhile."""
    PyErr_Clear()
    raise IndexError(
        f"double_list() result: expected a length over {position}, "
        f"got {PyList_GET_SIZE(result)}"
    )


# --- 6 Build facts ------------------------------------------------------------

def build_info():
    """Return how this backend was built.

    Returns:
        profile, compiler, version and free_threaded, as in every backend.
    """
    return {
        "profile": GILSCOPE_PROFILE.decode(),
        "compiler": GILSCOPE_COMPILER.decode(),
        "version": GILSCOPE_CYTHON_VERSION.decode(),
        "free_threaded": GILSCOPE_FREE_THREADED,
    }
