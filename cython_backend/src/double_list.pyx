# cython: language_level=3, freethreading_compatible=True, binding=True
# cython: boundscheck=False, wraparound=False, cdivision=True, embedsignature=False
"""The contract in Cython: the backend "cython".

`with nogil` releases the GIL around the kernel.
"""

cimport cython
from cpython.float cimport PyFloat_AsDouble
from cpython.list cimport PyList_GET_SIZE, PyList_GetSlice, PyList_New
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.number cimport PyIndex_Check, PyNumber_Index
from cpython.object cimport PyObject
from libc.math cimport INFINITY
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t

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
    PyObject *PyLong_FromLongLong(int64_t value) except NULL
    int64_t PyLong_AsLongLongAndOverflow(PyObject *item, int *overflow) noexcept
    void PyList_SET_ITEM(PyObject *values, Py_ssize_t index, PyObject *item) noexcept

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = INT64_MIN
VALUE_MAX = INT64_MAX
cdef double SECONDS_MAX = 1e9


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------

cdef int64_t *read_values(values, Py_ssize_t *length) except NULL:
    """Take a snapshot of the list as 64-bit integers."""
    cdef int64_t *source
    # As long as there are only ints no other code runs, so the list itself is read;
    # on a free-threaded build the critical section keeps other threads from it.
    with cython.critical_section(values):
        source = read_ints(values, length)
    if source is NULL:
        source = read_objects(PyList_GetSlice(values, 0, PY_SSIZE_T_MAX), length)
    return source


cdef int64_t *read_ints(values, Py_ssize_t *length) except? NULL:
    """Read a list of nothing but ints that fit; NULL where it has anything else."""
    length[0] = PyList_GET_SIZE(values)
    cdef int64_t *source = allocate_buffer(length[0])
    cdef PyObject *item
    cdef int overflow
    cdef Py_ssize_t index
    for index in range(length[0]):
        item = PyList_GET_ITEM(<PyObject *> values, index)
        if PyLong_Check(item):
            source[index] = PyLong_AsLongLongAndOverflow(item, &overflow)
            if overflow == 0:
                continue
        PyMem_Free(source)
        return NULL
    return source


cdef int64_t *read_objects(list snapshot, Py_ssize_t *length) except NULL:
    """Read any list that no other code can reach, calling __index__ once an item."""
    length[0] = PyList_GET_SIZE(snapshot)
    cdef int64_t *source = allocate_buffer(length[0])
    cdef int overflow
    cdef Py_ssize_t index
    try:
        for index in range(length[0]):
            item = snapshot[index]
            if not PyIndex_Check(item):
                check_doubles(source, index)
                raise wrong_type(f"values[{index}]", "int", item)
            number = PyNumber_Index(item)
            source[index] = PyLong_AsLongLongAndOverflow(<PyObject *> number, &overflow)
            if overflow != 0:
                check_doubles(source, index)
                raise OverflowError(
                    f"double_list() values[{index}]: "
                    f"{describe_int(number)} does not fit in 64 bits"
                )
    except BaseException:
        PyMem_Free(source)
        raise
    return source


cdef int64_t *allocate_buffer(Py_ssize_t length) except NULL:
    """Return an uninitialised buffer with room for that many values."""
    cdef int64_t *buffer = <int64_t *> PyMem_Malloc(<size_t> length * sizeof(int64_t))
    if buffer is NULL:
        raise MemoryError
    return buffer


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
    cdef int64_t item, doubled, n_done
    cdef Py_ssize_t index
    for n_done in range(passes):
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


cdef struct Call:
    # What goes into the region without the GIL, and what comes out.
    int64_t *source
    int64_t *target
    Py_ssize_t length
    int64_t passes
    int64_t released_ns
    int64_t kernel_start
    int64_t kernel_end
    Py_ssize_t first_overflow


cdef void run_kernel(Call *call) noexcept nogil:
    """Run the kernel and the sleep between the two stamps."""
    call.kernel_start = read_clock_ns()
    call.first_overflow = double_values(
        call.source, call.target, call.length, call.passes
    )
    sleep_ns(call.released_ns)
    call.kernel_end = read_clock_ns()


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------

cdef list write_values(const int64_t *target, Py_ssize_t length):
    """Make a new list of ints."""
    cdef list doubled = PyList_New(length)
    cdef Py_ssize_t index
    for index in range(length):
        PyList_SET_ITEM(
            <PyObject *> doubled, index, PyLong_FromLongLong(target[index])
        )
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
    cdef int64_t enter = read_clock_ns()
    check_list("values", values)
    check_list("result", result)
    cdef Py_ssize_t position = take_position(result, index)
    cdef Call call
    call.passes = take_passes(passes)
    cdef bint is_released = take_flag("release_gil", release_gil)
    call.released_ns = take_seconds("released_sleep", released_sleep)
    cdef int64_t held_ns = take_seconds("held_sleep", held_sleep)
    if trace is not None:
        check_list("trace", trace)

    call.source = read_values(values, &call.length)
    call.target = NULL
    try:
        call.target = allocate_buffer(call.length)

        # GIL released from here.
        if is_released:
            with nogil:
                run_kernel(&call)
        else:
            run_kernel(&call)
        # GIL held again from here.
        acquired = read_clock_ns()

        if call.first_overflow < call.length:
            check_doubles(call.source, call.length)
        sleep_ns(held_ns)
        doubled = write_values(call.target, call.length)
    finally:
        PyMem_Free(call.source)
        PyMem_Free(call.target)
    stamps = (enter, call.kernel_start, call.kernel_end, acquired)
    store_result(result, position, doubled, trace, stamps)


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


cdef take_int(str where, value):
    """Return the int that an int or an object with __index__ stands for."""
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


cdef int64_t take_seconds(str where, value) except -1:
    """Return a sleep in nanoseconds."""
    cdef double seconds
    try:
        seconds = PyFloat_AsDouble(value)
    except OverflowError:
        # An int too large for a float is as good as infinite.
        seconds = INFINITY
    except TypeError:
        kind = type(value)
        if has_method(kind, "__float__") or has_method(kind, "__index__"):
            raise
        raise wrong_type(where, "float", value) from None
    if not 0 <= seconds <= SECONDS_MAX:
        raise ValueError(
            f"double_list() {where}: expected 0 to 1e9 seconds, got {seconds!r}"
        )
    return <int64_t> (seconds * 1e9)


cdef bint has_method(kind, str name) except -1:
    """Return whether instances have that special method, as the interpreter looks."""
    return any([name in vars(base) for base in kind.__mro__])


cdef str describe_int(number):
    """Return the digits of a number, or its size where they would fill a page."""
    number = int.__index__(number)
    if -(2**127) <= number < 2**127:
        return str(number)
    return f"int of {number.bit_length()} bits"


cdef int store_result(
    result, Py_ssize_t position, list doubled, trace, tuple stamps
) except -1:
    """Store the answer and append the trace, or leave both as they were."""
    try:
        # Held on to, so that no finalizer of it runs before all is done.
        replaced = list.__getitem__(result, position)
        list.__setitem__(result, position, doubled)
    except IndexError:
        raise IndexError(
            f"double_list() result: expected a length over {position}, "
            f"got {PyList_GET_SIZE(result)}"
        ) from None
    if trace is not None:
        try:
            list.append(trace, (*stamps, read_clock_ns()))
        except MemoryError:
            list.__setitem__(result, position, replaced)
            raise
    return 0


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
